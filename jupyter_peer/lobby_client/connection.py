"""One connection to a lobby: proof of the node's id, then requests, answers and notices."""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ..errors import (
    BusyError,
    LinkClosedError,
    MalformedError,
    PeerError,
    PeerTimeoutError,
    UnreachableError,
    WireError,
)
from ..phrase import phrase
from ..primitives.pauses import pause_until
from ..sockets.frames import BINARY, Payload
from ..sockets.websocket import WebSocket, to_text
from ..transports.direct.websocket import open_websocket
from ..wire.addresses import LOBBY_PATH
from ..wire.link.identity import Identity
from ..wire.relay import lobby as wire
from ..wire.relay.frames import Registration, read_notice as read_refusal

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 10.0
MAX_PENDING = 64
# WebSocket's code for an intended close; after it the lobby forgets the node at once.
_LEAVING = 1000
_BROKEN = 1011
_IS_IT_UP = "check that the lobby runs and that its URL is right: /health of the lobby answers"


class LobbyConnection:
    """A connection on which the node has proven its id; made by :meth:`open`.

    Args:
        identity: The node's key.
        url: The lobby's URL with the path ``/lobby-ws``.
        on_notice: Called with each notice that answers no request, in order.

    Attributes:
        read_at: Time of the last read, by the loop's clock.
        ended: Set when the connection has ended.
        error: Why the connection ended; None if the other side gave no reason.
    """

    def __init__(
        self, identity: Identity, url: str, on_notice: Callable[[wire.Notice], None]
    ) -> None:
        self.url = url
        self.error: PeerError | None = None
        self._on_notice = on_notice
        self._registration = Registration(identity, urlsplit(url).netloc, LOBBY_PATH)
        self._loop = asyncio.get_running_loop()
        self._proven = self._loop.create_future()
        self.ended = asyncio.Event()
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[wire.Notice]] = {}
        self._socket: WebSocket | None = None
        self.read_at = self._loop.time()

    @classmethod
    async def open(
        cls,
        identity: Identity,
        url: str,
        on_notice: Callable[[wire.Notice], None],
        ssl_context: ssl.SSLContext | None = None,
    ) -> LobbyConnection:
        """Connect and prove the node's id.

        Raises:
            UnreachableError: Nothing answers at the URL in time.
            PeerError: The lobby refuses, or the program there is not a lobby.
        """
        self = cls(identity, url, on_notice)
        try:
            self._socket = await open_websocket(
                url, self, ssl_context=ssl_context, max_message=wire.MAX_NOTICE
            )
        except UnreachableError as error:
            raise UnreachableError(error.message, hint=_IS_IT_UP) from error
        try:
            await self._write(self._registration.begin())
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._proven
        except TimeoutError:
            self.close(_BROKEN)
            raise UnreachableError(
                phrase("{url} does not answer like a lobby", url=url), hint=_IS_IT_UP
            ) from None
        except BaseException:
            self.close(_BROKEN)
            raise
        return self

    @property
    def is_open(self) -> bool:
        """Whether the connection is open."""
        return not self.ended.is_set()

    async def request(self, message: Any) -> wire.Notice:
        """Send a request and return its answer.

        Raises:
            LinkError: The lobby does not answer.
            PeerError: The lobby refuses.
        """
        if len(self._pending) >= MAX_PENDING:
            raise BusyError("too many requests to the lobby are under way")
        number = next(self._ids)
        answer: asyncio.Future[wire.Notice] = self._loop.create_future()
        self._pending[number] = answer
        try:
            await self._write(msgspec.structs.replace(message, id=number).to_text())
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                notice = await answer
        except TimeoutError:
            raise PeerTimeoutError("the lobby does not answer") from None
        finally:
            del self._pending[number]
        if isinstance(notice, wire.Refusal):
            raise notice.error
        return notice

    async def _write(self, text: str) -> None:
        if self._socket is None or self.ended.is_set():
            raise self._gone()
        if not self._socket.is_open:
            # The reason for the close arrives a moment later.
            await pause_until(self.ended, 1.0)
            raise self._gone()
        written = self._socket.send_text(text)
        if written is not None:
            await asyncio.wait({written})

    def _gone(self) -> PeerError:
        return self.error or LinkClosedError("the connection to the lobby was closed")

    def ping(self) -> None:
        """Send a ping; the lobby's pong updates :attr:`read_at`."""
        if self._socket is not None and self.is_open:
            self._socket.ping()

    def leave(self) -> None:
        """Close so that the lobby forgets this node at once."""
        self.close(_LEAVING)

    def close(self, code: int = _BROKEN) -> None:
        """Close; may be called twice. Without :meth:`leave` the node stays in its rooms for a while."""
        if self._socket is not None:
            self._socket.end(code)
        self._end(None)

    async def until_closed(self) -> None:
        """Wait until the socket is closed, at most two seconds after :meth:`close`."""
        if self._socket is not None:
            await self._socket.until_ended()

    # Callbacks of the WebSocket.

    def on_message(self, opcode: int, payload: Payload) -> None:
        """Handle a message of the lobby."""
        if self.ended.is_set():
            return
        try:
            if opcode == BINARY:
                raise MalformedError("the lobby sent a binary message")
            message = to_text(payload)
            if not self._registration.is_registered:
                self._take_step(message)
            else:
                self._take(message)
        except PeerError as error:
            log.info("the lobby at %s: %s", self.url, error.code)
            self._end(error)

    def on_read(self) -> None:
        """Store the time of the read; a pong counts too."""
        self.read_at = self._loop.time()

    def on_broken(self, error: WireError) -> None:
        """Close the connection, because nothing more can be read from it."""
        self._end(error)

    def on_end(self) -> None:
        """Handle the end of the connection."""
        self._end(None)

    def _take_step(self, text: str) -> None:
        answer = self._registration.receive(text)
        if answer is not None:
            assert self._socket is not None
            self._socket.send_text(answer)
        elif not self._proven.done():
            self._proven.set_result(None)

    def _take(self, text: str) -> None:
        if text.startswith('{"error"'):
            # The reason that the lobby sends before it closes.
            read_refusal(text)
        notice = wire.read_notice(text)
        if notice is None:
            return
        answer = self._pending.get(notice.id) if notice.id is not None else None
        if answer is None:
            self._on_notice(notice)
        elif not answer.done():
            answer.set_result(notice)

    def _end(self, error: PeerError | None) -> None:
        if self.ended.is_set():
            return
        self.error = error or self._said_by_close()
        self.ended.set()
        if self._socket is not None:
            self._socket.end(_BROKEN)
        gone = self._gone()
        for future in [self._proven, *self._pending.values()]:
            if not future.done():
                future.set_exception(gone)
                future.exception()  # marks it as read: perhaps nobody waits for it

    def _said_by_close(self) -> PeerError | None:
        reason = self._socket.close_reason if self._socket is not None else None
        if reason == "replaced":
            return BusyError(
                "another program with this node's key is at the lobby",
                hint="two servers must not share one data directory's copy",
            )
        return None
