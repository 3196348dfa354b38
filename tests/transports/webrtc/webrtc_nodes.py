"""WebRTC transports on loopback, arranged by a lobby that is a dict."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import aioice.ice

from jupyter_peer.errors import NotConnectedError
from jupyter_peer.transports.webrtc.connection import IceServers
from jupyter_peer.transports.webrtc.engine import Engine
from jupyter_peer.transports.webrtc.native_engine import NativeEngine
from jupyter_peer.transports.webrtc.python_engine import PythonEngine
from jupyter_peer.transports.webrtc.webrtc import WebRtcTransport
from jupyter_peer.wire.link.identity import Identity

#: The engines, by what they are written with.
ENGINES = {"python": PythonEngine, "native": NativeEngine}
# libwebrtc takes this only before its first connection. A node ignores loopback by itself too.
with contextlib.suppress(Exception):  # not installed, or a connection was made before
    importlib.import_module("webrtc").allow_loopback()

URL = "wss://lobby.example"
ADDRESS = f"webrtc:{URL}"


class MemoryLobby:
    """Carries signals between the nodes of one process.

    Attributes:
        signals: All that was sent, as ``(from, to, kind, sdp)``.
        alter: Changes what is carried; None drops it.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Callable[[str, str, str], None]] = {}
        self.signals: list[tuple[str, str, str, str]] = []
        self.alter: Callable[[str, str], str | None] = lambda kind, sdp: sdp

    def deliver(self, source: str, to: str, kind: str, sdp: str) -> None:
        """Hand a signal to a node."""
        self.nodes[to](source, kind, sdp)


class MemorySignaller:
    """One node's way to a lobby."""

    url = URL

    def __init__(self, lobby: MemoryLobby, node_id: str) -> None:
        self._lobby = lobby
        self._node_id = node_id

    async def signal(self, to: str, kind: str, sdp: str) -> None:
        if to not in self._lobby.nodes:
            raise NotConnectedError("nobody of this id is in the lobby")
        self._lobby.signals.append((self._node_id, to, kind, sdp))
        altered = self._lobby.alter(kind, sdp)
        if altered is not None:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._lobby.deliver, self._node_id, to, kind, altered)

    def on_signal(self, callback: Callable[[str, str, str], None]) -> Callable[[], None]:
        self._lobby.nodes[self._node_id] = callback
        return lambda: None


class WebRtcNode(WebRtcTransport):
    """A WebRTC transport with an id of its own.

    Attributes:
        engine: What makes connections if nothing else is said.
    """

    engine: ClassVar[type[Engine]] = PythonEngine

    def __init__(
        self, lobby: MemoryLobby, identity: Identity | None = None, **options: Any
    ) -> None:
        identity = identity or Identity.from_seed(os.urandom(32))
        self.node_id = identity.node_id
        self.lobby = lobby
        super().__init__(
            identity,
            MemorySignaller(lobby, self.node_id),
            options.pop("servers", IceServers()),
            **{
                "is_peer": lambda node_id: True,
                "is_expected": lambda node_id: False,
                "allow_loopback": True,
                "engine": self.engine,
                **options,
            },
        )

    async def close(self) -> None:
        self.lobby.nodes.pop(self.node_id, None)
        await super().close()


@contextlib.contextmanager
def on_loopback() -> Iterator[None]:
    """Let ICE use loopback and no other interface."""
    before = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = before
