"""One node's view of all others: who they are, the links to them, and what goes over those."""
