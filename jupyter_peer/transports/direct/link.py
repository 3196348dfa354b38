"""A link over one WebSocket (SPEC section 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ...errors import LinkClosedError, WireError
from ...sockets.frames import BINARY, TEXT, Payload
from ...sockets.websocket import NORMAL, WebSocket, close_code_of, to_text
from ..base import Frame, PeerLink


class WebSocketLink(PeerLink):
    """A link over one WebSocket, whichever side opened it.

    Attributes:
        on_ended: Called when the connection below has ended.
        port: Port of the extra listener that accepted it; None for Jupyter's own or a dialled one.
    """

    transport = "direct"
    priority = 2

    def __init__(self, address: str, *, is_dialled: bool) -> None:
        self._socket: WebSocket | None = None
        self.on_ended: Callable[[WebSocketLink], None] | None = None
        self.port: int | None = None
        super().__init__(address, is_dialled=is_dialled)

    def open(self, opened: WebSocket) -> None:
        """Start to receive the messages of an open WebSocket."""
        self._socket = opened
        if self.is_closed:
            self._shut(self.close_reason)  # its first message was refused

    def note_remote_host(self) -> None:
        """Read the address of the other end from the socket."""
        if self._socket is not None:
            self.remote_host = self._socket.remote_host

    @property
    def max_frame(self) -> int:
        """Frames of the peer over this many bytes close the link, before they are read."""
        return self._max_frame

    @max_frame.setter
    def max_frame(self, value: int) -> None:
        self._max_frame = value
        if self._socket is not None:
            self._socket.max_message = value

    def send(self, frames: Sequence[Frame]) -> None:
        opened = self._socket
        if self.is_closed or opened is None:
            raise LinkClosedError
        if not opened.is_open:
            self._closed("lost")
            raise LinkClosedError
        pieces: list[bytes] = []
        for frame in frames:
            if isinstance(frame, str):
                opened.append(pieces, TEXT, frame.encode())
            else:
                opened.append(pieces, BINARY, frame)
        opened.write(b"".join(pieces))

    @property
    def is_backed_up(self) -> bool:
        return self._socket is not None and self._socket.is_backed_up

    def on_writable(self, callback: Callable[[], None]) -> None:
        if self._socket is None or self.is_closed:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._socket.on_writable(callback)

    # Callbacks of the WebSocket.

    def on_message(self, opcode: int, payload: Payload) -> Awaitable[None] | None:
        return self._deliver(bytes(payload) if opcode == BINARY else to_text(payload))

    def on_read(self) -> None:
        """Do nothing: each frame was handled when it arrived."""

    def on_broken(self, error: WireError) -> None:
        if self._socket is not None:
            self._socket.hang_up(close_code_of(error), error.code)
        self._closed("lost")

    def on_end(self) -> None:
        self._closed("lost")
        if self.on_ended is not None:
            self.on_ended(self)

    def _shut(self, reason: str) -> None:
        if self._socket is not None:
            self._socket.end(NORMAL, reason[:100])

    @property
    def is_ended(self) -> bool:
        """Whether the connection below has ended."""
        return self._socket is None or self._socket.is_ended

    async def until_ended(self) -> None:
        """Wait until the connection below has ended, after the link was closed."""
        if self._socket is not None:
            await self._socket.until_ended()

    def cut(self) -> None:
        """Cut the connection below without a closing handshake."""
        if self._socket is not None:
            self._socket.abort()
