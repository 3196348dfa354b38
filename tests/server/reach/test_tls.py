"""Servers that speak TLS with a certificate nobody has signed."""

from __future__ import annotations

import json
import os
import ssl

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_peer.server.control.runtime_file import runtime_file
from jupyter_peer.server.node.kernels import CERTIFICATE_VARIABLE
from tests.machine.certificates import make_certificate
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Paths of a self-signed certificate and its key."""
    return tuple(map(str, make_certificate(tmp_path_factory.mktemp("tls"))))


@pytest.fixture
def tls(certificate):
    return {"certfile": certificate[0], "keyfile": certificate[1]}


async def test_two_servers_with_tls_pair(tmp_path, tls):
    ada = jupyter_server(tmp_path / "ada", "/ada/", ServerApp=dict(tls))
    bob = jupyter_server(tmp_path / "bob", ServerApp=dict(tls))
    async with ada as ada_server, bob as bob_server:
        invite = (await ada_server.call("POST", "invite"))["invite"]
        answer = await bob_server.call("POST", "pair", {"invite": invite})
        assert answer["ok"], answer
        assert answer["peer"]["address"] == f"{ada_server.url}peer-ws".replace("https", "wss")


async def test_kernels_and_the_command_line_are_told_the_certificate(tmp_path, tls):
    async with jupyter_server(tmp_path, ServerApp=dict(tls)) as server:
        told = json.loads(runtime_file(tmp_path / "runtime", os.getpid()).read_bytes())
        assert told["certificate"] == tls["certfile"]
        assert told["url"] == server.url
        started = {}

        async def start(*, kernel_id, **kwargs):
            started.update(kwargs["env"])
            return kernel_id

        server.extension._kernels._start = start
        await server.app.kernel_manager.start_kernel()
        assert started[CERTIFICATE_VARIABLE] == tls["certfile"]
        # Pinning that file is enough, whatever name it was made for.
        pinned = ssl.create_default_context(cafile=tls["certfile"])
        pinned.check_hostname = False
        request = HTTPRequest(
            f"{told['url']}jupyter-peer/ws".replace("https", "wss"),
            headers={"Authorization": f"peer-secret {told['secret']}"},
            ssl_options=pinned,
        )
        socket = await websocket_connect(request)
        socket.close()
