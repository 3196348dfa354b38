"""A node's WebSocket to a relay: registers, comes back when it is lost, and carries many links.

Below is Tornado, above are :class:`~.relay_link.RelayLink` and the transport. Frames of the relay
are read as they come and handed to their link at once, since a link that takes its time has room of
its own (its window); so no link holds up another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClientConnection, WebSocketProtocol13

from ..errors import (
    DuplicateLinkError,
    LinkClosedError,
    PeerError,
    PeerTimeoutError,
    ProtocolError,
    UnreachableError,
    WireError,
)
from ..wire.identity import Identity
from ..wire.relay import (
    CLOSE,
    HEAD_BYTES as RELAY_HEAD_BYTES,
    LINK_BYTES,
    Registration,
    check_head,
    close_frame,
    read_notice,
)
from ..wire.relay_link import HEAD_BYTES, OPEN, read_payload
from .relay_link import RelayLink
from .websocket import BINARY, TEXT, append_message, open_websocket, tune

log = logging.getLogger(__name__)

# Larger ones are refused by every relay of this program.
_MAX_FRAME = 512 * 1024
# Links that other nodes opened; the hub bounds handshakes far below.
_MAX_INCOMING = 1024
REGISTER_TIMEOUT_S = 10.0
_PING_S = 20.0
_PONG_S = 5.0
# A connection that lasts this long was a good one: the next pause is the shortest again.
_STABLE_S = 10.0
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 30.0

Key = tuple[bytes, bytes]


class RelaySocket:
    """One WebSocket to the relay of some URLs, kept open until :meth:`close`.

    Args:
        urls: Of the brokers of one relay; the first that answers is used.
        address: Under which peers are dialled over it, as links show it.
        identity: This node's key.
        ssl_context: For ``wss://``.
        on_incoming: Takes a link that another node opened.
        idle_s: Seconds without a link after which it is let go; None to keep it.
        find_same: Returns another socket that is registered at the relay of this id, if there is
            one. A relay knows a node by one connection only, so this one then gives way to it.

    Attributes:
        urls, address: As given.
        is_over: Whether it was let go.
        relay_id: What the relay calls itself, while registered.
        same: The other socket that leads to the same relay, after this one gave way to it.
        max_payload: Bytes of the largest frame of the peer wire the relay takes.
        last_error: Why it is not registered; None once it is.
    """

    def __init__(
        self,
        urls: list[str],
        address: str,
        identity: Identity,
        ssl_context: ssl.SSLContext,
        on_incoming: Callable[[RelayLink], None],
        idle_s: float | None = None,
        find_same: Callable[[str], RelaySocket | None] = lambda relay_id: None,
    ) -> None:
        self.urls = urls
        self.address = address
        self.is_over = False
        self.max_payload = _MAX_FRAME - HEAD_BYTES
        self.last_error: PeerError | None = None
        self._identity = identity
        self._own_id = identity.node_id.encode()
        self._ssl_context = ssl_context
        self._on_incoming = on_incoming
        self._links: dict[Key, RelayLink] = {}
        self._line: deque[RelayLink] = deque()
        self.relay_id: str | None = None
        self.same: RelaySocket | None = None
        self._find_same = find_same
        self._is_line_moving = False
        self._idle_s = idle_s
        self._loop = asyncio.get_running_loop()
        self._used_at = self._read_at = self._loop.time()
        self._connection: WebSocketClientConnection | None = None
        self._registration: Registration | None = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._fault: PeerError | None = None
        self._last_write: asyncio.Future[None] | None = None
        self._lost = asyncio.Event()
        self._registered = asyncio.Event()
        self._tried = asyncio.Event()
        self._was_tried = asyncio.Event()
        self._nudged = asyncio.Event()
        self._heard = asyncio.Event()
        self._task = self._loop.create_task(self._run())

    @property
    def is_registered(self) -> bool:
        """Whether the relay knows this node now."""
        return self._registered.is_set()

    @property
    def links(self) -> int:
        """How many links it carries."""
        return len(self._links)

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
                why = self.last_error.message if self.last_error else "it does not answer"
                raise UnreachableError(f"the relay cannot be used: {why}") from self.last_error
            await _first(left, self._registered, self._tried)

    async def until_tried(self, timeout: float) -> None:
        """Wait until the first attempt to register has ended in one way or the other."""
        if not self._was_tried.is_set():
            await _first(timeout, self._was_tried)

    async def close(self) -> None:
        """Close the connection and all its links; may be called twice."""
        for link in list(self._links.values()):
            link.abort("shutdown")
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def nudge(self) -> None:
        """Find out now whether the connection still lives, or try now to get one."""
        self._nudged.set()

    # Life.

    async def _run(self) -> None:
        pause, turn = _FIRST_PAUSE_S, 0
        try:
            while not self._is_idle() and self.same is None:
                url = self.urls[turn % len(self.urls)]
                was_stable = await self._connect(url)
                log.info("the relay %s: %s", url, self.last_error)
                turn += 1
                if was_stable:
                    pause = _FIRST_PAUSE_S
                if turn % len(self.urls) == 0:
                    self._nudged.clear()
                    jitter = 0.5 + random.random()  # noqa: S311 - spreads load, guards nothing
                    await _first(pause * jitter, self._nudged)
                    pause = min(2 * pause, _LONGEST_PAUSE_S)
        finally:
            self.is_over = True
            self._drop("shutdown")

    async def _connect(self, url: str) -> bool:
        """Register and stay until the connection is lost; return whether it lasted."""
        began = None
        try:
            await self._register(url)
            log.info("registered at the relay %s", url)
            self.last_error = None
            self.relay_id = self._registration.relay_id if self._registration else None
            self._registered.set()
            self._was_tried.set()
            began = self._loop.time()
            self.last_error = await self._stay()
        except PeerError as error:
            self.last_error = error
        self._drop("lost")
        self._tried.set()
        self._was_tried.set()
        return began is not None and self._loop.time() - began > _STABLE_S

    def _is_idle(self) -> bool:
        if self._idle_s is None or self._links:
            return False
        return self._loop.time() - self._used_at > self._idle_s

    async def _register(self, url: str) -> None:
        self._lost.clear()
        self._fault = None
        self._ready = self._loop.create_future()
        self._registration = Registration(self._identity, host=urlsplit(url).netloc)
        try:
            await asyncio.wait_for(self._open(url, self._registration), REGISTER_TIMEOUT_S)
        except asyncio.TimeoutError as error:
            raise PeerTimeoutError(f"{url} does not answer") from error

    async def _open(self, url: str, registration: Registration) -> None:
        ready = self._ready

        def on_message(message: bytes | str | None) -> None:
            if ready is self._ready:  # what an earlier connection says late is of no concern
                self._on_message(message)

        self._connection = connection = await open_websocket(
            url, on_message, ssl_context=self._ssl_context, max_message=_MAX_FRAME
        )
        connection.on_pong = self._on_pong  # type: ignore[method-assign]
        assert isinstance(connection.protocol, WebSocketProtocol13)
        tune(connection.protocol.stream)
        self._write_text(registration.begin())
        await ready

    async def _stay(self) -> PeerError:
        """Return why the connection ended: lost, or not used. One that is silent is asked."""
        while not self._lost.is_set() and not self._is_idle():
            self._nudged.clear()
            await _first(_PING_S, self._lost, self._nudged)
            asked_at = self._loop.time()
            if not self._nudged.is_set() and asked_at - self._read_at < _PING_S:
                continue
            if self._connection is not None and self._connection.protocol is not None:
                self._connection.protocol.write_ping(b"")
            self._heard.clear()
            await _first(_PONG_S, self._lost, self._heard)
            if self._read_at < asked_at:
                return PeerTimeoutError("the relay does not answer")
        return self._fault or UnreachableError("the connection was closed")

    def _drop(self, reason: str) -> None:
        """Let go of the connection, and of the links in it: what was under way is lost."""
        self._registered.clear()
        self.relay_id = None
        self._registration = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._last_write = None
        links, self._links = list(self._links.values()), {}
        for link in links:
            link.ended(reason)
        self._line.clear()

    # What the relay says.

    def _on_message(self, message: bytes | str | None) -> None:
        self._read_at = self._loop.time()
        self._heard.set()
        if self._lost.is_set():
            return
        try:
            if message is None:
                self._end(None)
            elif self._registration is not None and not self._registration.is_registered:
                self._on_registration(self._registration, message)
            elif isinstance(message, str):
                self._on_notice(message)
            else:
                self._on_frame(message)
        except PeerError as error:
            self._end(error)

    def _on_pong(self, data: bytes) -> None:
        self._read_at = self._loop.time()
        self._heard.set()

    def _end(self, error: PeerError | None) -> None:
        self._fault = error
        self._lost.set()
        if not self._ready.done():
            self._ready.set_exception(error or UnreachableError("the relay closed the connection"))

    def _on_registration(self, registration: Registration, message: bytes | str) -> None:
        if isinstance(message, bytes):
            raise ProtocolError("the relay sent a frame before the registration was over")
        answer = registration.receive(message)
        if answer is not None and registration.relay_id is not None:
            self.same = self._find_same(registration.relay_id)
            if self.same is not None:
                raise DuplicateLinkError("this node is at that relay already, by another URL")
        if answer is not None:
            self._write_text(answer)
            return
        if registration.max_frame:
            self.max_payload = min(registration.max_frame, _MAX_FRAME) - HEAD_BYTES
        if not self._ready.done():
            self._ready.set_result(None)

    def _on_notice(self, text: str) -> None:
        notice = read_notice(text)
        if notice is not None:
            link = self._links.pop((notice.dst.encode(), notice.link), None)
            if link is not None:
                link.ended("undeliverable")

    def _on_frame(self, data: bytes) -> None:
        kind, _, dst, src, link_id = check_head(data)
        if dst != self._own_id:
            return  # a relay can send anything to anybody
        key = (src, link_id)
        link = self._links.get(key)
        if kind == CLOSE:
            if link is not None:
                del self._links[key]
                link.ended(_reason(data[RELAY_HEAD_BYTES:]))
            return
        try:
            payload = read_payload(memoryview(data)[RELAY_HEAD_BYTES:])
            if link is None and payload.form == OPEN:
                link = self._new_link(key)
            if link is None:
                self._say_closed(key, LinkClosedError.code)
            else:
                link.take(payload)
        except WireError as error:
            if link is not None:
                link.abort(error.code)
            else:
                self._say_closed(key, error.code)

    def _new_link(self, key: Key) -> RelayLink | None:
        if len(self._links) >= _MAX_INCOMING:
            return None
        link = RelayLink(self, self.address, self._own_id, *key, is_dialled=False)
        self._links[key] = link
        link.accept()
        self._on_incoming(link)
        return link

    # Links.

    async def dial(self, node_id: str, link_id: bytes, timeout: float) -> RelayLink:
        """Open a link to a node.

        Raises:
            UnreachableError: The relay cannot be used, or the node does not answer over it.
        """
        assert len(link_id) == LINK_BYTES
        began = self._loop.time()
        await self.until_registered(timeout)
        self._used_at = self._loop.time()
        key = (node_id.encode(), link_id)
        link = RelayLink(self, self.address, self._own_id, *key, is_dialled=True)
        self._links[key] = link
        doubt = self._loop.call_later(timeout / 3, self._nudge_if_silent, self._loop.time())
        try:
            await link.open(max(timeout - (self._loop.time() - began), 0.1))
        except BaseException:
            link.abort("handshake")
            raise
        finally:
            doubt.cancel()
        return link

    def _nudge_if_silent(self, since: float) -> None:
        if self._read_at < since:
            self.nudge()

    def write(self, frames: list[tuple[bytes, bytes]]) -> None:
        pieces: list[bytes] = []
        for head, payload in frames:
            append_message(pieces, BINARY, payload, is_masked=True, head=head)
        self._write(pieces)

    def forget(self, link: RelayLink, reason: str) -> None:
        key = (link.peer_id, link.link_id)
        if self._links.get(key) is link:
            del self._links[key]
            self._say_closed(key, reason)
        self._used_at = self._loop.time()
        if reason == PeerTimeoutError.code:
            self.nudge()

    def _say_closed(self, key: Key, reason: str) -> None:
        pieces: list[bytes] = []
        frame = close_frame(key[0], self._own_id, key[1], reason)
        append_message(pieces, BINARY, frame, is_masked=True)
        self._write(pieces)

    # Writing.

    @property
    def is_backed_up(self) -> bool:
        connection = self._connection
        protocol = connection.protocol if connection is not None else None
        return isinstance(protocol, WebSocketProtocol13) and protocol.stream.writing()

    def wait_for_room(self, link: RelayLink) -> None:
        self._line.append(link)
        self._move_line_when_writable()

    def _move_line_when_writable(self) -> None:
        if self._is_line_moving or not self._line:
            return
        self._is_line_moving = True
        if self._last_write is None or self._last_write.done():
            self._loop.call_soon(self._move_line)
        else:
            self._last_write.add_done_callback(lambda _: self._move_line())

    def _move_line(self) -> None:
        # One after the other, each behind those that already wait: so they take turns.
        for _ in range(len(self._line)):
            if self.is_backed_up or not self._line:
                break
            self._line.popleft().wake()
        self._is_line_moving = False
        self._move_line_when_writable()

    def _write_text(self, text: str) -> None:
        pieces: list[bytes] = []
        append_message(pieces, TEXT, text.encode(), is_masked=True)
        self._write(pieces)

    def _write(self, pieces: list[bytes]) -> None:
        connection = self._connection
        protocol = connection.protocol if connection is not None else None
        if isinstance(protocol, WebSocketProtocol13):
            with contextlib.suppress(StreamClosedError):  # the reader sees it too
                self._last_write = protocol.stream.write(b"".join(pieces))


def _reason(payload: bytes) -> str:
    text = payload[:64].decode("ascii", "replace")
    return text if text.isidentifier() else LinkClosedError.code


async def _first(timeout: float, *events: asyncio.Event) -> None:
    """Wait until the first of these events, or the time is over."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
