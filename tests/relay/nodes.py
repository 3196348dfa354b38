"""Relays of this process, and nodes that speak to them frame by frame."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Awaitable

from jupyter_peer.errors import WireError
from jupyter_peer.relay.backends.base import Backend
from jupyter_peer.relay.broker.limits import Limits
from jupyter_peer.relay.program import Options, serving
from jupyter_peer.sockets.frames import BINARY, Payload
from jupyter_peer.sockets.websocket import NORMAL, WebSocket, to_text
from jupyter_peer.transports.direct.websocket import open_websocket
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay.frames import CLOSE, DATA, Registration, RelayFrame
from tests.machine.waiting import PATIENCE_S

LINK = bytes(range(8))


@contextlib.asynccontextmanager
async def relay(
    backend: Backend | None = None, names: tuple[str, ...] = (), port: int = 0, **limits: float
) -> AsyncIterator[str]:
    """Run a relay and yield its URL."""
    options = Options(ip="127.0.0.1", port=port, names=names, limits=Limits(**limits))
    async with serving(options, backend) as urls:
        yield urls[0]


class RawSocket:
    """A WebSocket whose messages are read one by one; what is not read stays in the socket."""

    def __init__(self) -> None:
        self.connection: WebSocket
        self._messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._has_room = asyncio.Event()

    @classmethod
    async def open(cls, url: str, ssl_context: ssl.SSLContext | None = None) -> RawSocket:
        socket = cls()
        socket.connection = await open_websocket(
            url, socket, ssl_context=ssl_context, max_message=1 << 20
        )
        return socket

    def on_message(self, opcode: int, payload: Payload) -> Awaitable[None] | None:
        self._messages.put_nowait(bytes(payload) if opcode == BINARY else to_text(payload))
        if self._messages.qsize() < 3:
            return None
        self._has_room.clear()
        return self._room()

    def on_read(self) -> None:
        pass

    def on_broken(self, error: WireError) -> None:
        self.connection.abort()

    def on_end(self) -> None:
        self._messages.put_nowait(None)

    async def _room(self) -> None:
        await self._has_room.wait()

    def send(self, data: bytes | str) -> None:
        if isinstance(data, str):
            self.connection.send_text(data)
        else:
            self.connection.send(BINARY, data)

    async def read(self) -> str | bytes | None:
        """Return the next message; None when the other side has closed the connection."""
        message = await asyncio.wait_for(self._messages.get(), PATIENCE_S)
        self._has_room.set()
        return message

    def close(self) -> None:
        self._has_room.set()
        self.connection.end(NORMAL)


class RawNode:
    """A registered node whose frames are made and read by hand."""

    def __init__(self, identity: Identity, socket: RawSocket) -> None:
        self.identity = identity
        self.socket = socket
        self.read = socket.read
        self.send_raw = socket.send
        self.close = socket.close
        self.max_frame = 0

    @property
    def id(self) -> str:
        return self.identity.node_id

    @classmethod
    async def connect(
        cls,
        url: str,
        identity: Identity | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> RawNode:
        identity = identity or Identity.from_seed(os.urandom(32))
        node = cls(identity, await RawSocket.open(f"{url}/relay-ws", ssl_context))
        registration = Registration(identity)
        text: str | None = registration.begin()
        try:
            while text is not None:
                node.send_raw(text)
                text = registration.receive(str(await node.read()))
        except BaseException:
            node.close()
            raise
        node.max_frame = registration.max_frame
        return node

    async def frame(self) -> RelayFrame:
        """Return the next binary frame."""
        message = await self.read()
        assert isinstance(message, bytes), message
        return RelayFrame.from_bytes(message)

    def send(
        self, to: RawNode | str, payload: bytes = b"", link: bytes = LINK, kind: int = DATA
    ) -> None:
        dst = to if isinstance(to, str) else to.id
        frame = RelayFrame(kind, dst, self.id, link, payload)
        self.send_raw(frame.to_bytes())

    def close_link(self, to: RawNode | str, link: bytes = LINK) -> None:
        self.send(to, b"done", link, CLOSE)


@contextlib.asynccontextmanager
async def nodes(url: str, count: int = 2) -> AsyncIterator[list[RawNode]]:
    """Yield so many registered nodes."""
    connected = [await RawNode.connect(url) for _ in range(count)]
    try:
        yield connected
    finally:
        for node in connected:
            node.close()
