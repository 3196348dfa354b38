"""Relays as processes of their own, as operators run them."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path


class RelayProcess:
    """A ``jupyter peer relay``.

    Attributes:
        url: Where it listens.
    """

    def __init__(self, *options: str, port: int = 0, prefix: Sequence[str] = ()) -> None:
        program = "import sys; from jupyter_peer.cli import main; sys.exit(main())"
        command = [*prefix, sys.executable, "-c", program, "relay", f"--port={port}", *options]
        # A pipe that nobody reads would stop it once enough is logged.
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._log, text=True, bufsize=1
        )
        try:
            self.url = self._ready(60)
        except BaseException:
            self.kill()
            raise

    def _ready(self, timeout: float) -> str:
        stdout = self.process.stdout
        assert stdout is not None
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            readable, _, _ = select.select([stdout], [], [], 0.1)
            if readable:
                line = stdout.readline()
                if line.startswith("relay: "):
                    return line.removeprefix("relay: ").strip()
                if not line:
                    raise AssertionError(f"the relay ended: {self.said()}")
        raise AssertionError("the relay does not say that it listens")

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.url.rpartition(":")[2])

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def terminate(self) -> tuple[int, str]:
        """End it as an operator does; return its exit code and what it logged."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """Wait for its end; return its exit code and what it logged."""
        self.process.communicate(timeout=15)
        return self.process.returncode, self.said()

    def said(self) -> str:
        """Return what it has logged."""
        self._log.seek(0)
        return self._log.read()

    def close(self) -> None:
        """Delete its log."""
        self._log.close()

    def kill(self) -> None:
        """End it without warning; may be called twice."""
        self.process.kill()
        self.process.communicate(timeout=5)


@contextlib.contextmanager
def relay_process(
    *options: str, port: int = 0, prefix: Sequence[str] = ()
) -> Iterator[RelayProcess]:
    """Run a relay as a process."""
    process = RelayProcess(*options, port=port, prefix=prefix)
    try:
        yield process
    finally:
        process.kill()
        process.close()
