"""Ways to reach another node.

Each yields a :class:`~jupyter_peer.transports.base.PeerLink`, which moves whole frames. The hub above
does the handshake.
"""
