"""A real Jupyter server in a process of its own, for what talks to it from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from jupyter_peer.server.control.runtime_file import RunningServer, runtime_file
from tests.machine.waiting import until_sync

START_TIMEOUT_S = 60.0
_FOREIGN = ("JUPYTER_", "JPY_")
# Nobody looks at a page of it, and it is up sooner.
_NOTHING_ELSE = [
    f"--ServerApp.jpserver_extensions={name}=False"
    for name in ("jupyterlab", "jupyter_lsp", "jupyter_server_terminals", "notebook_shim")
] + ["--ServerApp.jpserver_extensions=jupyter_peer=True"]

T = TypeVar("T")


class JupyterProcess:
    """A started server.

    Args:
        home: Where its files go.
        name: Of its node, and its base URL.
        runtime: Jupyter's runtime directory, which several may share.
        options: More of the command line.
        port: Where it listens; 0 for a free one.
        prefix: What its command begins with, to run it elsewhere.

    Attributes:
        url: With the base URL.
        pid: Of its process.
        node_id: Of its node.
        runtime_file: Where the command line finds it.
    """

    def __init__(
        self,
        home: Path,
        name: str,
        runtime: Path,
        *options: str,
        port: int = 0,
        prefix: Sequence[str] = (),
    ) -> None:
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)
        }
        environment |= {
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(runtime),
            "IPYTHONDIR": str(home / "ipython"),
        }
        self._log = home / "server.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(
                        *prefix,
                        sys.executable,
                        "-m",
                        "jupyter_server",
                        "--no-browser",
                        "--allow-root",
                    ),
                    "--ServerApp.ip=127.0.0.1",
                    f"--ServerApp.port={port}",
                    f"--ServerApp.base_url=/{name}/",
                    f"--ServerApp.root_dir={home}",
                    f"--PeerExtension.node_name={name}",
                    *_NOTHING_ELSE,
                    *options,
                ],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.pid = self._process.pid
        self.runtime_file = runtime_file(runtime, self.pid)
        try:
            until_sync(self._is_up, START_TIMEOUT_S, f"{name}'s server")
        except BaseException:
            self.stop()
            raise
        running = msgspec.json.decode(self.runtime_file.read_bytes(), type=RunningServer)
        self.url, self.node_id = running.url, running.node_id

    def _is_up(self) -> bool:
        assert self._process.poll() is None, f"the server has ended:\n{self._log.read_text()}"
        return self.runtime_file.exists()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop it; may be called twice."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def at_once(starts: Sequence[Callable[[], T]], stop: Callable[[T], object]) -> list[T]:
    """Start several servers at the same time, which takes little longer than one.

    Args:
        starts: Each starts one and returns it once it is up.
        stop: Stops one; when one does not start, the others are stopped.

    Returns:
        Them, in that order.
    """
    with ThreadPoolExecutor(len(starts)) as pool:
        starting = [pool.submit(start) for start in starts]
    if any(each.exception() for each in starting):
        for each in starting:
            if each.exception() is None:
                stop(each.result())
    return [each.result() for each in starting]
