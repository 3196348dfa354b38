"""Guest links behind nginx with TLS, with the example of the documentation."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from tests.machine.certificates import make_certificate
from tests.machine.waiting import until_sync
from tests.server.servers import jupyter_server
from tests.wire.by_hand import HandPeer

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
DOCS = Path(__file__).parents[3] / "docs"

pytestmark = [
    pytest.mark.usefixtures("jp_environ"),
    pytest.mark.skipif(NGINX is None, reason="no nginx on this machine"),
]


def example() -> str:
    """The location that the documentation shows."""
    (found,) = re.findall(
        r"```nginx\n(location / \{.*?\n\})", (DOCS / "guest-links.md").read_text(), re.DOTALL
    )
    return str(found)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Any]:
    """Start an nginx with TLS before a port; return its own port and a context that trusts it."""
    running: list[subprocess.Popen[bytes]] = []

    def start(port: int) -> tuple[int, ssl.SSLContext]:
        certificate, key = make_certificate(tmp_path, "localhost")
        own = free_port()
        location = example().replace("127.0.0.1:8888", f"127.0.0.1:{port}")
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\n"
            "events {}\n"
            f"http {{ access_log {tmp_path}/access.log;\n"
            f"client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;\n"
            f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
            f"server {{ listen 127.0.0.1:{own} ssl; server_name localhost;\n"
            f"ssl_certificate {certificate}; ssl_certificate_key {key};\n{location}\n}} }}\n"
        )
        assert NGINX is not None
        command = [NGINX, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)]
        running.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        until_sync(lambda: answers(own))
        return own, ssl.create_default_context(cafile=str(certificate))

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


async def test_a_guest_comes_in_through_nginx_with_tls_and_other_sites_do_not(
    tmp_path: Path, proxy: Any
) -> None:
    async with jupyter_server(tmp_path / "ada", "/user/ada/") as ada:
        ada.hub.store.put_pane("loss", "Loss", 1.0)
        port, trusting = proxy(ada.app.port)
        link = ada.hub.guests.mint("loss")
        secret = link.fragment.split(".")[1]
        place = f"localhost:{port}/user/ada"
        page = await AsyncHTTPClient().fetch(
            f"https://{place}/jupyter-peer/s/{link.id}", ssl_options=trusting, raise_error=False
        )
        # Without a built front end there is no page; nothing asks for a login either way.
        assert page.code in (200, 404)

        async def opened(origin: str) -> Any:
            request = HTTPRequest(
                f"wss://{place}/guest-ws", headers={"Origin": origin}, ssl_options=trusting
            )
            return await websocket_connect(request)

        with pytest.raises(HTTPClientError, match="403"):
            await opened("https://evil.example")
        hand = HandPeer.dialing(
            os.urandom(32), guest={"link": link.id, "secret": secret, "name": ""}, name=""
        )
        guest = await opened(f"https://localhost:{port}")
        for frame in hand.start():
            await guest.write_message(frame)
        while not hand.is_ready:
            for frame in hand.receive(await guest.read_message()):
                await guest.write_message(frame, binary=isinstance(frame, bytes))
        assert ada.hub.guests.get(hand.node_id) is not None
        guest.close()
        logs = (tmp_path / "access.log").read_text() + (tmp_path / "error.log").read_text()
        assert link.id in logs
        assert secret not in logs
