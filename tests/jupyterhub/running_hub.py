"""A real JupyterHub with its proxy, as an operator runs it, on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.machine.needs import missing, needs_module
from tests.machine.waiting import until_sync

START_S = 60.0
_PROXY = Path(__file__).parents[2] / "build" / "hub" / "node_modules" / ".bin"
_FOREIGN = ("JUPYTER", "JPY_", "CONFIGPROXY_")
_CONFIG = """
import sys
c.JupyterHub.bind_url = c.JupyterHub.public_url = "http://127.0.0.1:{port}/"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.pid_file = "proxy.pid"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {folder!r} + "/home-{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root", "--LabApp.extension_manager=readonly"]
# Servers tell the Hub every second what they have last done, instead of every five minutes.
c.Spawner.environment = {{"JUPYTERHUB_ACTIVITY_INTERVAL": "1"}}
c.JupyterHub.activity_resolution = 1
c.JupyterHub.last_activity_interval = 1
c.JupyterHub.allow_named_servers = True
c.JupyterHub.services = [{{"name": "test", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{
        "name": "test",
        "scopes": ["admin:users", "admin:servers", "access:servers", "list:users", "proxy"],
        "services": ["test"],
    }}
]
"""


class Answer(NamedTuple):
    """Of a request: its status, headers and text."""

    status: int
    headers: Mapping[str, str]
    text: str


class RunningHub:
    """A Hub with users who have no password.

    Args:
        folder: Its files and the homes of its users.
        config: More lines of its configuration.

    Attributes:
        url: Where the proxy listens, with a slash.
    """

    def __init__(self, folder: Path, config: str = "") -> None:
        needs_module("jupyterhub")
        proxy = _PROXY / "configurable-http-proxy"
        if not proxy.exists():
            missing("no proxy of JupyterHub: run `make hub`")
        port, hub_port, api_port = _free_ports(3)
        self.url = f"http://127.0.0.1:{port}/"
        self._token = secrets.token_hex(16)
        text = _CONFIG.format(
            port=port,
            hub_port=hub_port,
            api_port=api_port,
            proxy=str(proxy),
            folder=str(folder),
            token=self._token,
        )
        (folder / "jupyterhub_config.py").write_text(text + config)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
        self._log = folder / "hub.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            until_sync(self._is_up, START_S, "the Hub")
        except BaseException:
            self.stop()
            raise

    @property
    def log(self) -> str:
        """What the Hub, its proxy and its servers have printed."""
        return self._log.read_text(errors="replace")

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self.log
        try:
            return self.request("GET", "hub/api/").status == 200
        except OSError:
            return False

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """Send a request through the proxy; a refusal is an answer too, and no redirect is followed.

        Args:
            method: Of HTTP.
            path: Below :attr:`url`.
            body: Sent as JSON.
            headers: All that say who asks.
        """
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers=dict(headers),
        )
        try:
            with _OPENER.open(request, timeout=20) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, refusal.headers, refusal.read().decode())

    @property
    def operator(self) -> dict[str, str]:
        """Headers of the operator of the Hub."""
        return {"Authorization": f"token {self._token}"}

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Call the Hub's REST as its operator."""
        answer = self.request(method, f"hub/api/{path}", body, self.operator)
        assert answer.status < 300, answer
        return json.loads(answer.text) if answer.text else None

    def stop(self) -> None:
        """Stop it with its proxy and all its servers; may be called twice."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class HubServer:
    """A server of a user of the Hub; a named one when it has a name.

    Attributes:
        prefix: Its path below the Hub's URL, with a slash at its end.
    """

    def __init__(self, hub: RunningHub, user: str, name: str = "") -> None:
        self.hub, self.user, self.name = hub, user, name
        self.prefix = f"user/{user}/{name}/" if name else f"user/{user}/"
        self._route = f"users/{user}/servers/{name}" if name else f"users/{user}/server"
        if hub.request("GET", f"hub/api/users/{user}", headers=hub.operator).status == 404:
            hub.api("POST", f"users/{user}")

    @property
    def address(self) -> str:
        """Where peers dial it."""
        return f"{self.hub.url.replace('http', 'ws', 1)}{self.prefix}peer-ws"

    def begin(self) -> None:
        """Ask the Hub to start it."""
        self.hub.api("POST", self._route, {})

    def start(self) -> None:
        """Start it, and wait until it is up."""
        self.begin()
        until_sync(lambda: self.is_up, START_S, f"{self.prefix} to start")

    def stop(self) -> None:
        """Stop it, and wait until it is down."""
        self.hub.api("DELETE", self._route)
        until_sync(lambda: not self.state, START_S, f"{self.prefix} to stop")

    @property
    def state(self) -> Any:
        """What the Hub knows of it; nothing when it does not run."""
        servers = self.hub.api("GET", f"users/{self.user}")["servers"]
        return servers.get(self.name)

    @property
    def is_up(self) -> bool:
        """Whether the Hub sends people there."""
        return bool(self.state and self.state["ready"])

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call a route of jupyter-peer's REST there."""
        answer = self.hub.request(
            method, f"{self.prefix}jupyter-peer/api/{path}", body, self.hub.operator
        )
        assert answer.status < 300, answer
        return json.loads(answer.text) if answer.text else None


@contextlib.contextmanager
def running_hub(folder: Path, config: str = "") -> Iterator[RunningHub]:
    """Run a Hub, and stop it with all that it has started."""
    hub = RunningHub(folder, config)
    try:
        yield hub
    finally:
        hub.stop()


class _Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Unfollowed)


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
