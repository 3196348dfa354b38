"""Handlers besides the API: the peer wire, the pages, and the list of all URLs."""
