"""A signed list of nodes that belong together: fetched, kept and refreshed; and published."""

#: Seconds between two looks at a directory.
DEFAULT_INTERVAL_S = 300.0
