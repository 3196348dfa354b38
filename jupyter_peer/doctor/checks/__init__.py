"""The single checks of the connection check."""
