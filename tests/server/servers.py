"""Several real Jupyter servers in one process, each with a node of its own."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from jupyter_server.serverapp import ServerApp
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from traitlets.config import Config

from jupyter_peer.app import PeerExtension
from jupyter_peer.hub.hub import PeerHub
from tests.server.control.control_client import ControlClient, connect


class Server:
    """One running server."""

    def __init__(self, app: ServerApp) -> None:
        self.app = app
        self.headers = {"Authorization": f"token {app.identity_provider.token}"}

    @property
    def extension(self) -> PeerExtension:
        """Its extension."""
        extension: PeerExtension = self.app.web_app.settings["jupyter_peer"]
        return extension

    @property
    def hub(self) -> PeerHub:
        """Its node."""
        running = self.extension.context.running
        assert running is not None
        return running.operations.hub

    @property
    def url(self) -> str:
        """Its URL with the base URL."""
        scheme = "https" if self.app.certfile else "http"
        return f"{scheme}://127.0.0.1:{self.app.port}{self.app.base_url}"

    async def fetch(self, path: str, **kwargs: Any) -> HTTPResponse:
        """Fetch anything below the base URL with the token; a refusal is an answer as well."""
        return await AsyncHTTPClient().fetch(
            self.url + path,
            headers=self.headers,
            raise_error=False,
            validate_cert=False,
            **kwargs,
        )

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call a REST route and return its JSON."""
        response = await self.fetch(
            f"jupyter-peer/api/{path}",
            method=method,
            body=None if body is None else json.dumps(body),
            allow_nonstandard_methods=True,
        )
        assert response.code < 300, (response.code, response.body)
        return json.loads(response.body)

    async def control(self) -> ControlClient:
        """Open a control connection."""
        url = f"{self.url}jupyter-peer/ws".replace("http", "ws", 1)
        return await connect(url, self.headers)


@contextlib.asynccontextmanager
async def jupyter_server(
    home: Path, base_url: str = "/", *, is_started: bool = True, **config: Any
) -> AsyncIterator[Server]:
    """Run a server whose files are all below ``home``.

    Args:
        home: A directory of its own.
        base_url: Where it serves.
        is_started: Whether extensions are started, as Jupyter does once its loop runs.
        config: Sections of the configuration.
    """
    folders = {name: home / name for name in ("data", "runtime", "config", "root")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    sock, port = bind_unused_port()
    config.setdefault("ServerApp", {}).update(
        {
            "jpserver_extensions": {"jupyter_peer": True, "jupyter_server_terminals": False},
            "allow_unauthenticated_access": False,
            "reraise_server_extension_failures": True,
        }
    )
    config.setdefault("IdentityProvider", {}).setdefault("token", "sesame")
    app = ServerApp(
        config=Config(config),
        base_url=base_url,
        port=port,
        ip="127.0.0.1",
        open_browser=False,
        allow_root=True,
        data_dir=str(folders["data"]),
        runtime_dir=str(folders["runtime"]),
        config_dir=str(folders["config"]),
        root_dir=str(folders["root"]),
    )
    app.init_signal = lambda: None
    app.initialize(argv=[], new_httpserver=False)
    # As pytest-jupyter does it, so that tests can read the log.
    app.log.propagate = True
    app.log.handlers = []
    http = HTTPServer(app.web_app, ssl_options=_tls(app) if app.certfile else None)
    http.add_sockets([sock])
    try:
        if is_started:
            await app.extension_manager.start_all_extensions()
        yield Server(app)
    finally:
        await app._cleanup()
        http.stop()
        await http.close_all_connections()
        app.kernel_manager.context.destroy()


def _tls(app: ServerApp) -> ssl.SSLContext:
    # Jupyter's own options still name a version of TLS, which Python warns of.
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(app.certfile, app.keyfile)
    return context
