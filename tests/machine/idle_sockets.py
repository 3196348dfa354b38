"""Connections that are opened, upgraded or not, and then say nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.machine.waiting import PATIENCE_S

UPGRADE = (
    "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class IdleSockets:
    """Sockets of one address that only take places.

    Args:
        port: Where they connect.
        path: Where they upgrade to a WebSocket; None for sockets that do not even ask for that.
        source: The address they come from.
    """

    def __init__(self, port: int, path: str | None, source: str) -> None:
        self._port = port
        self._path = path
        self._source = source
        self._sockets: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def open(self, count: int) -> None:
        """Open more of them, and wait until each is upgraded or refused."""
        for _ in range(count):
            opened = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=(self._source, 0)
            )
            self._sockets.append(opened)
            if self._path is not None:
                opened[1].write(UPGRADE.format(self._path, f"127.0.0.1:{self._port}").encode())
                with contextlib.suppress(ConnectionError):
                    await asyncio.wait_for(opened[0].readline(), PATIENCE_S)

    def cut(self) -> None:
        """Drop them all."""
        for _, writer in self._sockets:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def idle_sockets(
    port: int, path: str | None, count: int, source: str = "127.0.0.66"
) -> AsyncIterator[IdleSockets]:
    """Open sockets that say nothing, and drop them at the end."""
    sockets = IdleSockets(port, path, source)
    try:
        await sockets.open(count)
        yield sockets
    finally:
        sockets.cut()
