"""WebSocket links over TCP, dialled and accepted with Tornado (SPEC section 4)."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketProtocol13

from ..errors import LinkClosedError
from ..wire.addresses import PATH, normalize_address
from ..wire.handshake import MAX_FRAME
from .base import Accept, Frame, PeerLink, Transport
from .quick_websocket import QuickHandler
from .websocket import (
    BINARY,
    DIAL_TIMEOUT_S,
    TEXT,
    any_certificate,
    append_message,
    open_websocket,
    tune,
)

log = logging.getLogger(__name__)

# With one of these a proxy stands in between, and the socket's address is the proxy's.
_PROXY_HEADERS = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via")


class WebSocketLink(PeerLink):
    """A link over one WebSocket, whichever side opened it."""

    transport = "direct"
    priority = 2

    def __init__(self, address: str, *, is_dialled: bool) -> None:
        self._protocol: WebSocketProtocol13 | None = None
        super().__init__(address, is_dialled=is_dialled)
        self._stream: IOStream | None = None
        self._close_socket: Callable[[int, str], None] | None = None
        self._last_write: asyncio.Future[None] | None = None

    def open(self, protocol: WebSocketProtocol13, close: Callable[[int, str], None]) -> None:
        """Begin on a WebSocket that was just opened; ``close`` is how its side closes it."""
        self._protocol = protocol
        self._close_socket = close
        self._stream = protocol.stream
        tune(self._stream)

    def note_remote_host(self) -> None:
        """Take the address of the other end from the socket."""
        sock = self._stream.socket if self._stream is not None else None
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            self.remote_host = sock.getpeername()[0]

    @property
    def max_frame(self) -> int:
        """Frames of the peer over this many bytes close the link, before they are read."""
        return self._max_frame

    @max_frame.setter
    def max_frame(self, value: int) -> None:
        self._max_frame = value
        if self._protocol is not None:
            self._protocol.params.max_message_size = value

    def send(self, frames: Sequence[Frame]) -> None:
        stream = self._stream
        if self.is_closed or stream is None:
            raise LinkClosedError
        pieces: list[bytes] = []
        for frame in frames:
            if isinstance(frame, str):
                append_message(pieces, TEXT, frame.encode(), is_masked=self.is_dialled)
            else:
                append_message(pieces, BINARY, frame, is_masked=self.is_dialled)
        try:
            self._last_write = stream.write(b"".join(pieces))
        except StreamClosedError as error:
            self._closed("lost")
            raise LinkClosedError from error

    @property
    def is_backed_up(self) -> bool:
        return self._stream is not None and self._stream.writing()

    def on_writable(self, callback: Callable[[], None]) -> None:
        if self._last_write is None or self.is_closed:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._last_write.add_done_callback(lambda _: callback())

    def on_message(self, message: Frame | None) -> Awaitable[None] | None:
        """Take a message from Tornado; None says that the connection has ended."""
        if message is None:
            self._closed("lost")
            return None
        return self._deliver(message)

    def _shut(self, reason: str) -> None:
        if self._close_socket is not None:
            self._close_socket(1000, reason[:100])

    def _closed(self, reason: str) -> None:
        if not self.is_closed:
            super()._closed(reason)
            self._shut(reason)


class PeerWebSocketHandler(QuickHandler):
    """The ``/peer-ws`` end point, to be mounted in any Tornado application.

    It asks for no login: whoever connects must pass the handshake of the peer wire, and may send
    only small frames before that.
    """

    transport: DirectTransport
    _link: WebSocketLink | None = None

    def initialize(self, transport: DirectTransport) -> None:
        """Take the transport this end point belongs to."""
        self.transport = transport

    def check_origin(self, origin: str) -> bool:
        """Any origin may connect: nothing here depends on a browser's cookies."""
        return True

    def get_compression_options(self) -> None:
        """Sealed bytes do not compress."""

    @property
    def max_message_size(self) -> int:
        """Until the handshake is over."""
        return self._new_link().max_frame

    def _new_link(self) -> WebSocketLink:
        if self._link is None:
            address = self.request.remote_ip or "unknown"
            self._link = WebSocketLink(address, is_dialled=False)
            self._link.max_frame = self.transport.max_frame_before_auth
            if not any(name in self.request.headers for name in _PROXY_HEADERS):
                self._link.remote_host = self.request.remote_ip
        return self._link

    async def open(self, *args: str, **kwargs: str) -> None:
        """Hand the link to the hub."""
        assert isinstance(self.ws_connection, WebSocketProtocol13)
        link = self._new_link()
        link.open(self.ws_connection, self.close)
        self.transport.take(link)

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        return self._new_link().on_message(message)

    def on_close(self) -> None:
        self._new_link().on_message(None)


