"""Peers: the facts about each other node, and the link to it."""
