"""WebSockets as asyncio protocols, for the node and for the relay alike."""
