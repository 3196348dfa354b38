"""A node's WebSocket to a relay: registers, checks that it is alive, and reconnects.

Below is the WebSocket; above is the multiplexer, which knows the links over it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Protocol
from urllib.parse import urlsplit

from ...errors import (
    PeerError,
    PeerTimeoutError,
    ProtocolError,
    UnreachableError,
    WireError,
)
from ...phrase import phrase
from ...primitives import background
from ...primitives.backoff import Backoff, spread
from ...primitives.pauses import pause_until, pause_until_any
from ...sockets.frames import BINARY, Payload
from ...sockets.websocket import NORMAL, WebSocket, to_text
from ...wire.link.identity import Identity
from ...wire.relay.frames import Registration, Undeliverable, read_notice
from ..direct.websocket import open_websocket

log = logging.getLogger(__name__)

# Every relay of this program refuses larger frames.
_MAX_FRAME = 512 * 1024
REGISTER_TIMEOUT_S = 10.0
_PING_S = 20.0
_PONG_S = 5.0
# After a connection that lasted this long, the next pause is the shortest again.
_STABLE_S = 10.0
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 30.0
# After such a connection the links wait for the next one, so the pause may end at once. Nodes that
# return to a relay are spread widely enough.
_AFTER_GOOD, _AFTER_BAD = spread(0.0, 1.0), spread(0.5, 1.5)


class Above(Protocol):
    """The multiplexer above, as the socket sees it."""

    def on_frame(self, data: bytes) -> None:
        """Handle a frame of the relay.

        Raises:
            WireError: It is malformed; the connection closes.
        """

    def on_undeliverable(self, notice: Undeliverable) -> None:
        """Handle the end of a link whose other end is away."""

    def on_registered(self) -> None:
        """Handle the registration at the relay."""

    def on_lost(self, reason: str) -> None:
        """Handle the loss of the connection, and of all frames under way."""

    @property
    def is_used(self) -> bool:
        """Whether it carries a link now."""


class RelaySocket:
    """One WebSocket to the relay of some URLs, kept open until :meth:`close`.

    Args:
        urls: URLs of the brokers of one relay; the first that answers is used.
        identity: The key to register.
        ssl_context: For ``wss://``.
        above: Receives the frames.
        idle_s: Seconds without use until it closes; None keeps it open.
        now: Monotonic seconds.

    Attributes:
        is_over: Whether it was closed for good.
        read_at: Time of the last read, by ``now``.
        max_frame: Bytes of the largest frame that the relay accepts.
        max_members: Nodes that may join one group at the relay; 0 when it has no groups.
        last_error: The reason why it is not registered; None once it is.
    """

    def __init__(
        self,
        urls: list[str],
        identity: Identity,
        ssl_context: ssl.SSLContext,
        above: Above,
        idle_s: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.is_over = False
        self.max_frame = _MAX_FRAME
        self.max_members = 0
        self.last_error: PeerError | None = None
        self._told = ""
        self._urls = urls
        self._identity = identity
        self._ssl_context = ssl_context
        self._above = above
        self._idle_s = idle_s
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._used_at = self.read_at = now()
        self._connection: WebSocket | None = None
        self._registration: Registration | None = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._fault: PeerError | None = None
        self._lost = asyncio.Event()
        self._registered = asyncio.Event()
        self._tried = asyncio.Event()
        self._nudged = asyncio.Event()
        self._heard = asyncio.Event()
        self._task = background.start(self._run(), "staying at a relay")

    @property
    def is_registered(self) -> bool:
        """Whether this node is registered now."""
        return self._registered.is_set()

    async def until_registered(self, timeout: float) -> None:
        """Wait until the node is registered.

        Raises:
            UnreachableError: The relay does not answer, or refuses.
        """
        if self.is_registered:
            return
        self._tried.clear()
        self.nudge()
        deadline = self._loop.time() + timeout
        while not self.is_registered:
            left = deadline - self._loop.time()
            if left <= 0 or self._tried.is_set() or self._task.done():
                why = self.last_error or PeerTimeoutError("it does not answer")
                raise UnreachableError(
                    phrase("the relay cannot be used: {reason}", reason=why.message_phrase)
                ) from self.last_error
            await pause_until_any((self._registered, self._tried), left)

    async def close(self) -> None:
        """Close the connection; may be called twice."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def nudge(self) -> None:
        """Check now whether the connection is alive, or connect now."""
        self._nudged.set()

    # Life.

    async def _run(self) -> None:
        turn, backoff = 0, Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        try:
            while not self._is_idle():
                url = self._urls[turn % len(self._urls)]
                was_stable = await self._connect(url)
                self._tell(url)
                turn += 1
                if was_stable:
                    backoff.reset()
                if turn % len(self._urls) == 0:
                    self._nudged.clear()
                    jitter = _AFTER_GOOD() if was_stable else _AFTER_BAD()
                    await pause_until(self._nudged, backoff.next() * jitter)
        finally:
            self.is_over = True
            connection = self._connection
            self._drop("shutdown")
            if connection is not None:
                # The loop may end after this, and would leave the socket open.
                await connection.until_ended()

    def _tell(self, url: str) -> None:
        """Log why there is no connection; again only when the reason has changed."""
        reason = f"{url}: {self.last_error}"
        log.log(logging.DEBUG if reason == self._told else logging.INFO, "the relay %s", reason)
        self._told = reason

    async def _connect(self, url: str) -> bool:
        """Register and stay until the connection is lost; return whether it lasted."""
        began = None
        try:
            await self._register(url)
            log.info("registered at the relay %s", url)
            self._told = ""
            self.last_error = None
            self._registered.set()
            self._above.on_registered()
            began = self._now()
            self.last_error = await self._stay()
        except PeerError as error:
            self.last_error = error
        self._drop("lost")
        self._tried.set()
        return began is not None and self._now() - began > _STABLE_S

    def _is_idle(self) -> bool:
        if self._above.is_used:
            self._used_at = self._now()
        return self._idle_s is not None and self._now() - self._used_at > self._idle_s

    async def _register(self, url: str) -> None:
        self._lost.clear()
        self._fault = None
        self._ready = self._loop.create_future()
        self._registration = Registration(self._identity, host=urlsplit(url).netloc)
        try:
            async with asyncio.timeout(REGISTER_TIMEOUT_S):
                await self._open(url, self._registration)
        except TimeoutError as error:
            raise PeerTimeoutError(phrase("{url} does not answer", url=url)) from error

    async def _open(self, url: str, registration: Registration) -> None:
        ready = self._ready
        self._connection = await open_websocket(
            url, _Ear(self, ready), ssl_context=self._ssl_context, max_message=_MAX_FRAME
        )
        self._connection.send_text(registration.begin())
        await ready

    async def _stay(self) -> PeerError:
        """Return the reason for the end of the connection: lost, or not used. Ping it when silent."""
        while not self._lost.is_set() and not self._is_idle():
            self._nudged.clear()
            await pause_until_any((self._lost, self._nudged), _PING_S)
            asked_at = self._now()
            if not self._nudged.is_set() and asked_at - self.read_at < _PING_S:
                continue
            if self._connection is not None:
                self._connection.ping()
            self._heard.clear()
            await pause_until_any((self._lost, self._heard), _PONG_S)
            if self.read_at < asked_at:
                return PeerTimeoutError("the relay does not answer")
        return self._fault or UnreachableError("the connection was closed")

    def _drop(self, reason: str) -> None:
        """Abort the connection; frames under way are lost."""
        self._registered.clear()
        self._registration = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.end(NORMAL, reason)
        self._above.on_lost(reason)

    # Messages of the relay.

    def hears(self, attempt: asyncio.Future[None]) -> bool:
        """Whether this is the current connection; late messages of an earlier one are ignored."""
        return attempt is self._ready

    def on_life(self) -> None:
        """Record a sign of life, such as a pong."""
        self.read_at = self._now()
        self._heard.set()

    def on_message(self, opcode: int, payload: Payload) -> None:
        """Handle a message of the relay."""
        if self._lost.is_set():
            return
        try:
            message = bytes(payload) if opcode == BINARY else to_text(payload)
            if self._registration is not None and not self._registration.is_registered:
                self._on_registration(self._registration, message)
            elif isinstance(message, bytes):
                self._above.on_frame(message)
            elif (notice := read_notice(message)) is not None:
                self._above.on_undeliverable(notice)
        except PeerError as error:
            self.on_over(error)

    def on_over(self, error: PeerError | None) -> None:
        """Handle the end of the connection."""
        if self._lost.is_set():
            return
        self._fault = error
        self._lost.set()
        if not self._ready.done():
            self._ready.set_exception(error or UnreachableError("the relay closed the connection"))
            self._ready.exception()  # the attempt may have been given up

    def _on_registration(self, registration: Registration, message: bytes | str) -> None:
        if isinstance(message, bytes):
            raise ProtocolError("the relay sent a frame before the registration was over")
        answer = registration.receive(message)
        if answer is not None:
            assert self._connection is not None
            self._connection.send_text(answer)
            return
        if registration.max_frame:
            self.max_frame = min(registration.max_frame, _MAX_FRAME)
        self.max_members = registration.max_members
        if not self._ready.done():
            self._ready.set_result(None)

    # Writing.

    def on_writable(self, callback: Callable[[], None]) -> None:
        """Call back once, soon after earlier writes are done."""
        if self._connection is None:
            self._loop.call_soon(callback)
        else:
            self._connection.on_writable(callback)

    @property
    def is_backed_up(self) -> bool:
        """Whether earlier writes still wait on this side."""
        return self._connection is not None and self._connection.is_backed_up

    def write(self, messages: Iterable[tuple[bytes, bytes]]) -> None:
        """Write binary messages, each as two parts, at once, if there is a connection."""
        connection = self._connection
        if connection is not None:
            pieces: list[bytes] = []
            for head, payload in messages:
                connection.append(pieces, BINARY, payload, head=head)
            connection.write(b"".join(pieces))


class _Ear:
    """Receives the messages of one connection for its socket."""

    __slots__ = ("_attempt", "_socket")

    def __init__(self, socket: RelaySocket, attempt: asyncio.Future[None]) -> None:
        self._socket = socket
        self._attempt = attempt

    def on_message(self, opcode: int, payload: Payload) -> None:
        if self._socket.hears(self._attempt):
            self._socket.on_message(opcode, payload)

    def on_read(self) -> None:
        if self._socket.hears(self._attempt):
            self._socket.on_life()

    def on_broken(self, error: WireError) -> None:
        if self._socket.hears(self._attempt):
            self._socket.on_over(error)

    def on_end(self) -> None:
        if self._socket.hears(self._attempt):
            self._socket.on_over(None)
