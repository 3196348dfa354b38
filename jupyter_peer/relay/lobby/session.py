"""One node's connection to the lobby: its rate limit and its queue."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ...primitives.rate_limit import RateLimit
from ...sockets.frames import TEXT, Payload, frame_head
from ...sockets.websocket import GOING_AWAY, POLICY, RESTART
from ...wire.relay.lobby import Notice
from ..proof import Proof
from .limits import LobbyLimits


class Socket(Protocol):
    """The part of :class:`.connection.Connection` that the lobby uses."""

    @property
    def close_code(self) -> int | None:
        """The other side's close code."""

    @property
    def read_at(self) -> float:
        """Time of the last read."""

    @property
    def is_pinged(self) -> bool:
        """Whether a ping since then is unanswered."""

    async def read(self) -> list[tuple[int, Payload]]:
        """Return the next messages."""

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        """Write frames to the socket."""

    def send_text(self, text: str) -> None:
        """Send a text message."""

    def ping(self) -> None:
        """Send a ping."""

    def end(self, code: int, reason: str) -> None:
        """Close from a callback."""


class Guest:
    """A node that is connected here.

    Args:
        socket: Its connection.
        proof: The proof of its id.
        visit: Identifies this connection among all of the node.
        limits: Limits of the lobby.

    Attributes:
        is_registered: Whether it has registered; before that it is in no list.
    """

    def __init__(self, socket: Socket, proof: Proof, visit: str, limits: LobbyLimits) -> None:
        self.node_id = proof.node_id
        self.public_key = proof.public_key
        self.visit = visit
        self.is_registered = False
        self._socket = socket
        self._limits = limits
        self._pending = 0
        self._rate = RateLimit(limits.rate, limits.rate * limits.burst_s)

    def charge(self, cost: float, now: float) -> float:
        """Count a request of the node; return the seconds to wait before its next message."""
        return self._rate.charge(now, cost)

    async def answer(self, notice: Notice) -> None:
        """Write an answer and wait for the write, so that a node has to read before it asks again."""
        written = self._write(notice.to_text())
        if written is not None and not written.done():
            await asyncio.wait({written})

    def tell(self, notice: Notice) -> None:
        """Write a notice; disconnect the node if it does not read, so that it reads the state again."""
        if not self.take(notice.to_text()):
            self._socket.end(POLICY, "overflow")

    def take(self, text: str) -> bool:
        """Write a message if there is room for it; return whether there was."""
        if self._pending + len(text) > self._limits.max_queue:
            return False
        self._write(text)
        return True

    def replace(self) -> None:
        """Disconnect a node that has a newer connection."""
        self._socket.end(POLICY, "replaced")

    def send_elsewhere(self) -> None:
        """Disconnect a node because this lobby stops."""
        self._socket.end(RESTART, "restart")

    def check_alive(self, now: float) -> None:
        """Ping a silent node, and disconnect it when it does not answer."""
        silent = now - self._socket.read_at
        if silent > 2 * self._limits.idle_s:
            self._socket.end(GOING_AWAY, "idle")
        elif silent > self._limits.idle_s and not self._socket.is_pinged:
            self._socket.ping()

    def _write(self, text: str) -> asyncio.Future[None] | None:
        data = text.encode()
        written = self._socket.write(frame_head(TEXT, len(data)) + data)
        if written is None or written.done():
            return written
        size = len(data)
        self._pending += size

        def taken(_: asyncio.Future[None]) -> None:
            self._pending -= size
            if not written.cancelled():
                written.exception()  # the reader of this socket notices the end too

        written.add_done_callback(taken)
        return written
