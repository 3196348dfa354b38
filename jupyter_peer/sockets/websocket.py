"""One WebSocket after its upgrade (RFC 6455), on either side of it.

One read receives whatever the socket has, and all its messages are delivered in the same turn of the
loop. Written bytes go to the kernel at once. Tornado's own WebSocket awaits three reads for each
frame, makes a task for each message, and copies everything once more in each direction.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol, cast

from ..errors import MalformedError, TooLargeError, WireError
from ..primitives import background
from .frames import (
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
    from tornado.util import _websocket_mask as mask_bytes
except ImportError:  # an implementation detail of Tornado, in C where there is a compiler
    mask_bytes = xor

log = logging.getLogger(__name__)

# Bytes that may wait unsent in the socket. They fill a fast local link, and a small message behind
# them is not delayed. A path with a larger product of rate and delay still has the kernel's own
# window for bytes that were sent and not yet acknowledged.
UNSENT_BYTES = 128 * 1024
CLOSE_S = 2.0
_TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)

# RFC 6455 section 7.4.1, and the IANA registry of close codes.
NORMAL, GOING_AWAY, PROTOCOL, POLICY, TOO_BIG, RESTART = 1000, 1001, 1002, 1008, 1009, 1012


class Above(Protocol):
    """The receiver of a WebSocket's messages."""

    def on_message(self, opcode: int, payload: Payload) -> Awaitable[None] | None:
        """Receive a text or binary message.

        Returns:
            An awaitable that delays the next message until it is done, or None.

        Raises:
            WireError: The message breaks the protocol; :meth:`on_broken` is called next.
        """

    def on_read(self) -> Awaitable[None] | None:
        """Handle the end of a read, after all its messages, pings and pongs.

        Returns:
            An awaitable that delays the next read until it is done, or None.
        """

    def on_broken(self, error: WireError) -> None:
        """Decide how to end a connection from which nothing more can be read."""

    def on_end(self) -> None:
        """Handle the end of the connection; called once, after all messages."""


