"""A real coturn on loopback, as STUN and TURN server."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from jupyter_peer.wire.stun import binding_request
from tests.machine.needs import needs_program
from tests.machine.waiting import until_sync

USERNAME = "ada"
CREDENTIAL = "a password of these tests"


@contextlib.contextmanager
def coturn(folder: Path) -> Iterator[int]:
    """Run it; yields the port on which it answers UDP and TCP."""
    program = needs_program("turnserver")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (folder / "turnserver.log").open("wb")
    process = subprocess.Popen(
        [
            *(program, "-n", "--no-cli", "--no-tls", "--no-dtls", "--lt-cred-mech"),
            *("--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}"),
            *(f"--user={USERNAME}:{CREDENTIAL}", "--realm=tests", "--log-file=stdout"),
            *("--allow-loopback-peers", f"--pidfile={folder}/turnserver.pid"),
            f"--userdb={folder}/turndb",
        ],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=folder,
    )
    try:
        until_sync(lambda: _answers(process, port), 20, "coturn")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "coturn has ended"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.2)
        try:
            asker.sendto(binding_request(os.urandom(12)), ("127.0.0.1", port))
            return bool(asker.recv(1024))
        except OSError:
            return False
