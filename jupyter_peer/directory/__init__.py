"""A signed list of nodes that accept each other: fetched, cached, refreshed and published."""

#: Seconds between two downloads of a directory.
DEFAULT_INTERVAL_S = 300.0
