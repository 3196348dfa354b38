"""A real JupyterLab in a process and a home of its own, as a person would start it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.machine.waiting import until_sync

_FOLDERS = {
    "HOME": "home",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}
# A Jupyter that runs these tests would hand them on.
_INHERITED = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JUPYTER_TOKEN", "JUPYTER_PEER_URL")
# No pop-up over the page; LabApp.news_url alone does not stop it.
_QUIET = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    }
}


class Lab:
    """One server, which runs once it has :meth:`started`.

    Args:
        base: The folder of all that it keeps.
        name: Of its node.
        args: More options.
        is_named: Whether the node has its name; else a person is asked for it.
        python: Of the environment that it runs in.
        app: The module that is run: ``jupyterlab`` or ``notebook``.

    Attributes:
        url: Without a trailing slash.
        token: Of the person it belongs to.
        root: The folder it shows.
        runtime: Where the connection files of its kernels are.
    """

    def __init__(
        self,
        base: Path,
        name: str,
        *args: str,
        is_named: bool = True,
        python: str = sys.executable,
        app: str = "jupyterlab",
    ) -> None:
        self.token = secrets.token_hex(16)
        self.root = base / "root"
        self.runtime = base / "runtime"
        self.root.mkdir(parents=True)
        labconfig = base / "config" / "labconfig"
        labconfig.mkdir(parents=True)
        (labconfig / "default_setting_overrides.json").write_text(json.dumps(_QUIET))
        env = {key: value for key, value in os.environ.items() if key not in _INHERITED}
        env |= {key: str(base / folder) for key, folder in _FOLDERS.items()}
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log_path = base / "lab.log"
        self._log = self._log_path.open("wb")
        self._process = subprocess.Popen(
            [
                *(python, "-m", app, "--no-browser", "--allow-root"),
                "--ServerApp.ip=127.0.0.1",
                f"--ServerApp.port={port}",
                "--ServerApp.port_retries=0",
                f"--ServerApp.root_dir={self.root}",
                f"--IdentityProvider.token={self.token}",
                "--LabApp.expose_app_in_browser=True",
                "--JupyterNotebookApp.expose_app_in_browser=True",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
                "--LabApp.extension_manager=readonly",
                *([f"--PeerExtension.node_name={name}"] if is_named else []),
                *args,
            ],
            cwd=self.root,
            env=env,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._name = name

    def started(self) -> Lab:
        """Wait until it is up, and return it."""
        try:
            until_sync(self._is_up, timeout=60, what=f"the server of {self._name}")
        except BaseException:
            self.close()
            raise
        return self

    @property
    def log(self) -> str:
        """What the server has printed."""
        return self._log_path.read_text(errors="replace")

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Call ``jupyter-peer/api/{path}`` and return its JSON answer."""
        return self.jupyter(method, f"jupyter-peer/api/{path}", body)

    def jupyter(self, method: str, path: str, body: object = None) -> Any:
        """Call any route of the server and return its JSON answer."""
        request = urllib.request.Request(
            f"{self.url}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
        return json.loads(text) if text else None

    def pair_with(self, other: Lab) -> None:
        """Redeem an invite of the other."""
        invite = other.api("POST", "invite", {})["invite"]
        answer = self.api("POST", "pair", {"invite": invite})
        assert answer["ok"], answer

    def close(self) -> None:
        """End the server."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"jupyter lab exited:\n{self.log}")
        request = urllib.request.Request(
            f"{self.url}/api/status", headers={"Authorization": f"token {self.token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=2) as response:
                return bool(json.load(response))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


def open_workspace(page: Page, lab: Lab) -> None:
    """Open a lab in a page, in a workspace that nobody has touched."""
    workspace = f"{lab.url}/lab/workspaces/{secrets.token_hex(4)}"
    page.goto(f"{workspace}?token={lab.token}", wait_until="domcontentloaded")
    page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    # A fresh workspace opens the launcher, which takes the focus a moment after all that.
    page.wait_for_function("document.activeElement?.closest('.jp-Launcher')")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
