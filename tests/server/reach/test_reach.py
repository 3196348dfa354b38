"""Who can reach a node is chosen while it runs, kept, and what the configuration sets wins."""

from __future__ import annotations

import json
import socket
import stat

import pytest

from jupyter_peer.transports.webrtc import webrtc
from tests.machine.waiting import until
from tests.relay.nodes import relay
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")

HERE = "127.0.0.1"


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch):
    """The extra port is opened on loopback, and 9797 is whatever is free."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr("jupyter_peer.server.node.reach.LISTEN_HOST", HERE)
    return port


async def choose(server, code=200, **params):
    response = await server.fetch("jupyter-peer/api/reach", method="PUT", body=json.dumps(params))
    assert response.code == code, response.body
    return json.loads(response.body)


def on_port(answer):
    """The port of the extra listener, which stands before Jupyter's own."""
    return int(answer["addresses"][0].removesuffix("/peer-ws").rpartition(":")[2])


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex((HERE, port)) == 0


async def paired(inviter, guest):
    invite = (await inviter.call("POST", "invite", {"ttl_s": 60}))["invite"]
    return (await guest.call("POST", "pair", {"invite": invite}))["peer"]


def status_at(server):
    return [peer.status for peer in server.hub.peers()]


async def test_nobody_else_can_reach_a_node_before_it_is_chosen(tmp_path):
    async with jupyter_server(tmp_path) as ada:
        answer = await ada.call("GET", "reach")
    assert (answer["mode"], answer["chosen"]) == ("local", "local")
    assert (answer["relay_url"], answer["fixed_by"]) == (None, None)
    assert all(HERE in address for address in answer["addresses"])
    assert answer["checked"][0]["check"] == "reach"
    assert answer["checked"][0]["text"].startswith("Only this computer can reach you.")


async def test_a_port_is_opened_and_closed_while_the_server_runs(tmp_path, on_loopback):
    async with (
        jupyter_server(tmp_path / "ada", "/ada/") as ada,
        jupyter_server(tmp_path / "bob") as bob,
    ):
        answer = await choose(ada, mode="network", port=on_loopback)
        assert (answer["mode"], answer["fixed_by"]) == ("network", None)
        assert answer["addresses"][0] == f"ws://{HERE}:{on_loopback}/peer-ws"
        peer = await paired(ada, bob)
        assert peer["address"] == f"ws://{HERE}:{on_loopback}/peer-ws"
        assert [entry.kind for entry in ada.hub.store.audit(9)][-1] == "reach_chosen"

        answer = await choose(ada, mode="local")
        assert answer["mode"] == "local"
        assert not is_open(on_loopback)


@pytest.mark.parametrize("path", ["", "lab", "api", "jupyter-peer/api/identity", "ada/peer-ws"])
async def test_the_extra_port_serves_nothing_but_the_peer_wire(tmp_path, on_loopback, path):
    from tornado.httpclient import AsyncHTTPClient

    async with jupyter_server(tmp_path, "/ada/") as ada:
        await choose(ada, mode="network", port=on_loopback)
        url = f"http://{HERE}:{on_loopback}/"
        answer = await AsyncHTTPClient().fetch(url + path, raise_error=False, headers=ada.headers)
        assert (answer.code, answer.body) == (404, b"")
        upgrade = await AsyncHTTPClient().fetch(url + "peer-ws", raise_error=False)
        assert upgrade.code == 426


async def test_a_link_by_another_way_survives_the_switch_and_one_by_the_closed_port_ends(
    tmp_path, on_loopback
):
    async with (
        jupyter_server(tmp_path / "ada") as ada,
        jupyter_server(tmp_path / "bob") as bob,
        jupyter_server(tmp_path / "eve") as eve,
    ):
        assert (await paired(ada, bob))["address"].endswith(f":{ada.app.port}/peer-ws")
        await choose(ada, mode="network", port=on_loopback)
        assert (await paired(ada, eve))["address"].endswith(f":{on_loopback}/peer-ws")
        links = {peer.node_id: peer.since for peer in ada.hub.peers()}
        ended = []
        ada.hub.subscribe(lambda event: ended.append(event) if event.kind == "link_down" else None)
        await choose(ada, mode="local")
        assert [event.node_id for event in ended] == [eve.hub.node_id]
        kept = ada.hub.peer(bob.hub.node_id)
        assert (kept.status, kept.since) == ("connected", links[bob.hub.node_id])


async def test_the_choice_and_its_port_are_kept_over_a_restart(tmp_path, on_loopback):
    async with jupyter_server(tmp_path) as ada:
        await choose(ada, mode="network", port=on_loopback)
        file = ada.hub.store.path
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not is_open(on_loopback)
    async with jupyter_server(tmp_path) as ada:
        answer = await ada.call("GET", "reach")
        assert (answer["mode"], answer["chosen"]) == ("network", "network")
        assert on_port(answer) == on_loopback
        assert is_open(on_loopback)


