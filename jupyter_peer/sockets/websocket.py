"""One WebSocket after its upgrade (RFC 6455), on either side of it.

Whatever the socket has is taken in one read, and every message in it is handed on in the same turn
of the loop; what is written goes to the kernel at once. Tornado's own WebSocket awaits three reads a
frame and makes a task a message, and its streams copy everything once more in each direction.
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

# What may lie unsent in the socket: enough for a fast local link, little enough that a small
# message written behind it is not held up. A path with a larger product of rate and delay still
# has the kernel's own window for what was sent and not yet acknowledged.
UNSENT_BYTES = 128 * 1024
CLOSE_S = 2.0
_TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)

# RFC 6455 section 7.4.1, and the registry it founded.
NORMAL, GOING_AWAY, PROTOCOL, POLICY, TOO_BIG, RESTART = 1000, 1001, 1002, 1008, 1009, 1012


class Above(Protocol):
    """What a WebSocket brings its messages to."""

    def on_message(self, opcode: int, payload: Payload) -> Awaitable[None] | None:
        """Take a text or binary message.

        Returns:
            What to wait for before the next is handed on, or None.

        Raises:
            WireError: It breaks the protocol; see :meth:`on_broken`.
        """

    def on_read(self) -> Awaitable[None] | None:
        """Note that all that came in one read was handed on, pings and pongs included.

        Returns:
            What to wait for before more is read, or None.
        """

    def on_broken(self, error: WireError) -> None:
        """Decide what becomes of a connection of which nothing more can be read."""

    def on_end(self) -> None:
        """Note that the connection has ended; called once, after all messages."""


class WebSocket(asyncio.Protocol):
    """One WebSocket.

    Args:
        above: Takes what comes.
        max_message: Bytes of the largest message that is taken.
        is_client: Whether this side dialled, and so has to mask what it sends.
        greeting: Written before all else: the answer to the upgrade.

    Attributes:
        read_at: When something was read last, by the loop's clock.
        is_pinged: Whether a ping since then is unanswered.
        close_code: What the other side closed with; None when the connection just ended.
        close_reason: What it said with that.
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
        """Bytes of the largest message; a larger one is refused by its head, before it is read."""
        return self._reader.max_message

    @max_message.setter
    def max_message(self, value: int) -> None:
        self._reader.max_message = value

    @property
    def is_open(self) -> bool:
        """Whether what is written may still arrive."""
        transport = self._transport
        return not (self._is_closing or transport is None or transport.is_closing())

    @property
    def is_ended(self) -> bool:
        """Whether the connection has ended, or is about to without waiting for anybody."""
        return self._is_lost or (self._transport is not None and self._transport.is_closing())

    @property
    def remote_host(self) -> str | None:
        """IP address of the other end; None when it is no TCP connection."""
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(name[0]) if isinstance(name, tuple) else None

    # The connection, as asyncio tells of it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast("asyncio.Transport", transport)
        # Whoever writes wants to know of the first byte that the kernel did not take.
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
        """Hand on what was read; return what to wait for before the rest of it."""
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
            # Who pings faster than it reads gets no pongs meanwhile, rather than a growing buffer.
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
        """Whether the kernel has not taken all that was written."""
        return self._drained is not None

    def on_writable(self, callback: Callable[[], None]) -> None:
        """Call back once, soon after :attr:`is_backed_up` is over or the connection has ended."""
        if self._drained is None:
            self._loop.call_soon(callback)
        else:
            self._drained.add_done_callback(lambda _: callback())

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        """Hand whole frames to the socket without waiting; when it is closing they go nowhere.

        Returns:
            Done when the kernel has taken them, cancelled when it never will; None when there is
            nothing to wait for.
        """
        transport = self._transport
        if self._is_closing or transport is None or transport.is_closing():
            return None
        transport.write(data)
        return self._drained

    def append(
        self, pieces: list[bytes], opcode: int, payload: bytes, *, head: bytes = b""
    ) -> None:
        """Append a message in one frame to what is to be joined and written.

        Args:
            pieces: The others.
            opcode: ``TEXT``, ``BINARY`` or a control frame's.
            payload: What it says.
            head: Stands before the payload; so who has both need not join them.
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
        """Write one message; as :meth:`write`."""
        pieces: list[bytes] = []
        self.append(pieces, opcode, payload)
        return self.write(b"".join(pieces))

    def send_text(self, text: str) -> asyncio.Future[None] | None:
        """Write a text message; as :meth:`write`."""
        return self.send(TEXT, text.encode())

    def ping(self) -> None:
        """Ask whether the other side is still there; what it answers counts as read."""
        self.is_pinged = True
        if self._drained is None:
            self.send(PING, b"")

    # Closing.

    def end(self, code: int, reason: str = "") -> None:
        """Say why and close, from a callback; what comes from now on is not handed on.

        The other side has two seconds to take what was written and to close too: a socket closed
        while something unread is in it would take the reason down with it.
        """
        if self.is_open:
            self.send(CLOSE, close_payload(code, reason))
            self._is_closing = True
            self._loop.call_later(CLOSE_S, self.abort)

    def hang_up(self, code: int, reason: str = "") -> None:
        """Say why and close without waiting for the other side, of which nothing can be read."""
        self.end(code, reason)
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close the socket without a word."""
        if self._transport is not None and not self._is_lost:
            self._transport.abort()

    async def until_ended(self) -> None:
        """Wait until the connection has ended."""
        if not self._is_lost:
            if self._ended is None:
                self._ended = self._loop.create_future()
            await asyncio.wait({self._ended})


def close_code_of(error: WireError) -> int:
    """Return the code that says why a connection is closed."""
    return TOO_BIG if isinstance(error, TooLargeError) else PROTOCOL


def to_text(payload: Payload) -> str:
    """Return a text message's payload.

    Raises:
        MalformedError: It is not UTF-8.
    """
    try:
        return bytes(payload).decode()
    except UnicodeDecodeError as error:
        raise MalformedError("a text message is not UTF-8") from error
