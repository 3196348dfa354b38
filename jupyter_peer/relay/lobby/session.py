"""One node's connection to the lobby: what it may send, and what waits to be written to it."""

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
    """What the lobby uses of a :class:`.connection.Connection`."""

    @property
    def close_code(self) -> int | None:
        """What the other side closed with."""

    @property
    def read_at(self) -> float:
        """When something was read last."""

    @property
    def is_pinged(self) -> bool:
        """Whether a ping since then is unanswered."""

    async def read(self) -> list[tuple[int, Payload]]:
        """Return the next messages."""

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        """Hand frames to the socket."""

    def send_text(self, text: str) -> None:
        """Send a text message."""

    def ping(self) -> None:
        """Ask whether the other side is still there."""

    def end(self, code: int, reason: str) -> None:
        """Close from a callback."""


class Guest:
    """A node that is connected here.

    Args:
        socket: Its connection.
        proof: Who it is.
        visit: Names this connection among all of the node.
        limits: What it may do.

    Attributes:
        is_registered: Whether it has said who it is; before that it is in no list.
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
        """Count what the node has asked for; return the seconds to wait before its next message."""
        return self._rate.charge(now, cost)

    async def answer(self, notice: Notice) -> None:
        """Write an answer and wait until the socket has taken it: who does not read cannot ask."""
        written = self._write(notice.to_text())
        if written is not None and not written.done():
            await asyncio.wait({written})

    def tell(self, notice: Notice) -> None:
        """Write news; a node that does not read them is let go, and learns the state anew."""
        if not self.take(notice.to_text()):
            self._socket.end(POLICY, "overflow")

    def take(self, text: str) -> bool:
        """Write a message if there is room for it; return whether there was."""
        if self._pending + len(text) > self._limits.max_queue:
            return False
        self._write(text)
        return True

    def replace(self) -> None:
        """Let go of a node that has come by another connection."""
        self._socket.end(POLICY, "replaced")

    def send_elsewhere(self) -> None:
        """Let go of a node since this lobby ends."""
        self._socket.end(RESTART, "restart")

    def check_alive(self, now: float) -> None:
        """Ping a node that is silent, and let go of it when it does not answer."""
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
                written.exception()  # the reader of this socket sees its end too

        written.add_done_callback(taken)
        return written
