"""Lets a test reach a port inside a machine of the lab, as its user does who sits at it."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.nat.lab import Namespace


class Forward:
    """A port on this machine's loopback that leads to one on a namespace's loopback.

    Attributes:
        port: Here.
    """

    def __init__(self, inside: Namespace, port: int) -> None:
        self._inside = inside
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            try:
                there = self._inside.connect("127.0.0.1", self._to)
            except OSError:
                here.close()
                continue
            there.settimeout(None)
            self._sockets |= {here, there}
            for source, target in ((here, there), (there, here)):
                thread = threading.Thread(target=_pump, args=(source, target), daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """Close the port and everything that goes through it."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for each in self._sockets:
            each.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
