"""A Jupyter behind the proxies of ``docs/proxies.md``, as that page writes them, with TLS."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_peer.transports.direct.direct import DirectTransport
from tests.e2e.people import Person
from tests.machine.certificates import make_certificate
from tests.machine.needs import needs_program
from tests.machine.waiting import until_sync

PAGE = (Path(__file__).parents[2] / "docs" / "proxies.md").read_text(encoding="utf-8")
HOST = "jupyter.example"


def example(kind):
    (text,) = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return text


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def nginx(folder, text, port):
    """Return the command that runs nginx with a server of the page."""
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
    paths = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if Path("/root").owner() == "root" else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; {user} pid {folder}/pid; error_log {folder}/log;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{text} }}\n"
    )
    return [needs_program("nginx"), "-e", f"{folder}/log", "-c", f"{folder}/nginx.conf"]


def caddy(folder, text, port):
    """Return the command that runs Caddy with a site of the page."""
    text = text.replace(HOST, f"https://{HOST}:{port}, https://127.0.0.1:{port}")
    options = f"{{\n admin off\n auto_https disable_redirects\n default_bind 127.0.0.1\n storage file_system {folder}\n}}\n"
    (folder / "Caddyfile").write_text(options + text)
    return [
        needs_program("caddy"),
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        f"{folder}/Caddyfile",
    ]


@contextlib.contextmanager
def proxied(command, folder, port):
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:

        def answers():
            assert process.poll() is None, (folder / "output").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        until_sync(answers, 20, "the proxy")
        yield
    finally:
        process.terminate()
        process.wait(10)


async def refuse(link):
    raise AssertionError("nobody dials this side")


@pytest.fixture(scope="module")
def ada(tmp_path_factory):
    remote = ("--ServerApp.allow_remote_access=True",)
    person = Person(tmp_path_factory.mktemp("ada"), "ada", options=remote)
    yield person
    person.stop()


@pytest.mark.parametrize(("kind", "run"), [("nginx", nginx), ("caddy", caddy)])
async def test_peers_come_as_browsers_do_and_the_check_does_not_contradict_itself(
    ada, kind, run, tmp_path
):
    port = free_port()
    certificate, key = make_certificate(tmp_path, HOST)
    behind = ada.url.partition("//")[2].partition("/")[0]
    text = (
        example(kind)
        .replace("127.0.0.1:8888", behind)
        .replace("/etc/ssl/jupyter.pem", str(certificate))
        .replace("/etc/ssl/jupyter-key.pem", str(key))
    )
    with proxied(run(tmp_path, text, port), tmp_path, port):
        # A browser opens JupyterLab's socket by the name of the proxy.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        browser = HTTPRequest(
            f"wss://127.0.0.1:{port}/ada/jupyter-peer/ws",
            headers={
                **ada.authorization(),
                "Host": f"{HOST}:{port}",
                "Origin": f"https://{HOST}:{port}",
            },
            ssl_options=context,
        )
        page = await websocket_connect(browser)
        await page.write_message(json.dumps({"id": 1, "op": "identity", "params": {}}))
        assert json.loads(await page.read_message())["result"]["node_name"] == "ada"
        page.close()
        address = f"wss://{HOST}:{port}/ada/peer-ws"
        assert address in ada.peer_call("GET", "identity")["addresses"]
        findings = ada.peer_call("GET", "doctor")["findings"]
        assert {each["check"]: each["status"] for each in findings}["peer-listen"] == "skipped"
        assert "A proxy with TLS is in front" in str(findings)
        # A peer's WebSocket passes too, whoever signed the certificate: the handshake proves the node.
        transport = DirectTransport()
        await transport.start(refuse)
        link = await transport.dial(f"wss://127.0.0.1:{port}/ada/peer-ws", ada.server.node_id)
        assert not link.is_closed
        await link.close()
        await transport.close()
