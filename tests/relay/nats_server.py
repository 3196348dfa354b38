"""A real NATS server for tests, on loopback, with a directory of its own."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.machine.needs import needs_module, needs_program
from tests.machine.waiting import until_sync


class NatsServer:
    """One ``nats-server``; may be stopped and started again at the same port.

    Attributes:
        url: Where it listens.
    """

    def __init__(self, folder: str, *, has_jetstream: bool = True) -> None:
        self._program = needs_program("nats-server")
        needs_module("nats", "cluster")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        self._folder = Path(folder)
        self._options = ["-js", "-sd", folder] if has_jetstream else []
        self.url = f"nats://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [self._program, "-a", "127.0.0.1", "-p", str(self._port), *self._options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until_sync(self._answers, 20, "nats-server answers")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), 1) as probe:
                return probe.recv(4) == b"INFO"
        except OSError:
            return False

    def forget(self) -> None:
        """Delete all that it has stored; it must not run."""
        shutil.rmtree(self._folder)
        self._folder.mkdir()

    def kill(self) -> None:
        """End it without warning; may be called twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)


@contextlib.contextmanager
def nats_server(*, has_jetstream: bool = True) -> Iterator[NatsServer]:
    """Run a NATS server."""
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(folder, has_jetstream=has_jetstream)
        try:
            yield server
        finally:
            server.kill()
