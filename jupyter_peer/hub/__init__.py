"""One node's view of all other nodes: their identities, the links to them, and the messages."""
