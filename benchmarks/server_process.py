"""A bare Jupyter Server, with or without this extension: the difference is the cost of a node."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_peer.errors import NoServerError
from jupyter_peer.server.control.runtime_file import RunningServer, runtime_file

from .node import PATIENCE_S
from .processes import watched

if TYPE_CHECKING:
    import psutil

_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
# Variables of a surrounding Jupyter that would change the server.
_FOREIGN = ("JUPYTER_", "JPY_")


class ServerProcess:
    """One server; :meth:`stop` ends it.

    Args:
        home: Folder for its files.
        has_peer: Whether jupyter-peer is enabled in it.
    """

    def __init__(self, home: Path, has_peer: bool) -> None:
        self._home = home
        self._has_peer = has_peer
        self._token = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it listens and its node, if any, is started.

        Raises:
            NoServerError: The server ended, or does not start.
        """
        process = self._process = self._launch()
        runtime = self._home / "JUPYTER_RUNTIME_DIR"
        ready = runtime / f"jpserver-{process.pid}.json"
        if self._has_peer:
            ready = runtime_file(runtime, process.pid)
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not ready.exists():
            if process.poll() is not None or asyncio.get_running_loop().time() > deadline:
                raise NoServerError("a Jupyter server does not start", hint="try `jupyter server`")
            await asyncio.sleep(0.02)
        if self._has_peer:
            self.running = msgspec.json.decode(ready.read_bytes(), type=RunningServer)

    def _launch(self) -> subprocess.Popen[bytes]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)
        }
        environment |= {name: str(self._home / name) for name in _FOLDERS}
        environment["JUPYTER_TOKEN"] = self._token
        config = self._home / "JUPYTER_CONFIG_DIR" / "jupyter_server_config.json"
        config.parent.mkdir(parents=True)
        extensions = {"jupyter_peer": self._has_peer}
        config.write_text(json.dumps({"ServerApp": {"jpserver_extensions": extensions}}))
        command = [
            *(sys.executable, "-m", "jupyter_server", "--no-browser"),
            "--ServerApp.ip=127.0.0.1",
            "--ServerApp.port=0",
            f"--ServerApp.root_dir={self._home}",
        ]
        if os.geteuid() == 0:
            command.append("--allow-root")
        return subprocess.Popen(  # noqa: S603 - our own command
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def door(self) -> tuple[str, str]:
        """Return its URL, which ends in a slash, and its token."""
        assert self._process is not None
        runtime = self._home / "JUPYTER_RUNTIME_DIR"
        info = json.loads((runtime / f"jpserver-{self._process.pid}.json").read_text())
        return str(info["url"]), self._token

    def watched(self) -> psutil.Process:
        """Return its process, for measuring its resources.

        Raises:
            NotEnabledError: psutil is not installed.
        """
        assert self._process is not None
        return watched(self._process.pid)

    async def stop(self) -> None:
        """Stop it; may be called twice."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