async def test_a_kept_port_that_is_in_use_gives_way_to_a_free_one(tmp_path, on_loopback):
    async with jupyter_server(tmp_path) as ada:
        await choose(ada, mode="network", port=on_loopback)
    with socket.create_server((HERE, on_loopback)):
        async with jupyter_server(tmp_path) as ada:
            answer = await ada.call("GET", "reach")
            assert answer["mode"] == "network"
            assert on_port(answer) != on_loopback


async def test_a_relay_is_registered_with_and_left_while_the_server_runs(tmp_path):
    direct = {"enable_direct": False}
    async with (
        relay() as url,
        jupyter_server(tmp_path / "ada", PeerExtension=direct) as ada,
        jupyter_server(tmp_path / "bob", PeerExtension=direct) as bob,
    ):
        answer = await choose(ada, mode="relay", relay_url=url)
        assert (answer["mode"], answer["relay_url"], answer["fixed_by"]) == ("relay", url, None)
        assert f"relay:{url}" in answer["addresses"]
        assert answer["checked"][0]["text"] == f"Peers anywhere can reach you over the relay {url}."
        assert (await ada.call("GET", "lobby"))["url"] == url
        assert (await paired(ada, bob))["transport"] == "relay"

        answer = await choose(ada, mode="local")
        assert (answer["mode"], answer["relay_url"], answer["addresses"]) == ("local", None, [])
        assert (await ada.call("GET", "lobby"))["url"] is None
        await until(lambda: status_at(ada) == ["offline"])

        assert (await choose(ada, mode="relay"))["relay_url"] == url
        await until(lambda: status_at(ada) == status_at(bob) == ["connected"])


async def test_a_relay_that_does_not_answer_is_kept_and_said(tmp_path):
    async with jupyter_server(tmp_path) as ada:
        answer = await choose(ada, mode="relay", relay_url=f"ws://{HERE}:9")
        assert answer["mode"] == "relay"
        assert answer["checked"][0]["status"] == "failed"
        assert answer["checked"][0]["hint"]


async def test_webrtc_is_switched_on_and_off_by_the_lobby_of_a_relay(tmp_path):
    pytest.importorskip("aiortc")
    async with relay() as url, jupyter_server(tmp_path) as ada:
        answer = await choose(ada, mode="webrtc", relay_url=url)
        assert (answer["mode"], answer["relay_url"]) == ("webrtc", url)
        assert f"webrtc:{url}" in answer["addresses"]
        assert answer["checked"][0]["text"] == f"Peers anywhere can reach you by WebRTC, at {url}."
        lobby = ada.extension.context.running.operations.lobby.client
        await until(lambda: lobby.status == "connected")

        answer = await choose(ada, mode="relay")
        assert answer["mode"] == "relay"
        assert f"webrtc:{url}" not in answer["addresses"]
        assert ada.extension.context.running.operations.lobby.client is lobby


@pytest.mark.parametrize(
    ("settings", "wanted", "mode", "fixed_by"),
    [
        ({"relay_url": "ws://127.0.0.1:9"}, "local", "relay", "relay_url"),
        ({"relay_url": "ws://127.0.0.1:9"}, "network", "relay", "relay_url"),
        ({"relay_url": ""}, "relay", "local", "relay_url"),
        ({"peer_listen": ""}, "network", "local", "peer_listen"),
        ({"enable_direct": False}, "network", "local", "enable_direct"),
        ({"enable_webrtc": False}, "webrtc", "local", "enable_webrtc"),
    ],
)
async def test_what_the_configuration_sets_wins_and_is_named(
    tmp_path, settings, wanted, mode, fixed_by
):
    async with jupyter_server(tmp_path, PeerExtension=settings) as ada:
        url = {"relay_url": "ws://127.0.0.1:7"} if wanted == "relay" else {}
        answer = await choose(ada, mode=wanted, **url)
        assert (answer["mode"], answer["fixed_by"], answer["chosen"]) == (mode, fixed_by, wanted)
        assert f"PeerExtension.{fixed_by}" in answer["checked"][0]["text"]
        assert answer["checked"][0]["hint"]


@pytest.mark.parametrize(
    ("settings", "locked"),
    [
        ({}, {}),
        ({"relay_url": "ws://127.0.0.1:9"}, {"local": "relay_url", "network": "relay_url"}),
        ({"relay_url": ""}, {"relay": "relay_url"}),
        ({"peer_listen": "0.0.0.0:0"}, {"local": "peer_listen"}),
        ({"peer_listen": "127.0.0.1:0"}, {"network": "peer_listen"}),
        ({"enable_direct": False}, {"network": "enable_direct"}),
        ({"enable_webrtc": False}, {"webrtc": "enable_webrtc"}),
        ({"lobby_url": "off"}, {"webrtc": "lobby_url"}),
    ],
)
async def test_the_choices_that_the_configuration_forbids_are_named(tmp_path, settings, locked):
    async with jupyter_server(tmp_path, PeerExtension=settings) as ada:
        assert (await ada.call("GET", "reach"))["locked"] == locked


