"""Guests: browsers without a node, which a guest link lets see one pane."""
