"""A Jupyter behind the proxies of ``docs/proxies.md``, as that page writes them, with TLS."""

from __future__ import annotations

import json
import ssl

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_peer.transports.direct.direct import DirectTransport
from tests.e2e.people import Person
from tests.machine.proxies import HOST, PROXIES, proxied


async def refuse(link):
    raise AssertionError("nobody dials this side")


@pytest.fixture(scope="module")
def ada(tmp_path_factory):
    remote = ("--ServerApp.allow_remote_access=True",)
    person = Person(tmp_path_factory.mktemp("ada"), "ada", options=remote)
    yield person
    person.stop()


@pytest.mark.parametrize("kind", PROXIES)
async def test_peers_come_as_browsers_do_and_the_check_does_not_contradict_itself(
    ada, kind, tmp_path
):
    behind = ada.url.partition("//")[2].partition("/")[0]
    with proxied(kind, tmp_path, behind) as port:
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
