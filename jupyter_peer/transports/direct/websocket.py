"""WebSockets that this node opens: to peers, relays and lobbies."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import socket
import ssl
from functools import partial
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from ...errors import LinkClosedError, MalformedError, UnreachableError
from ...phrase import phrase
from ...sockets.frames import accept_key
from ...sockets.websocket import Above, WebSocket

DIAL_TIMEOUT_S = 10.0
MAX_ANSWER = 16 * 1024
_NEXT_ADDRESS_S = 0.25
_END_OF_HEAD = b"\r\n\r\n"
_ERRNO = re.compile(r"\[Errno (\d+)\]")


def any_certificate() -> ssl.SSLContext:
    """Return a TLS context that accepts every certificate: the handshake proves both ends."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def open_websocket(
    url: str, above: Above, *, ssl_context: ssl.SSLContext | None, max_message: int
) -> WebSocket:
    """Open a WebSocket.

    Args:
        url: ``ws://`` or ``wss://``.
        above: Receives the messages, even before this returns.
        ssl_context: For ``wss://``; by default one that verifies.
        max_message: Bytes of the largest message; a larger one breaks the connection.

    Raises:
        UnreachableError: No WebSocket server answers at the URL.
    """
    opening: _Opening | None = None
    try:
        parts = urlsplit(url)
        opening = _Opening(parts, above, max_message)
        return await _open(parts, opening, ssl_context)
    except BaseException as error:
        if opening is not None:
            await opening.give_up()
        if isinstance(error, (OSError, MalformedError, LinkClosedError, ValueError)):
            raise UnreachableError(
                phrase("{url} does not answer: {reason}", url=url, reason=reason_of(error))
            ) from error
        raise


async def _open(
    parts: SplitResult, opening: _Opening, ssl_context: ssl.SSLContext | None
) -> WebSocket:
    try:
        async with asyncio.timeout(DIAL_TIMEOUT_S):
            await _connect(parts, opening, ssl_context)
            return await opening.opened
    except TimeoutError as error:
        raise TimeoutError("it takes too long") from error


async def _connect(
    parts: SplitResult, opening: _Opening, ssl_context: ssl.SSLContext | None
) -> None:
    is_tls = parts.scheme == "wss"
    host = parts.hostname
    if not (is_tls or parts.scheme == "ws") or not host:
        raise ValueError("it is no WebSocket address")
    sock = await _connect_tcp(host, parts.port or (443 if is_tls else 80))
    tls: dict[str, Any] = {}
    if is_tls:
        tls = {
            "ssl": ssl_context or ssl.create_default_context(),
            "server_hostname": host,
            "ssl_handshake_timeout": DIAL_TIMEOUT_S,
        }
    await asyncio.get_running_loop().create_connection(lambda: opening, sock=sock, **tls)


async def _connect_tcp(host: str, port: int) -> socket.socket:
    """Connect to the first address of a host that answers (RFC 8305).

    asyncio's own function leaks a connection if it is cancelled in the turn that made it.

    Raises:
        OSError: No address answers.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    attempts: dict[asyncio.Task[None], socket.socket] = {}
    failure: BaseException = OSError("it has no address")
    try:
        while found or attempts:
            if found:
                family, kind, protocol, _, address = found.pop(0)
                try:
                    sock = socket.socket(family, kind, protocol)
                except OSError as unknown:  # a family that this machine does not have
                    failure = unknown
                    continue
                sock.setblocking(False)
                attempts[loop.create_task(loop.sock_connect(sock, address))] = sock
            done, _ = await asyncio.wait(
                attempts,
                timeout=_NEXT_ADDRESS_S if found else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in done:
                error = attempt.exception()
                if error is None:
                    return attempts.pop(attempt)
                failure = error
                attempts.pop(attempt).close()
        raise failure
    finally:
        # Without waiting: a second cancellation would end the wait before the sockets are closed.
        for attempt, sock in attempts.items():
            attempt.add_done_callback(partial(_close_after, sock))
            attempt.cancel()


def _close_after(sock: socket.socket, attempt: asyncio.Task[None]) -> None:
    sock.close()
    if not attempt.cancelled():
        attempt.exception()  # nobody asks any more


class _Opening(asyncio.Protocol):
    """The client's half of an upgrade (RFC 6455 section 4.1), before the WebSocket replaces it.

    Attributes:
        opened: The WebSocket, or the error of the upgrade.
    """

    def __init__(self, parts: SplitResult, above: Above, max_message: int) -> None:
        self.opened: asyncio.Future[WebSocket] = asyncio.get_running_loop().create_future()
        self._parts = parts
        self._above = above
        self._max_message = max_message
        self._key = base64.b64encode(os.urandom(16)).decode()
        self._answer = b""
        self._transport: asyncio.Transport | None = None
        self._is_given_up = False
        self._ended = self.opened.get_loop().create_future()

    async def give_up(self) -> None:
        """Close the connection, now or as soon as it is open."""
        self._is_given_up = True
        if self.opened.done() and not self.opened.cancelled():
            self.opened.exception()  # nobody asks any more
        if self._transport is not None:
            self._transport.abort()
            await asyncio.wait({self._ended})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast("asyncio.Transport", transport)
        if self._is_given_up:
            transport.abort()
            return
        parts = self._parts
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = (
            f"GET {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {self._key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        transport.write(request.encode("ascii", "replace"))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, rest = self._answer.partition(_END_OF_HEAD)
        if len(head) > MAX_ANSWER:
            self._fail(MalformedError("its answer is too long"))
        elif end:
            try:
                _check_answer(head.decode("latin-1"), accept_key(self._key))
            except MalformedError as error:
                self._fail(error)
            else:
                self._hand_over(rest)

    def _hand_over(self, rest: bytes) -> None:
        transport = self._transport
        assert transport is not None
        opened = WebSocket(self._above, self._max_message, is_client=True)
        transport.set_protocol(opened)
        opened.connection_made(transport)
        self._ended.set_result(None)
        if not self.opened.done():
            self.opened.set_result(opened)
        if rest:
            opened.data_received(rest)

    def _fail(self, error: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(error or LinkClosedError("the connection was closed"))
        self._ended.set_result(None)


def _check_answer(head: str, accepted: str) -> None:
    """Check the answer to an upgrade (RFC 6455 section 4.1).

    Raises:
        MalformedError: The answer does not accept the WebSocket.
    """
    status, *lines = head.split("\r\n")
    version, _, result = status.partition(" ")
    if not version.startswith("HTTP/1."):
        raise MalformedError("it does not speak HTTP")
    code = result.partition(" ")[0]
    if code != "101":
        shown = "".join(char for char in result[:64] if char.isprintable())
        raise MalformedError(phrase("it answered {shown}", shown=shown))
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    options = {word.strip() for word in headers.get("connection", "").lower().split(",")}
    if (
        headers.get("upgrade", "").lower() != "websocket"
        or "upgrade" not in options
        or headers.get("sec-websocket-accept") != accepted
        or headers.get("sec-websocket-extensions")
        or headers.get("sec-websocket-protocol")
    ):
        raise MalformedError("it does not speak WebSocket")


def reason_of(error: BaseException) -> str:
    """Return the reason of a failed dial in a few words, without class names of libraries."""
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    # asyncio replaces the reason by the address, and joins several failures into one text
    number = _ERRNO.search(str(error)) if isinstance(error, OSError) else None
    if number is not None:
        return os.strerror(int(number[1])).lower()
    return str(error) or type(error).__name__
