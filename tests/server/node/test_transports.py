"""Which transports the settings make, and what they tell of where the server listens."""

from __future__ import annotations

import contextlib
import socket
from types import SimpleNamespace

import pytest

from jupyter_peer.errors import BadRequestError
from jupyter_peer.server.node.transports import Transports
from jupyter_peer.server.settings.settings import PeerSettings
from jupyter_peer.transports.lan.records import Endpoint
from jupyter_peer.wire.link.identity import Identity

IDENTITY = Identity.from_seed(b"t" * 32)


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
async def made(app, signaller=None, **settings):
    """Yield the transports of some settings, not started."""
    transports = Transports(PeerSettings(**settings), app, IDENTITY, lambda: None, signaller)
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


async def test_the_names_of_a_node_are_those_of_its_machine_its_settings_and_its_browsers(
    monkeypatch,
):
    monkeypatch.setattr(socket, "gethostname", lambda: "Ada-Laptop.lab.example")
    hub = SimpleNamespace(
        addresses=lambda: [
            "wss://ada.example/peer-ws",  # as advertised, or as a browser reached it
            "ws://192.0.2.7:8888/peer-ws",
            "relay:wss://relay.example",
            "webrtc:wss://lobby.example",
        ]
    )
    app = server(local_hostnames=["localhost", "Notebooks"])
    transports = Transports(PeerSettings(), app, IDENTITY, lambda: hub, None)
    known = transports.direct.is_host_known
    for host in (
        "ada.example",
        "ada-laptop",
        "ada-laptop.local",
        "ada-laptop.lab.example",
        "notebooks",
    ):
        assert known(host)
    for host in ("relay.example", "lobby.example", "lab.example", "evil.example", ""):
        assert not known(host)
    await transports.close()


async def test_by_default_there_is_the_direct_one():
    async with made(server(base_url="/user/ada/")) as transports:
        assert names(transports) == ["direct", "relay"]
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
        assert names(transports) == ["relay"]
        assert "enable_lan has no effect" in caplog.text
        assert "peer_listen has no effect" in caplog.text


class SilentLobby:
    url = "wss://lobby.example"

    async def signal(self, to, kind, sdp): ...

    def on_signal(self, callback):
        return lambda: None


async def test_webrtc_without_a_lobby_dials_by_those_of_peers_and_is_not_dialled(caplog):
    async with made(server(), enable_webrtc=True) as transports:
        assert names(transports) == ["direct", "webrtc", "relay"]
        webrtc = transports.all[1]
        assert webrtc.addresses() == []
        assert webrtc.can_dial("webrtc:wss://lobby.example")
        for address in ("webrtc:", "webrtc:x y", "wss://lobby.example", "webrtc:" + "x" * 600):
            assert not webrtc.can_dial(address)
        assert "nobody can dial this node by WebRTC" in caplog.text


async def test_who_wants_no_lobby_uses_none_of_peers_either(caplog):
    async with made(server(), enable_webrtc=True, lobby_url="off") as transports:
        assert names(transports) == ["direct", "relay"]
        assert "lobby_url is off" in caplog.text


async def test_webrtc_is_dialled_by_the_lobby(caplog):
    settings = {"stun_servers": ["stun:h:1"], "turn_url": "turn:h:2", "turn_credential": "secret"}
    options = {"enable_webrtc": True, **settings}
    async with made(server(), signaller=SilentLobby(), **options) as transports:
        assert names(transports) == ["direct", "webrtc", "relay"]
        assert transports.all[1].addresses() == ["webrtc:wss://lobby.example"]
    assert "secret" not in caplog.text


@pytest.mark.parametrize("settings", [{"stun_servers": ["x"]}, {"turn_url": "http://h"}])
async def test_servers_for_webrtc_that_are_written_wrong_stop_the_node(settings):
    with pytest.raises(BadRequestError):
        async with made(server(), signaller=SilentLobby(), enable_webrtc=True, **settings):
            """It cannot be used."""


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
        assert names(transports) == ["direct", "lan", "relay"]
        endpoint = transports.all[1].endpoint
        if announced is None:
            assert endpoint is None
            assert "PeerExtension.peer_listen" in caplog.text
            return
        if settings.get("peer_listen") and announced.port == 0:  # a free port was chosen
            announced = Endpoint(announced.host, endpoint.port, announced.path, announced.is_tls)
        assert endpoint == announced
