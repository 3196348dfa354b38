"""One WebSocket of a node, as broker and lobby use it.

An idle node costs its socket, one task and this object. Its messages are either read one by one, and
each is answered before the next is read; or a :class:`Carrier` receives them as they arrive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from ..errors import MalformedError, PeerError, WireError
from ..sockets.frames import TEXT, Payload
from ..sockets.websocket import NORMAL, POLICY, WebSocket, close_code_of, to_text
from ..wire.relay.frames import refusal_text


class Carrier(Protocol):
    """Receives the messages of a connection as they arrive; see :meth:`Connection.carry`."""

    def take(self, opcode: int, payload: Payload) -> None:
        """Handle a message.

        Raises:
            PeerError: The connection has to end, with this reason.
        """

    def taken(self) -> Awaitable[None] | None:
        """Handle the end of one read; return an awaitable that delays the next read, or None."""


class Connection:
    """One WebSocket as a server sees it; made before it is open, because messages arrive at once.

    Attributes:
        is_guest: Whether it belongs to a browser that has opened a guest link.
    """

    __slots__ = (
        "__weakref__",
        "_arrived",
        "_carrier",
        "_failure",
        "_is_aborted",
        "_messages",
        "_read",
        "_socket",
        "is_guest",
    )

    def __init__(self, *, is_guest: bool = False) -> None:
        self.is_guest = is_guest
        self._socket: WebSocket | None = None
        self._messages: list[tuple[int, Payload]] = []
        self._arrived: asyncio.Future[None] | None = None
        self._read: asyncio.Future[None] | None = None
        self._carrier: Carrier | None = None
        self._failure: PeerError | None = None
        self._is_aborted = False

    def open(self, opened: WebSocket) -> None:
        """Start to receive the messages of an open WebSocket."""
        self._socket = opened
        if self._is_aborted:
            opened.abort()

    @property
    def socket(self) -> WebSocket:
        """The WebSocket below."""
        assert self._socket is not None
        return self._socket

    @property
    def max_message(self) -> int:
        """Bytes of the largest message; a larger one ends the connection before it is read."""
        return self.socket.max_message

    @max_message.setter
    def max_message(self, value: int) -> None:
        self.socket.max_message = value

    @property
    def read_at(self) -> float:
        """Time of the last read, by the loop's clock."""
        return self.socket.read_at

    @property
    def is_pinged(self) -> bool:
        """Whether a ping since the last read is unanswered."""
        return self.socket.is_pinged

    @property
    def is_backed_up(self) -> bool:
        """Whether earlier writes still wait on this side."""
        return self.socket.is_backed_up

    @property
    def close_code(self) -> int | None:
        """The other side's close code; None when the socket ended without one."""
        return self.socket.close_code

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self.socket.is_ended

    @property
    def address(self) -> str:
        """Address of the node, for the log."""
        return self.socket.remote_host or "?"

    # Reading.

    async def read(self) -> list[tuple[int, Payload]]:
        """Return the next text and binary messages, as many as came in one read.

        Raises:
            ConnectionError: The connection ended.
            PeerError: A message breaks the protocol.
        """
        while not self._messages:
            await self._until_something()
        messages, self._messages = self._messages, []
        self._read_on()
        return messages

    async def read_text(self) -> str:
        """Return the next message, which must be a text of the registration.

        Raises:
            ConnectionError: The connection ended.
            PeerError: The message is not text, or breaks the protocol.
        """
        while not self._messages:
            await self._until_something()
        opcode, payload = self._messages.pop(0)
        if not self._messages:
            self._read_on()
        if opcode != TEXT:
            raise MalformedError("a text message is expected here")
        return to_text(payload)

    async def carry(self, carrier: Carrier) -> None:
        """Pass on every message as it arrives, in the turn of the loop in which it was read.

        Raises:
            ConnectionError: The connection ended.
            PeerError: A message breaks the protocol, or the carrier refused it.
        """
        self._carrier = carrier
        early, self._messages = self._messages, []
        for opcode, payload in early:
            self.on_message(opcode, payload)
        self._read_on()
        handling = carrier.taken()
        if handling is not None:
            await handling
        try:
            while True:
                await self._until_something()
        finally:
            self._carrier = None

    async def _until_something(self) -> None:
        """Wait until there are messages, or the connection has ended."""
        if self._failure is not None:
            raise self._failure
        if self.socket.is_ended:
            raise ConnectionResetError("the connection has ended")
        self._arrived = asyncio.get_running_loop().create_future()
        try:
            await self._arrived
        finally:
            self._arrived = None

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    # Callbacks of the WebSocket.

    def on_message(self, opcode: int, payload: Payload) -> None:
        carrier = self._carrier
        if carrier is None:
            self._messages.append((opcode, payload))
        elif self._failure is None:
            try:
                carrier.take(opcode, payload)
            except PeerError as error:
                self._failure = error
                self._wake()

    def on_read(self) -> Awaitable[None] | None:
        carrier = self._carrier
        if carrier is not None:
            return carrier.taken()
        if not self._messages:
            return None
        self._wake()
        # No further message is read until the last one was answered.
        self._read = asyncio.get_running_loop().create_future()
        return self._read

    def _read_on(self) -> None:
        read, self._read = self._read, None
        if read is not None and not read.done():
            read.set_result(None)

    def on_broken(self, error: WireError) -> None:
        if self._failure is None:
            self._failure = error
        self._wake()

    def on_end(self) -> None:
        self._wake()

    # Writing and closing.

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        """Write frames to the socket; see :meth:`.WebSocket.write`."""
        return self.socket.write(data)

    def send_text(self, text: str) -> None:
        """Send a text message."""
        self.socket.send_text(text)

    def ping(self) -> None:
        """Send a ping."""
        self.socket.ping()

    def abort(self) -> None:
        """Close the socket without a closing handshake, at once or as soon as it is open."""
        self._is_aborted = True
        if self._socket is not None:
            self._socket.abort()
        self._read_on()

    def end(self, code: int, reason: str) -> None:
        """Send a close frame, from a callback; reading goes on until the other side answers."""
        self.socket.end(code, reason)
        self._read_on()

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Send a close frame, and wait until the other side answers; may be called twice."""
        self.end(code, reason)
        await self.socket.until_ended()

    async def refuse(self, error: PeerError) -> None:
        """Send an error frame with the reason, and close the connection."""
        self.send_text(refusal_text(error))
        code = close_code_of(error) if isinstance(error, WireError) else POLICY
        await self.close(code, error.code)
