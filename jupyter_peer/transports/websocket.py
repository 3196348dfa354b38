"""WebSockets that this node opens: to peers, relays and lobbies.

Messages are framed here (RFC 6455 section 5.2) and written to Tornado's stream in one piece, since
``write_message`` makes a task a message; everything else of the WebSocket is Tornado's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from struct import Struct
from typing import cast

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.iostream import IOStream, StreamClosedError
from tornado.util import _websocket_mask
from tornado.websocket import WebSocketClientConnection, WebSocketError, WebSocketProtocol13

from ..errors import UnreachableError
from .quick_websocket import QuickClient

DIAL_TIMEOUT_S = 10.0
# What may lie unsent in the socket: enough for a fast local link, little enough that a small
# message written behind it is not held up. A path with a larger product of rate and delay still
# has the kernel's own window for what was sent and not yet acknowledged.
UNSENT_BYTES = 128 * 1024
TEXT, BINARY = 0x81, 0x82
_TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
_MASK = 0x80
_LENGTH_16 = Struct(">H")
_LENGTH_64 = Struct(">Q")

OnMessage = Callable[["bytes | str | None"], "Awaitable[None] | None"]


def any_certificate() -> ssl.SSLContext:
    """Return a context that takes every certificate, for links whose ends prove themselves."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def open_websocket(
    url: str, on_message: OnMessage, *, ssl_context: ssl.SSLContext | None, max_message: int
) -> WebSocketClientConnection:
    """Open a WebSocket.

    Args:
        url: ``ws://`` or ``wss://``.
        on_message: Takes each message, and None when the connection has ended. What comes next is
            read when what it returned is done.
        ssl_context: For ``wss://``.
        max_message: Bytes of the largest message; a larger one ends the connection.

    Raises:
        UnreachableError: Nothing there speaks WebSocket.
    """
    request = HTTPRequest(
        url,
        connect_timeout=DIAL_TIMEOUT_S,
        request_timeout=DIAL_TIMEOUT_S,
        ssl_options=ssl_context,
    )
    # As `websocket_connect` does, which keeps no handle to give up by. Tornado's client waits for
    # what `on_message` returns, but not for a callback's result, so that only gets what comes early.
    connection = QuickClient(
        request,
        on_message_callback=cast("Callable[[bytes | str | None], None]", on_message),
        max_message_size=max_message,
    )
    try:
        await connection.connect_future
    except asyncio.CancelledError:
        _give_up(connection)
        raise
    except (OSError, StreamClosedError, HTTPError, WebSocketError, ValueError) as error:
        _give_up(connection)
        raise UnreachableError(f"{url} does not answer: {reason_of(error)}") from error
    if not isinstance(connection.protocol, WebSocketProtocol13):
        raise UnreachableError(f"{url} closed the connection at once")
    connection.on_message = on_message  # type: ignore[method-assign, assignment]
    return connection


def tune(stream: IOStream) -> None:
    """Send small messages at once, and keep little unsent in the socket; a closed one is let be."""
    if stream.closed():
        return
    stream.set_nodelay(True)
    sock = stream.socket
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        # where the system does not have it, small messages wait a little longer
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_BYTES)


def append_message(
    pieces: list[bytes], first: int, payload: bytes, *, is_masked: bool, head: bytes = b""
) -> None:
    """Append a message in one frame to what is to be written.

    Args:
        pieces: To be joined and written.
        first: ``TEXT`` or ``BINARY``.
        payload: What it says.
        is_masked: As a client's frames must be.
        head: Stands before the payload; so who has both need not join them.
    """
    size = len(head) + len(payload)
    mask_bit = _MASK if is_masked else 0
    if size < 126:
        pieces.append(bytes((first, mask_bit | size)))
    elif size < 65536:
        pieces.append(bytes((first, mask_bit | 126)) + _LENGTH_16.pack(size))
    else:
        pieces.append(bytes((first, mask_bit | 127)) + _LENGTH_64.pack(size))
    if is_masked:
        mask = os.urandom(4)
        pieces.append(mask)
        if head:
            pieces.append(_websocket_mask(mask, head))
            turn = len(head) % 4
            mask = mask[turn:] + mask[:turn]
        pieces.append(_websocket_mask(mask, payload))
    else:
        pieces += (head, payload)


def reason_of(error: BaseException) -> str:
    """Return why dialling failed in a few words, without the class names of libraries."""
    if isinstance(error, HTTPError):
        return f"it answered {error.code} {error.message or ''}".rstrip()
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, StreamClosedError):
        return reason_of(error.real_error) if error.real_error else "the connection was closed"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _give_up(connection: WebSocketClientConnection) -> None:
    """Stop Tornado's client half-way: now if it has a stream, else as soon as it gets one."""
    connection.final_callback = None  # type: ignore[assignment]
    if connection.protocol is not None:
        connection.close()  # it was made in the very turn in which it was given up
    stream: IOStream | None = getattr(connection, "stream", None)
    if stream is not None:
        stream.close()
    connection.tcp_client.close()
