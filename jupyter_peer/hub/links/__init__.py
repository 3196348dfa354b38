"""Links to other nodes: the handshake that makes a session, and the node at the other end."""
