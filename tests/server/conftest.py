"""A real Jupyter server in this process, with the extension and nothing allowed without a login."""

from __future__ import annotations

import json

import pytest

from tests.server.control.control_client import connect

API = "jupyter-peer/api"


@pytest.fixture
def peer_config():
    """Settings of the extension; tests override this."""
    return {}


@pytest.fixture
def jp_server_config(peer_config):
    return {
        "ServerApp": {
            "jpserver_extensions": {"jupyter_peer": True, "jupyter_server_terminals": False},
            "allow_unauthenticated_access": False,
            "reraise_server_extension_failures": True,
        },
        "PeerExtension": {"node_name": "ada", **peer_config},
    }


@pytest.fixture
def extension(jp_serverapp):
    """The extension of the server."""
    return jp_serverapp.web_app.settings["jupyter_peer"]


class Answer:
    """Status and JSON of an answer."""

    def __init__(self, response) -> None:
        self.code = response.code
        self.headers = response.headers
        self.body = response.body
        self.json = json.loads(response.body) if response.body else None

    def __repr__(self) -> str:
        return f"<{self.code} {self.body[:300]!r}>"


@pytest.fixture
def call(jp_serverapp, jp_fetch):
    """Call a REST route and return its answer, whatever the status."""

    async def call(method, path, body=None, **kwargs):
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        response = await jp_fetch(
            API,
            path,
            method=method,
            body=body,
            allow_nonstandard_methods=True,
            raise_error=False,
            **kwargs,
        )
        return Answer(response)

    return call


@pytest.fixture
def ws_url(jp_serverapp, jp_http_port, jp_base_url):
    """URL of the control socket."""
    return f"ws://127.0.0.1:{jp_http_port}{jp_base_url}jupyter-peer/ws"


@pytest.fixture
def open_control(http_server_client, ws_url, jp_auth_header, jp_asyncio_loop):
    """Open a control connection, by default with the server's token; closed after the test."""
    clients = []

    async def open_control(headers=None, url=ws_url):
        client = await connect(url, jp_auth_header if headers is None else headers)
        clients.append(client)
        return client

    yield open_control
    for client in clients:
        jp_asyncio_loop.run_until_complete(client.close())
