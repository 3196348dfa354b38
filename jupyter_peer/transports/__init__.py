"""Ways to reach another node.

Each yields a :class:`~jupyter_peer.transports.base.PeerLink`, which moves whole frames; the hub above
does the handshake and all the rest.
"""
