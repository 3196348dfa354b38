"""Which transports the settings make, and what they tell of where the server listens."""

from __future__ import annotations

import contextlib
import socket
from types import SimpleNamespace

import pytest

from jupyter_peer.server.settings import PeerSettings
from jupyter_peer.server.transports import Transports
from jupyter_peer.transports.lan_records import Endpoint

NODE = "a2" * 8


def server(ip="localhost", base_url="/", **options):
    return SimpleNamespace(
        **{
            "ip": ip,
            "port": 8888,
            "base_url": base_url,
            "sock": "",
            "ssl_options": None,
            "certfile": "",
            **options,
        }
    )


@contextlib.asynccontextmanager
async def made(app, **settings):
    """Yield the transports of some settings, not started."""
    transports = Transports(PeerSettings(**settings), app, NODE, lambda: None)
    try:
        yield transports
    finally:
        await transports.close()


def look_up(host: str) -> str:
    """Look a name up as the system does, and ask no network."""
    if host == "localhost":
        return "127.0.0.1"
    if host.replace(".", "").isdigit():
        return host
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def names(transports: Transports) -> list[str]:
    return [transport.name for transport in transports.all]


async def test_by_default_there_is_the_direct_one():
    async with made(server(base_url="/user/ada/")) as transports:
        assert names(transports) == ["direct"]
        assert transports.direct.addresses() == ["ws://localhost:8888/user/ada/peer-ws"]


async def test_the_extra_listener_comes_first_and_serves_no_base_url():
    async with made(server(base_url="/ada/"), peer_listen="127.0.0.1:0") as transports:
        first, second = transports.direct.addresses()
        assert first.startswith("ws://127.0.0.1:")
        assert first.endswith("/peer-ws")
        assert "/ada/" not in first
        assert second == "ws://localhost:8888/ada/peer-ws"


async def test_a_server_with_a_certificate_is_dialled_by_tls():
    async with made(server(certfile="/cert.pem")) as transports:
        assert transports.direct.addresses() == ["wss://localhost:8888/peer-ws"]


async def test_what_needs_the_direct_transport_is_off_without_it(caplog):
    async with made(
        server(), enable_direct=False, enable_lan=True, peer_listen="127.0.0.1:0"
    ) as transports:
        assert transports.all == []
        assert "enable_lan has no effect" in caplog.text
        assert "peer_listen has no effect" in caplog.text


@pytest.mark.parametrize(
    ("app", "settings", "announced"),
    [
        (server(), {}, Endpoint("127.0.0.1", 8888, "/peer-ws")),
        (server("0.0.0.0", "/a%40b/"), {}, Endpoint("0.0.0.0", 8888, "/a%40b/peer-ws")),
        (server("", certfile="x"), {}, Endpoint("", 8888, "/peer-ws", is_tls=True)),
        (server("::1"), {"peer_listen": "0.0.0.0:0"}, Endpoint("0.0.0.0", 0, "/peer-ws")),
        (server("0.0.0.0"), {"peer_listen": "127.0.0.1:0"}, Endpoint("0.0.0.0", 8888)),
        (server("0.0.0.0"), {"peer_listen": "0.0.0.0:0"}, Endpoint("0.0.0.0", 0)),
        (server("", sock="/run/jupyter.sock"), {}, None),
        (server("no.such.host.invalid"), {}, None),
        (server("0.0.0.0", "/" + "x" * 300 + "/"), {}, None),
    ],
)
async def test_the_network_is_told_of_the_listener_that_most_can_reach(
    app, settings, announced, caplog, monkeypatch
):
    monkeypatch.setattr(socket, "gethostbyname", look_up)
    async with made(app, enable_lan=True, **settings) as transports:
        assert names(transports) == ["direct", "lan"]
        endpoint = transports.all[1]._endpoint
        if announced is None:
            assert endpoint is None
            assert "PeerExtension.peer_listen" in caplog.text
            return
        if settings.get("peer_listen") and announced.port == 0:  # a free port was chosen
            announced = Endpoint(announced.host, endpoint.port, announced.path, announced.is_tls)
        assert endpoint == announced
