"""The baseline: a raw Tornado WebSocket, binary, without compression, with ``TCP_NODELAY``."""

from __future__ import annotations

from collections.abc import Awaitable

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, WebSocketHandler, websocket_connect

from jupyter_peer.errors import LinkClosedError

MAX_MESSAGE = 128 * 1024 * 1024


class _Echo(WebSocketHandler):
    """Returns each message."""

    @property
    def max_message_size(self) -> int:
        return MAX_MESSAGE

    def open(self, *args: str, **kwargs: str) -> None:
        self.set_nodelay(True)

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        return self.write_message(message, binary=True)


class _Count(_Echo):
    """Answers when the number of messages in a preceding text message has arrived."""

    _left = 0

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        if isinstance(message, str):
            self._left = int(message)
            return None
        self._left -= 1
        return self.write_message("done") if self._left == 0 else None


class RawServer:
    """Serves ``/echo`` and ``/count`` on a free port of loopback.

    Attributes:
        port: The port.
    """

    def __init__(self) -> None:
        sockets = bind_sockets(0, "127.0.0.1")
        self._server = HTTPServer(Application([("/echo", _Echo), ("/count", _Count)]))
        self._server.add_sockets(sockets)
        self.port = int(sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop."""
        self._server.stop()
        await self._server.close_all_connections()


class RawLink:
    """A connection to a :class:`RawServer`; made by :meth:`open`."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket

    @classmethod
    async def open(cls, port: int, path: str) -> RawLink:
        """Connect to ``/echo`` or ``/count``."""
        socket = await websocket_connect(
            f"ws://127.0.0.1:{port}/{path}", max_message_size=MAX_MESSAGE
        )
        socket.protocol.stream.set_nodelay(True)  # type: ignore[union-attr]
        return cls(socket)

    async def echo(self, payload: bytes) -> None:
        """Send a payload and wait for its return.

        Raises:
            LinkClosedError: The payload does not return.
        """
        self._socket.write_message(payload, binary=True)
        if await self._socket.read_message() is None:
            raise LinkClosedError

    async def flood(self, payload: bytes, count: int) -> None:
        """Send a payload many times and wait until the other side has counted them all.

        Raises:
            LinkClosedError: It has not.
        """
        await self._socket.write_message(str(count))
        for number in range(count):
            written = self._socket.write_message(payload, binary=True)
            # Tornado writes immediately; a wait after several messages keeps its buffer small.
            if number % 64 == 63 or len(payload) > 32 * 1024:
                await written
        if await self._socket.read_message() is None:
            raise LinkClosedError

    def close(self) -> None:
        """Close it."""
        self._socket.close()