class _Nothing(RequestHandler):
    """All that the extra listener says to anything but ``/peer-ws``."""

    def prepare(self) -> None:
        self.set_status(404)
        self.finish()

    def compute_etag(self) -> None:
        """No body, no tag."""


class DirectTransport(Transport):
    """Dials ``ws://`` and ``wss://`` addresses and takes what comes in at ``/peer-ws``.

    Args:
        ssl_context: For dialling ``wss://``. By default any certificate will do, since the peer is
            proven by the handshake and everything is sealed to it; TLS here only gets through
            proxies and hides who talks to whom.
        is_accepting: Whether links that come in are taken.
        max_frame_before_auth: Bytes of the largest frame until the handshake is over.

    Attributes:
        on_incoming: Called with each link that came in, before its handshake.
    """

    name = "direct"
    priority = 2

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        is_accepting: bool = True,
        max_frame_before_auth: int = MAX_FRAME,
    ) -> None:
        self.max_frame_before_auth = max_frame_before_auth
        self._ssl_context = ssl_context or any_certificate()
        self._is_accepting = is_accepting
        self.on_incoming: Callable[[WebSocketLink], None] | None = None
        self._accept: Accept | None = None
        self._accepting: set[asyncio.Task[None]] = set()
        self._links: set[WebSocketLink] = set()
        self._servers: list[HTTPServer] = []
        self._listening: list[str] = []

    async def start(self, accept: Accept) -> None:
        self._accept = accept

    def listen(
        self, host: str, port: int, ssl_options: ssl.SSLContext | None = None
    ) -> list[tuple[str, int]]:
        """Open a listener that serves nothing but ``/peer-ws``.

        Args:
            host: Address to bind; empty for all.
            port: Port; 0 for a free one.
            ssl_options: To speak TLS.

        Returns:
            The (host, port) pairs that were bound.

        Raises:
            OSError: The address cannot be bound.
        """
        sockets = bind_sockets(port, host or None)
        application = Application(
            [(PATH, PeerWebSocketHandler, {"transport": self})],
            default_handler_class=_Nothing,
            log_function=lambda handler: None,
        )
        server = HTTPServer(
            application,
            ssl_options=ssl_options,
            idle_connection_timeout=DIAL_TIMEOUT_S,
            max_header_size=16 * 1024,
            max_body_size=0,
        )
        server.add_sockets(sockets)
        self._servers.append(server)
        return [sock.getsockname()[:2] for sock in sockets]

    async def close(self) -> None:
        self._accept = None
        for server in self._servers:
            server.stop()
        for task in list(self._accepting):
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for link in list(self._links):
            await link.close("shutdown")
        for server in self._servers:
            await server.close_all_connections()
        self._servers.clear()

    def can_dial(self, address: str) -> bool:
        return address.startswith(("ws://", "wss://"))

    async def dial(self, address: str, node_id: str | None) -> PeerLink:
        url = normalize_address(address)
        link = WebSocketLink(url, is_dialled=True)
        link.max_frame = self.max_frame_before_auth
        connection = await open_websocket(
            url, link.on_message, ssl_context=self._ssl_context, max_message=link.max_frame
        )
        assert isinstance(connection.protocol, WebSocketProtocol13)
        link.open(connection.protocol, connection.close)
        link.note_remote_host()
        self._keep(link)
        return link

    def take(self, link: WebSocketLink) -> None:
        """Take a link that came in."""
        if self._accept is None or not self._is_accepting:
            link.abort("not accepting")
            return
        self._keep(link)
        if self.on_incoming is not None:
            self.on_incoming(link)

        async def run(accept: Accept) -> None:
            await accept(link)

        task = asyncio.get_running_loop().create_task(run(self._accept))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    def _keep(self, link: WebSocketLink) -> None:
        self._links = {known for known in self._links if not known.is_closed}
        self._links.add(link)
