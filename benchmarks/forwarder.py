"""A raw Tornado forwarder, the baseline of a relay: ``python -m benchmarks.forwarder PORT``.

It forwards ``/echo`` and ``/count`` to the same paths of a raw server on PORT, and the answers back.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, WebSocketHandler, websocket_connect

from .processes import until_stdin_ends
from .raw import MAX_MESSAGE


class _Forward(WebSocketHandler):
    _there: WebSocketClientConnection

    def initialize(self, port: int) -> None:
        """Set the port of the server behind."""
        self._port = port

    @property
    def max_message_size(self) -> int:
        return MAX_MESSAGE

    async def open(self, *args: str, **kwargs: str) -> None:
        self.set_nodelay(True)
        self._there = await websocket_connect(
            f"ws://127.0.0.1:{self._port}/{args[0]}",
            on_message_callback=self._back,
            max_message_size=MAX_MESSAGE,
        )
        self._there.protocol.stream.set_nodelay(True)  # type: ignore[union-attr]

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        return self._there.write_message(message, binary=isinstance(message, bytes))

    def _back(self, message: str | bytes | None) -> None:
        if message is None:
            self.close()
        else:
            self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        self._there.close()


async def _serve(port: int) -> None:
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/(echo|count)", _Forward, {"port": port})]))
    server.add_sockets(sockets)
    sys.stdout.write(f"{sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()

    async def close() -> None:
        server.stop()
        await server.close_all_connections()

    await until_stdin_ends(close)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