class WebSocket(asyncio.Protocol):
    """One WebSocket.

    Args:
        above: Receives the messages.
        max_message: Bytes of the largest message that is accepted.
        is_client: Whether this side dialled, and so has to mask its frames.
        greeting: The answer to the upgrade, which is written first.

    Attributes:
        read_at: Time of the last read, by the loop's clock.
        is_pinged: Whether a ping was sent since the last read.
        close_code: The close code of the other side; None if the connection ended without one.
        close_reason: The reason that the other side gave with the code.
    """

    __slots__ = (
        "__weakref__",
        "_above",
        "_drained",
        "_ended",
        "_greeting",
        "_handing_on",
        "_is_broken",
        "_is_client",
        "_is_closing",
        "_is_lost",
        "_loop",
        "_messages",
        "_reader",
        "_transport",
        "close_code",
        "close_reason",
        "is_pinged",
        "read_at",
    )

    def __init__(
        self, above: Above, max_message: int, *, is_client: bool, greeting: bytes = b""
    ) -> None:
        self._above = above
        self._reader = MessageReader(max_message, from_client=not is_client, unmask=mask_bytes)
        self._is_client = is_client
        self._greeting = greeting
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._messages: Iterator[tuple[int, Payload]] = iter(())
        self._handing_on: asyncio.Task[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._ended: asyncio.Future[None] | None = None
        self._is_broken = self._is_closing = self._is_lost = False
        self.read_at = self._loop.time()
        self.is_pinged = False
        self.close_code: int | None = None
        self.close_reason = ""

    @property
    def max_message(self) -> int:
        """Bytes of the largest message; a larger one is refused before its payload is read."""
        return self._reader.max_message

    @max_message.setter
    def max_message(self, value: int) -> None:
        self._reader.max_message = value

    @property
    def is_open(self) -> bool:
        """Whether written messages may still arrive."""
        transport = self._transport
        return not (self._is_closing or transport is None or transport.is_closing())

    @property
    def is_ended(self) -> bool:
        """Whether the connection has ended, or ends now without waiting for the other side."""
        return self._is_lost or (self._transport is not None and self._transport.is_closing())

    @property
    def remote_host(self) -> str | None:
        """IP address of the other end; None when it is no TCP connection."""
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(name[0]) if isinstance(name, tuple) else None

    # Callbacks of asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast("asyncio.Transport", transport)
        # The writer wants to know of the first byte that the kernel did not accept.
        transport.set_write_buffer_limits(high=0)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            # it may be closed already; where a system lacks the second, small messages wait longer
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        if self._greeting:
            transport.write(self._greeting)
            self._greeting = b""

    def connection_lost(self, error: Exception | None) -> None:
        self._is_lost = True
        if self._drained is not None:
            self._drained.cancel()
            self._drained = None
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        if self._handing_on is None:
            self._above.on_end()

    def pause_writing(self) -> None:
        if self._drained is None:
            self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # Reading.

    def data_received(self, data: bytes) -> None:
        self.read_at = self._loop.time()
        self.is_pinged = False
        if not self._is_broken:
            self._messages = self._reader.feed(data)
            handling = self._hand_on()
            if handling is not None:
                assert self._transport is not None
                self._transport.pause_reading()
                self._handing_on = background.start(
                    self._hand_on_later(handling), "handling what a WebSocket brought"
                )

    def _hand_on(self) -> Awaitable[None] | None:
        """Deliver the messages that were read; return what to await before the rest of them."""
        on_message = self._above.on_message
        try:
            for opcode, payload in self._messages:
                if opcode >= CLOSE:
                    self._on_control(opcode, payload)
                elif not self._is_closing:
                    handling = on_message(opcode, payload)
                    if handling is not None:
                        return handling
        except WireError as error:
            # whole messages before a malformed one still count
            self._is_broken = True
            self._messages = iter(())
            self._above.on_broken(error)
        return self._above.on_read()

    async def _hand_on_later(self, handling: Awaitable[None] | None) -> None:
        try:
            while handling is not None:
                await handling
                handling = self._hand_on()
        except Exception:
            log.exception("handling what a WebSocket brought failed")
            self.abort()
        self._handing_on = None
        if self._is_lost:
            self._above.on_end()
        elif self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _on_control(self, opcode: int, payload: Payload) -> None:
        if opcode == PING:
            # A client that pings faster than it reads gets no pongs; otherwise the buffer would grow.
            if self._drained is None:
                self.send(PONG, bytes(payload))
        elif opcode == CLOSE and self.close_code is None:
            self.close_code, self.close_reason = read_close(payload)
            self.send(CLOSE, bytes(payload[:2]))  # does nothing when this is an answer
            self._is_closing = True
            if self._transport is not None:
                self._transport.close()
                self._loop.call_later(CLOSE_S, self.abort)

    # Writing.

    @property
    def is_backed_up(self) -> bool:
        """Whether the kernel has not accepted all written bytes."""
        return self._drained is not None

    def on_writable(self, callback: Callable[[], None]) -> None:
        """Call back once, soon after :attr:`is_backed_up` is over or the connection has ended."""
        if self._drained is None:
            self._loop.call_soon(callback)
        else:
            self._drained.add_done_callback(lambda _: callback())

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        """Write whole frames to the socket without waiting; a closing socket drops them.

        Returns:
            A future that is done when the kernel has accepted the frames, and cancelled when it never
            will; None if the kernel has accepted them already.
        """
        transport = self._transport
        if self._is_closing or transport is None or transport.is_closing():
            return None
        transport.write(data)
        return self._drained

    def append(
        self, pieces: list[bytes], opcode: int, payload: bytes, *, head: bytes = b""
    ) -> None:
        """Append a message as one frame to a list of pieces that are written together.

        Args:
            pieces: The list.
            opcode: ``TEXT``, ``BINARY`` or a control frame's.
            payload: The content of the message.
            head: Bytes before the payload, so that the caller need not join the two.
        """
        size = len(head) + len(payload)
        if not self._is_client:
            pieces += (frame_head(opcode, size), head, payload)
            return
        mask = os.urandom(4)
        pieces.append(frame_head(opcode, size, mask))
        if head:
            pieces.append(mask_bytes(mask, head))
            turn = len(head) % 4
            mask = mask[turn:] + mask[:turn]
        pieces.append(mask_bytes(mask, payload))

    def send(self, opcode: int, payload: bytes) -> asyncio.Future[None] | None:
        """Write one message; returns what :meth:`write` returns."""
        pieces: list[bytes] = []
        self.append(pieces, opcode, payload)
        return self.write(b"".join(pieces))

    def send_text(self, text: str) -> asyncio.Future[None] | None:
        """Write a text message; returns what :meth:`write` returns."""
        return self.send(TEXT, text.encode())

    def ping(self) -> None:
        """Send a ping; the pong updates :attr:`read_at`."""
        self.is_pinged = True
        if self._drained is None:
            self.send(PING, b"")

    # Closing.

    def end(self, code: int, reason: str = "") -> None:
        """Send the reason and close, from a callback; later messages are not delivered.

        The other side has two seconds to read what was written and to close too. If a socket is
        closed while it holds unread bytes, the reason is lost.
        """
        if self.is_open:
            self.send(CLOSE, close_payload(code, reason))
            self._is_closing = True
            self._loop.call_later(CLOSE_S, self.abort)

    def hang_up(self, code: int, reason: str = "") -> None:
        """Send the reason and close without waiting for the other side."""
        self.end(code, reason)
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close the socket without a close frame."""
        if self._transport is not None and not self._is_lost:
            self._transport.abort()

    async def until_ended(self) -> None:
        """Wait until the connection has ended."""
        if not self._is_lost:
            if self._ended is None:
                self._ended = self._loop.create_future()
            await asyncio.wait({self._ended})


def close_code_of(error: WireError) -> int:
    """Return the close code that fits an error."""
    return TOO_BIG if isinstance(error, TooLargeError) else PROTOCOL


def to_text(payload: Payload) -> str:
    """Return the payload of a text message as a string.

    Raises:
        MalformedError: The payload is not UTF-8.
    """
    try:
        return bytes(payload).decode()
    except UnicodeDecodeError as error:
        raise MalformedError("a text message is not UTF-8") from error
