"""A separate JupyterLab: process, files, configuration, port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from ..errors import NoServerError
from ..server.control.runtime_file import RunningServer, runtime_file

START_TIMEOUT_S = 45.0
STOP_TIMEOUT_S = 10.0
REQUEST_TIMEOUT_S = 30.0

_FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}
# Variables of a surrounding Jupyter server or kernel that would lead to its files.
_FOREIGN = (
    "JUPYTER_CONFIG_PATH",
    "JUPYTER_TOKEN",
    "JUPYTER_PORT",
    "JUPYTER_PEER_",
    "JUPYTERHUB_",
    "JPY_",
)
_QUIET_PAGE = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}


class Lab:
    """One server, stopped by :meth:`stop`.

    Args:
        home: Folder for all its files; created if missing.
        name: Name of the person and of the node, and the base URL.
        options: Further words of its command line.
        program: The program to run: JupyterLab, or a server with its API but without its pages.

    Attributes:
        folder: Folder that its file browser shows.
        token: Opens it in a browser.
        url: URL with the base URL; known after the start.
        node_id: Known after the start too.
    """

    def __init__(self, home: Path, name: str, *options: str, program: str = "jupyterlab") -> None:
        self.name = name
        self.folder = home / "notebooks"
        self.token = secrets.token_hex(16)
        self.url = ""
        self.node_id = ""
        self._home = home
        self._options = options
        self._program = program
        self._log = home / "jupyterlab.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._http = AsyncHTTPClient(force_instance=True)

    async def start(self) -> None:
        """Start the server and wait until its node answers.

        Raises:
            NoServerError: The server ended or did not answer in time; its log is in the message.
        """
        self._process = self._launch()
        path = runtime_file(self._home / "runtime", self._process.pid)
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while not path.exists():
            if self._process.poll() is not None:
                raise NoServerError(f"{self.name}'s JupyterLab has ended{self.last_words()}")
            if asyncio.get_running_loop().time() > deadline:
                raise NoServerError(
                    f"{self.name}'s JupyterLab does not answer{self.last_words()}",
                    hint="check that `jupyter server extension list` shows jupyter_peer as enabled",
                )
            await asyncio.sleep(0.05)
        running = msgspec.json.decode(path.read_bytes(), type=RunningServer)
        self.url, self.node_id = running.url, running.node_id
        await self.get("jupyter-peer/api/identity")

    def _launch(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True)
        overrides = self._home / "config" / "labconfig" / "default_setting_overrides.json"
        overrides.parent.mkdir(parents=True)
        overrides.write_text(json.dumps(_QUIET_PAGE))
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)
        }
        environment |= {name: str(self._home / folder) for name, folder in _FOLDERS.items()}
        # Not an argument: every user of the machine can read those.
        environment["JUPYTER_TOKEN"] = self.token
        command = [
            *(sys.executable, "-m", self._program, "--no-browser"),
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={_free_port()}",
            "--ServerApp.port_retries=50",
            f"--ServerApp.base_url=/{self.name}/",
            f"--ServerApp.root_dir={self.folder}",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            f"--PeerExtension.node_name={self.name}",
            *self._options,
        ]
        if os.geteuid() == 0:
            command.append("--allow-root")
        with self._log.open("wb") as log:
            # In a session of its own, so that Ctrl-C reaches only the demo, which then stops it.
            return subprocess.Popen(  # noqa: S603 - our own command
                command,
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def get(self, path: str) -> Any:
        """Return the JSON at a path below the base URL."""
        return await self._fetch("GET", path)

    async def open_notebook(self, name: str) -> str:
        """Start a kernel for a notebook of the folder, as a browser does when it opens one.

        Returns:
            The kernel's id.
        """
        body = {
            "path": name,
            "name": name,
            "type": "notebook",
            "kernel": {"name": "python3"},
        }
        session = await self._fetch("POST", "api/sessions", body)
        return str(session["kernel"]["id"])

    def page(self, notebook: str) -> str:
        """Return the URL of a notebook for a browser, with the token."""
        return f"{self.url}lab/tree/{notebook}?token={self.token}"

    def authorization(self) -> dict[str, str]:
        """Return the headers that carry the token."""
        return {"Authorization": f"token {self.token}"}

    async def _fetch(self, method: str, path: str, body: Any = None) -> Any:
        request = HTTPRequest(
            self.url + path,
            method=method,
            headers=self.authorization(),
            body=None if body is None else json.dumps(body),
            request_timeout=REQUEST_TIMEOUT_S,
        )
        return json.loads((await self._http.fetch(request)).body)

    def last_words(self, lines: int = 15) -> str:
        """Return the end of its log, indented; empty without a log."""
        with contextlib.suppress(OSError):
            end = self._log.read_text(errors="replace").splitlines()[-lines:]
            return "".join(f"\n    | {text}" for text in end)
        return ""

    async def stop(self) -> None:
        """Stop the server, and kill it if it does not stop; may be called twice."""
        self._http.close()
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            # Its kernels notice the end of the server and end by themselves.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
