"""A node without a Jupyter server: hub, store and sockets, in either process."""

from __future__ import annotations

import secrets
from pathlib import Path

from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.hub.local_node import HubConfig
from jupyter_peer.primitives.clock import Clock
from jupyter_peer.store.store import Store
from jupyter_peer.transports.direct.direct import DirectTransport
from jupyter_peer.transports.relay.relay import RelayTransport
from jupyter_peer.trust.invites import InvitePolicy
from jupyter_peer.wire.addresses import PATH
from jupyter_peer.wire.link.identity import Identity

#: Long, because the machine may be busy and timeouts are not measured.
PATIENCE_S = 60.0


class UnsealedClock(Clock):
    """A clock without a sealing key to offer, so that links use the plain JSON wire."""

    def random_bytes(self, count: int) -> bytes:
        return b"" if count == 32 else super().random_bytes(count)


class ListeningTransport(DirectTransport):
    """The direct transport on a free port of loopback."""

    def __init__(self) -> None:
        super().__init__()
        self._port = self.listen("127.0.0.1", 0)[0][1]

    def addresses(self) -> list[str]:
        return [f"ws://127.0.0.1:{self._port}{PATH}"]


class Node:
    """A started hub with its store and sockets; :meth:`close` ends it.

    Attributes:
        hub: The hub.
    """

    def __init__(self, hub: PeerHub) -> None:
        self.hub = hub

    @property
    def id(self) -> str:
        """The node's id."""
        return self.hub.node_id

    def invite(self) -> str:
        """Return a new invite to this node."""
        return self.hub.invites.mint().text

    async def close(self) -> None:
        """Close links, sockets and store."""
        await self.hub.close()
        self.hub.store.close()


async def start_node(
    folder: Path,
    name: str,
    *,
    sealed: bool = True,
    relay_url: str | None = None,
    dials_relay: bool = False,
    max_peers: int = 1024,
) -> Node:
    """Start a node on a free port of loopback, or at a relay.

    Args:
        folder: Folder for its store.
        name: Name of the node and of its store.
        sealed: Whether its links are sealed; else they use the plain JSON wire.
        relay_url: Its relay; then it can be reached only over the relay.
        dials_relay: Whether it has no relay of its own, and dials over those of others alone.
        max_peers: Most peers that it stores.
    """
    store = Store.open(folder / f"{name}.sqlite")
    identity = Identity.from_seed(secrets.token_bytes(32))
    is_relayed = dials_relay or relay_url is not None
    transport = RelayTransport(identity, relay_url) if is_relayed else ListeningTransport()
    hub = PeerHub(
        identity=identity,
        store=store,
        transports=[transport],
        policy=InvitePolicy(store),
        clock=None if sealed else UnsealedClock(),
        config=HubConfig(
            node_name=name,
            relay_url=relay_url,
            allow_unsealed_peers=not sealed,
            max_peers=max_peers,
            max_handshakes=max_peers,
            handshake_timeout_s=PATIENCE_S,
            ping_interval_s=PATIENCE_S,
        ),
    )
    await hub.start()
    return Node(hub)
