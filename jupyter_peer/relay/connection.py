"""One WebSocket of a node, after the upgrade: a Tornado stream and the sans-I/O reader.

Tornado's own WebSocket keeps the HTTP request, its headers and five coroutine frames alive for as
long as the connection lasts, and awaits three reads a frame. Here a node at rest is its socket, one
task and this object.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from tornado.iostream import IOStream, StreamClosedError

from ..errors import MalformedError, PeerError, TooLargeError, WireError
from ..wire.relay import refusal_text
from ..wire.websocket import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    MessageReader,
    Payload,
    close_payload,
    frame_head,
    read_close,
    xor,
)

try:
    from tornado.util import _websocket_mask as unmask
except ImportError:  # an implementation detail of Tornado, in C where there is a compiler
    unmask = xor

READ_BYTES = 64 * 1024
# Unsent bytes the kernel takes at most: what it has can no longer take turns with other links.
_NOTSENT_LOWAT = 256 * 1024
_CLOSE_S = 2.0

# RFC 6455 section 7.4.1, and the registry it founded.
NORMAL, GOING_AWAY, PROTOCOL, POLICY, TOO_BIG, RESTART = 1000, 1001, 1002, 1008, 1009, 1012


class Connection:
    """One WebSocket as a server sees it.

    Attributes:
        read_at: When something was read last, by the loop's clock.
        is_pinged: Whether a ping since then is unanswered.
        close_code: What the other side closed with; None when the socket just ended.
    """

    __slots__ = (
        "__weakref__",
        "_failure",
        "_is_closing",
        "_loop",
        "_reader",
        "_stream",
        "close_code",
        "is_pinged",
        "read_at",
    )

    def __init__(self, stream: IOStream, max_message: int) -> None:
        self._stream = stream
        self._reader = MessageReader(max_message, unmask=unmask)
        self._loop = asyncio.get_running_loop()
        self._failure: WireError | None = None
        self._is_closing = False
        self.read_at = self._loop.time()
        self.is_pinged = False
        self.close_code: int | None = None
        stream.set_nodelay(True)
        option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
        if option is not None and stream.socket is not None:
            # not a TCP socket, or a kernel without it
            with contextlib.suppress(OSError):
                stream.socket.setsockopt(socket.IPPROTO_TCP, option, _NOTSENT_LOWAT)

    @property
    def max_message(self) -> int:
        """Bytes of the largest message; a larger one ends the connection before it is read."""
        return self._reader.max_message

    @max_message.setter
    def max_message(self, value: int) -> None:
        self._reader.max_message = value

    @property
    def is_closed(self) -> bool:
        """Whether the socket is closed."""
        return self._stream.closed()

    @property
    def address(self) -> str:
        """Where the node comes from, for the log."""
        try:
            name = self._stream.socket.getpeername()
        except (OSError, AttributeError):
            return "?"
        return str(name[0]) if isinstance(name, tuple) else "local"

    async def read(self) -> list[tuple[int, Payload]]:
        """Return the next text and binary messages, as many as came in one read.

        Raises:
            StreamClosedError: The connection ended.
            WireError: What came is not the protocol.
        """
        while True:
            if self._failure is not None:
                raise self._failure
            data = await self._read()
            self.read_at = self._loop.time()
            self.is_pinged = False
            messages: list[tuple[int, Payload]] = []
            # Whole messages before a malformed one still count.
            for opcode, payload in self._parsed(data):
                if opcode >= CLOSE:
                    self._on_control(opcode, payload)
                elif not self._is_closing:
                    messages.append((opcode, payload))
            if messages:
                return messages

    async def read_text(self) -> str:
        """Return the next message, which must be the only one and text; for the registration.

        Raises:
            StreamClosedError: The connection ended.
            WireError: What came is not that.
        """
        messages = await self.read()
        opcode, payload = messages[0]
        if len(messages) > 1 or opcode != TEXT:
            raise MalformedError("one text message at a time is expected here")
        return to_text(payload)

    def _on_control(self, opcode: int, payload: Payload) -> None:
        if opcode == PING:
            # Who pings faster than it reads gets no pongs meanwhile, rather than a growing buffer.
            if not self._stream.writing():
                self.write(frame_head(PONG, len(payload)) + bytes(payload))
        elif opcode == CLOSE:
            self.close_code, _ = read_close(payload)
            self._answer_close(bytes(payload[:2]))

    def _answer_close(self, payload: bytes) -> None:
        if self._is_closing:
            self._stream.close()
            return
        written = self.write(frame_head(CLOSE, len(payload)) + payload)
        self._is_closing = True
        if written is None or written.done():
            self._stream.close()
        else:
            self._loop.call_later(_CLOSE_S, self._stream.close)

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        """Hand frames to the socket; None when it is gone or going."""
        if self._is_closing or self._stream.closed():
            return None
        try:
            return self._stream.write(data)
        except StreamClosedError:
            return None

    def send_text(self, text: str) -> None:
        """Send a text message."""
        data = text.encode()
        self.write(frame_head(TEXT, len(data)) + data)

    def ping(self) -> None:
        """Ask whether the other side is still there."""
        self.is_pinged = True
        if not self._stream.writing():
            self.write(frame_head(PING, 0))

    def abort(self) -> None:
        """Close the socket without a word."""
        self._stream.close()

    def end(self, code: int, reason: str) -> None:
        """Say why and close, from a callback; whoever reads goes on until the other side answers.

        The other side has two seconds to take what was written and to close too.
        """
        if self._is_closing or self._stream.closed():
            return
        payload = close_payload(code, reason)
        self.write(frame_head(CLOSE, len(payload)) + payload)
        self._is_closing = True
        self._loop.call_later(_CLOSE_S, self._stream.close)

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Say why and close; for the one task that reads. May be called twice.

        What comes is read until the other side closes too: a socket closed while something unread
        is in it would take the reason down with it.
        """
        self.end(code, reason)
        with contextlib.suppress(StreamClosedError):
            while not self._stream.closed():
                for opcode, _ in self._parsed(await self._read()):
                    if opcode == CLOSE:
                        self._stream.close()

    def _parsed(self, data: bytes) -> list[tuple[int, Payload]]:
        """Return the messages in what was read; malformed bytes end them, and are remembered."""
        messages: list[tuple[int, Payload]] = []
        if self._failure is None:
            try:
                messages.extend(self._reader.feed(data))
            except WireError as error:
                self._failure = error
        return messages

    async def _read(self) -> bytes:
        data: bytes = await self._stream.read_bytes(READ_BYTES, partial=True)
        return data

    async def refuse(self, error: PeerError) -> None:
        """Say by an error frame why the connection ends, and close it."""
        self.send_text(refusal_text(error))
        if isinstance(error, TooLargeError):
            code = TOO_BIG
        elif isinstance(error, WireError):
            code = PROTOCOL
        else:
            code = POLICY
        await self.close(code, error.code)


def to_text(payload: Payload) -> str:
    """Return a text message's payload.

    Raises:
        MalformedError: It is not UTF-8.
    """
    try:
        return bytes(payload).decode()
    except UnicodeDecodeError as error:
        raise MalformedError("a text message is not UTF-8") from error
