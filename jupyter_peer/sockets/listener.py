"""An HTTP server that strangers can reach: they cannot take all connections a process may have.

A process has so many file descriptors and no more. Without any, nothing else in it can open a file
or start a kernel, and Tornado asks in vain, again and again, for the connection that waits.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
from collections.abc import Iterable
from typing import Any

from tornado.httpserver import HTTPServer

log = logging.getLogger(__name__)

_AT_ONCE = 64


class StrangersServer(HTTPServer):
    """Serves requests, of so many connections at once; a further one is closed unheard.

    A connection that was upgraded to a WebSocket is whose who took it and counts here no more.

    Attributes:
        max_connections: How many; to be set before :meth:`add_sockets`.
    """

    max_connections = 512

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Begin to take connections at these sockets, which belong to the server from now on."""
        super().add_sockets([_Door(sock) for sock in sockets])

    def _handle_connection(self, connection: socket.socket, address: Any) -> None:
        if len(self._connections) >= self.max_connections:
            connection.close()
        else:
            super()._handle_connection(connection, address)


class _Door(socket.socket):
    """A listening socket that turns connections away while there is no descriptor for them.

    One is kept for that: it is given up for the moment it takes to accept and to close.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self.setblocking(False)
        self._spare = _any_file()

    def accept(self) -> tuple[socket.socket, Any]:
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            log.warning("there are too many connections: those that come now are closed")
            self._turn_away()
            raise BlockingIOError from error

    def _turn_away(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._spare)
        with contextlib.suppress(OSError):
            for _ in range(_AT_ONCE):
                super().accept()[0].close()
        with contextlib.suppress(OSError):
            self._spare = _any_file()

    def close(self) -> None:
        super().close()
        with contextlib.suppress(OSError):
            os.close(self._spare)


def _any_file() -> int:
    return os.open(os.devnull, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
