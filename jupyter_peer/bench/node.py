"""A node without a Jupyter server around it: hub, store and sockets, in either process."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from ..hub.config import HubConfig
from ..hub.hub import PeerHub
from ..store import Store
from ..transports.base import PeerLink
from ..transports.direct import DirectTransport, WebSocketLink
from ..trust.invites import InvitePolicy
from ..wire.addresses import PATH
from ..wire.handshake import Offer
from ..wire.identity import Identity

#: A test of speed is no test of patience: the machine may be busy.
PATIENCE_S = 60.0


class PlainHub(PeerHub):
    """A hub that offers no sealing, so that its links speak the plain JSON wire."""

    def _make_offer(self) -> Offer:
        return msgspec.structs.replace(super()._make_offer(), x25519=b"")


class ListeningTransport(DirectTransport):
    """The direct transport on a free port of loopback.

    Attributes:
        port: Where it listens, once it was started.
    """

    port = 0

    def __init__(self) -> None:
        super().__init__()
        self._all: list[PeerLink] = []

    async def dial(self, address: str, node_id: str | None) -> PeerLink:
        link = await super().dial(address, node_id)
        self._all.append(link)
        return link

    def take(self, link: WebSocketLink) -> None:
        self._all.append(link)
        super().take(link)

    def cut(self) -> None:
        """End all links, as a network that goes away."""
        links, self._all = self._all, []
        for link in links:
            link.abort("cut")

    def open(self) -> None:
        """Listen."""
        self.port = self.listen("127.0.0.1", 0)[0][1]

    def addresses(self) -> list[str]:
        return [f"ws://127.0.0.1:{self.port}{PATH}"]


class Node:
    """A started hub and what it stands on; :meth:`close` ends it.

    Attributes:
        hub: The hub.
        transport: Its sockets.
    """

    def __init__(self, hub: PeerHub, transport: ListeningTransport) -> None:
        self.hub = hub
        self.transport = transport

    @property
    def id(self) -> str:
        """The node's id."""
        return self.hub.node_id

    def invite(self) -> str:
        """Return a fresh invite to this node."""
        return self.hub.mint_invite().text

    async def close(self) -> None:
        """Close links, sockets and store."""
        await self.hub.close()
        self.hub.store.close()


async def start_node(
    folder: Path, name: str, *, sealed: bool = True, max_peers: int = 1024
) -> Node:
    """Start a node on a free port of loopback.

    Args:
        folder: Where its store goes.
        name: Of the node and its store.
        sealed: Whether its links are sealed; else they speak the plain JSON wire.
        max_peers: Peers it remembers.
    """
    store = Store.open(folder / f"{name}.sqlite")
    transport = ListeningTransport()
    transport.open()
    hub = (PeerHub if sealed else PlainHub)(
        identity=Identity.from_seed(secrets.token_bytes(32)),
        store=store,
        transports=[transport],
        policy=InvitePolicy(store),
        config=HubConfig(
            node_name=name,
            allow_unsealed_peers=not sealed,
            max_peers=max_peers,
            max_handshakes=max_peers,
            handshake_timeout_s=PATIENCE_S,
            ping_interval_s=PATIENCE_S,
        ),
    )
    await hub.start()
    return Node(hub, transport)
