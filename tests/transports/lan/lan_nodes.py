"""LAN transports on loopback, with real multicast that no other machine hears."""

from __future__ import annotations

import os
from typing import Any

from jupyter_peer.transports.base import Accept
from jupyter_peer.transports.direct.direct import DirectTransport
from jupyter_peer.transports.lan.interfaces import Interfaces
from jupyter_peer.transports.lan.lan import LanTransport
from jupyter_peer.transports.lan.records import Endpoint
from jupyter_peer.wire.link.identity import Identity

LOOPBACK = Interfaces(((1, "127.0.0.1", 8),))


class LanNode(LanTransport):
    """A LAN transport with a direct one of its own, which is all a hub adds.

    Attributes:
        seen: Addresses of each node that was found and not lost again, and its name.
    """

    def __init__(self, name: str = "ada", node_id: str | None = None, **options: Any) -> None:
        self.direct = DirectTransport()
        ((host, self.port),) = self.direct.listen("127.0.0.1", 0)
        self.seen: dict[str, tuple[str, list[str]]] = {}
        self.called = name
        super().__init__(
            self.direct,
            node_id=node_id or Identity.from_seed(os.urandom(32)).node_id,
            node_name=lambda: self.called,
            endpoint=Endpoint(host, self.port),
            found=self._note,
            lost=lambda gone: self.seen.pop(gone, None),
            **{"interfaces": lambda: LOOPBACK, "poll_s": 0.05, **options},
        )

    @property
    def node_id(self) -> str:
        return self._node_id

    def _note(self, node_id: str, name: str, addresses: list[str]) -> None:
        self.seen[node_id] = (name, addresses)

    async def start(self, accept: Accept) -> None:
        await self.direct.start(accept)
        await super().start(accept)

    async def close(self) -> None:
        await super().close()
        await self.direct.close()
