"""An HTTP server for strangers, who cannot use up all connections of the process.

A process has a limited number of file descriptors. Without a free one it cannot open a file or start
a kernel, and Tornado tries again and again to accept the connection that waits.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import time
from collections.abc import Iterable
from typing import Any, cast

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

from ..errors import BusyError
from .half_open import HalfOpen

log = logging.getLogger(__name__)

_AT_ONCE = 64
_IP = (socket.AF_INET, socket.AF_INET6)


class StrangersServer(HTTPServer):
    """Serves requests on a limited number of connections; :class:`.HalfOpen` chooses which one goes.

    After the upgrade to a WebSocket a connection belongs to its new owner and no longer counts.

    Args:
        args, options: Those of Tornado's ``HTTPServer``.
        max_connections: Number of connections.
    """

    _places: HalfOpen

    def initialize(self, *args: Any, max_connections: int = 512, **options: Any) -> None:
        """Store the arguments; Tornado calls this instead of ``__init__``."""
        super().initialize(*args, **options)
        self._places = HalfOpen(max_connections, time.monotonic, spares_prompt=True)

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections at these sockets, which now belong to the server."""
        super().add_sockets([_Door(sock) for sock in sockets])

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        host = str(address[0]) if stream.socket.family in _IP else ""
        try:
            self._places.enter(stream, host, stream.close)
        except BusyError:
            stream.close()
        else:
            super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        super().on_close(server_conn)
        self._places.leave(cast("HTTP1ServerConnection", server_conn).stream)


class _Door(socket.socket):
    """A listening socket that rejects connections while no file descriptor is free.

    It reserves one descriptor, and frees it for the moment that accepting and closing take.
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
