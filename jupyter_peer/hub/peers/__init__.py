"""Peers: what this node knows of each other node, and the link to it."""