async def test_every_page_hears_of_a_choice(tmp_path, on_loopback):
    async with jupyter_server(tmp_path) as ada:
        page = await ada.control()
        await choose(ada, mode="network", port=on_loopback)
        await until(lambda: page.named("reach"))
        await page.close()


async def test_a_trait_that_agrees_with_the_choice_is_named_too(tmp_path):
    settings = {"peer_listen": "0.0.0.0:0"}
    async with jupyter_server(tmp_path, PeerExtension=settings) as ada:
        answer = await ada.call("GET", "reach")
        assert (answer["mode"], answer["chosen"]) == ("network", "local")
        assert answer["fixed_by"] == "peer_listen"


@pytest.mark.parametrize(
    ("params", "error", "hint"),
    [
        ({"mode": "everybody"}, "bad_request", "local, network, relay or webrtc"),
        ({}, "bad_request", "mode"),
        ({"mode": "relay"}, "bad_request", "%peer reach relay wss://relay.example"),
        ({"mode": "webrtc"}, "bad_request", "%peer reach webrtc wss://relay.example"),
        ({"mode": "relay", "relay_url": "ftp://x"}, "bad_address", "wss://relay.example"),
        ({"mode": "network", "relay_url": "ws://x"}, "bad_request", "leave the URL out"),
        ({"mode": "network", "port": 0}, "bad_request", "port"),
    ],
)
async def test_a_choice_that_cannot_be_is_refused_and_changes_nothing(
    tmp_path, params, error, hint
):
    async with jupyter_server(tmp_path) as ada:
        before = await ada.call("GET", "reach")
        refused = await choose(ada, 400, **params)
        assert refused["code"] == error
        assert hint in refused["hint"]
        assert await ada.call("GET", "reach") == before
        assert ada.hub.store.setting("reach") is None


async def test_a_port_that_another_program_has_is_refused_and_the_former_reach_stays(
    tmp_path, on_loopback
):
    async with jupyter_server(tmp_path) as ada:
        await choose(ada, mode="network", port=on_loopback)
        with socket.create_server((HERE, 0)) as other:
            taken = other.getsockname()[1]
            refused = await choose(ada, 400, mode="network", port=taken)
        assert refused["code"] == "bad_request"
        assert str(taken) in refused["message"]
        assert "free port" in refused["hint"]
        answer = await ada.call("GET", "reach")
        assert (answer["mode"], on_port(answer)) == ("network", on_loopback)
        assert is_open(on_loopback)


async def test_webrtc_without_its_packages_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(webrtc.importlib.util, "find_spec", lambda name: None)
    async with jupyter_server(tmp_path) as ada:
        refused = await choose(ada, 403, mode="webrtc", relay_url="ws://127.0.0.1:9")
        assert refused["code"] == "not_enabled"
        assert "pip install" in refused["hint"]
        assert (await ada.call("GET", "reach"))["relay_url"] is None


async def test_a_kept_choice_that_is_no_longer_possible_leaves_the_node_local_and_is_said(
    tmp_path, monkeypatch
):
    pytest.importorskip("aiortc")
    async with relay() as url, jupyter_server(tmp_path) as ada:
        await choose(ada, mode="webrtc", relay_url=url)
    monkeypatch.setattr(webrtc.importlib.util, "find_spec", lambda name: None)
    async with jupyter_server(tmp_path) as ada:
        answer = await ada.call("GET", "reach")
        assert (answer["mode"], answer["chosen"], answer["relay_url"]) == ("local", "webrtc", None)
        assert answer["checked"][0]["status"] == "failed"
        assert "pip install" in answer["checked"][0]["hint"]
        assert (await choose(ada, mode="local"))["checked"][0]["check"] == "reach"


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"mode":"everybody"}', '{"mode":5}'])
async def test_a_kept_choice_that_cannot_be_read_opens_nothing(tmp_path, kept):
    async with jupyter_server(tmp_path) as ada:
        ada.hub.store.set_setting("reach", kept)
    async with jupyter_server(tmp_path) as ada:
        assert (await ada.call("GET", "reach"))["mode"] == "local"


@pytest.mark.parametrize(
    ("settings", "local_only"),
    [
        ({}, True),
        ({"enable_direct": False}, True),
        ({"relay_url": "ws://127.0.0.1:9"}, True),
        ({"relay_url": "wss://relay.example"}, False),
        ({"lobby_url": "wss://relay.example"}, True),
        ({"advertised_addresses": ["ada.example:9797"]}, False),
    ],
)
async def test_an_invite_that_works_on_this_machine_alone_is_marked(tmp_path, settings, local_only):
    async with jupyter_server(tmp_path, PeerExtension=settings) as ada:
        assert (await ada.call("POST", "invite", {}))["local_only"] is local_only
