"""Upgrades a request of Tornado to a WebSocket and takes the connection over from Tornado."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import socket
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.web import RequestHandler

from ..primitives import background
from .frames import accept_key
from .websocket import Above, WebSocket

log = logging.getLogger(__name__)

_ANSWER = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {}\r\n\r\n"
)
_READ_BYTES = 256 * 1024


def upgrade_key(headers: HTTPHeaders) -> str | None:
    """Return the key of an upgrade request (RFC 6455 section 4.2.1); None for other requests."""
    key = headers.get("Sec-WebSocket-Key", "")
    options = {word.strip().lower() for word in headers.get("Connection", "").split(",")}
    is_one = headers.get("Upgrade", "").lower() == "websocket" and "upgrade" in options
    return key if is_one and _is_key(key) else None


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


async def take_over(
    handler: RequestHandler, key: str, above: Above, max_message: int
) -> WebSocket | None:
    """Answer an upgrade request and take the connection over from Tornado.

    A client waits for the answer before it sends frames (RFC 6455 section 4.1), so Tornado's buffers
    are empty.

    Args:
        handler: The handler of a request with an :func:`upgrade_key`; this function finishes it.
        key: The key of the request.
        above: Receives the messages.
        max_message: Bytes of the largest message that is accepted.

    Returns:
        The open WebSocket; None if the other side has closed the connection meanwhile.
    """
    greeting = _ANSWER.format(accept_key(key)).encode()
    opened = WebSocket(above, max_message, is_client=False, greeting=greeting)
    stream: IOStream = handler.detach()
    if isinstance(stream, SSLIOStream):
        opened.connection_made(_StreamTransport(stream, opened))
        return opened
    if stream.closed():
        return None
    # Closing the stream closes its own socket; the connection continues in the duplicate.
    sock = stream.socket.dup()
    stream.close()
    try:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: opened, sock)
    except BaseException:
        sock.close()
        raise
    return opened


class _StreamTransport(asyncio.Transport):
    """A Tornado stream as an asyncio transport, because a TLS connection cannot be moved."""

    def __init__(self, stream: SSLIOStream, protocol: WebSocket) -> None:
        super().__init__()
        self._stream = stream
        self._protocol = protocol
        self._is_closing = False
        self._is_paused = False
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._reading = background.start(self._read(), "reading a WebSocket")

    async def _read(self) -> None:
        stream, protocol = self._stream, self._protocol
        try:
            while True:
                await self._may_read.wait()
                data = await stream.read_bytes(_READ_BYTES, partial=True)
                if not self._is_closing:
                    protocol.data_received(data)
                # data that is there already would be read without ever giving other tasks a turn
                await asyncio.sleep(0)
        except StreamClosedError:
            pass
        except Exception:
            log.exception("reading a WebSocket failed")
        finally:
            self.abort()
            protocol.connection_lost(None)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        sock: socket.socket | None = self._stream.socket
        if sock is not None and name == "socket":
            return sock
        if sock is not None and name == "peername":
            return sock.getpeername()
        return default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Ignore the limits: the writer hears of every byte that the kernel did not accept."""

    def write(self, data: Any) -> None:
        try:
            written = self._stream.write(data)
        except StreamClosedError:
            return  # the reader notices the end too
        if not written.done():
            if not self._is_paused:
                self._is_paused = True
                self._protocol.pause_writing()
            written.add_done_callback(self._on_written)

    def _on_written(self, written: asyncio.Future[None]) -> None:
        if written.cancelled() or written.exception() is not None or self._stream.writing():
            return
        if self._is_paused:
            self._is_paused = False
            self._protocol.resume_writing()

    def is_closing(self) -> bool:
        return self._is_closing or self._stream.closed()

    def pause_reading(self) -> None:
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    def close(self) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._may_read.set()
        if self._stream.writing():
            self._stream.write(b"").add_done_callback(lambda _: self.abort())
        else:
            self._stream.close()

    def abort(self) -> None:
        self._is_closing = True
        self._may_read.set()
        self._stream.close()
