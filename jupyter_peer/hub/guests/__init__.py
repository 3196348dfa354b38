"""Guests: browsers without a node that a link lets see one pane."""
