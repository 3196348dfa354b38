"""The doctor through every door of real servers."""

from __future__ import annotations

import asyncio
import http.client
import os
from urllib.parse import urlsplit

import pytest
from tornado.testing import bind_unused_port

from jupyter_peer.commands.disabled_servers import JupyterServer, ask_why
from jupyter_peer.errors import BadRequestError
from jupyter_peer.relay.program import Options, serving
from tests.doctor.stun_servers import seen_as, stun_servers
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")


async def findings_of(server, path="doctor"):
    return (await server.call("GET", path))["findings"]


def only(findings, check):
    return [finding for finding in findings if finding["check"] == check]


async def test_a_server_on_loopback_is_told_what_that_means(tmp_path):
    async with jupyter_server(tmp_path, "/ada/") as server:
        result = await server.call("GET", "doctor")
        assert result["peer"] is None
        assert result["took_s"] < 12
        findings = result["findings"]
        assert not [f for f in findings if f["status"] == "failed" and f["check"] != "sidebar"]
        [listen] = only(findings, "peer-listen")
        assert listen["status"] == "warning"
        probed = only(findings, "address")[0]
        assert probed["status"] == "ok"
        assert probed["subject"] == f"{server.url}peer-ws".replace("http", "ws", 1)


async def test_a_second_port_is_dialled_as_well(tmp_path):
    config = {"peer_listen": "0.0.0.0:0"}
    async with jupyter_server(tmp_path, PeerExtension=config) as server:
        findings = await findings_of(server)
        assert only(findings, "peer-listen")[0]["status"] == "ok"
        probed = only(findings, "address")
        assert len(probed) >= 2
        assert {finding["status"] for finding in probed} <= {"ok", "warning"}


async def test_wrong_addresses_are_told_apart(tmp_path):
    sock, port = bind_unused_port()
    sock.close()
    async with jupyter_server(tmp_path / "b", "/bob/") as bob:
        elsewhere = f"{bob.url}peer-ws"
        config = {
            "advertised_addresses": [
                f"127.0.0.1:{port}",
                elsewhere,
                f"127.0.0.1:{bob.app.port}",
            ]
        }
        async with jupyter_server(tmp_path / "a", "/ada/", PeerExtension=config) as ada:
            closed, other, no_path, own = only(await findings_of(ada), "address")[:4]
            assert "cannot be dialled: connection refused" in closed["text"]
            assert "Another node answers" in other["text"]
            assert "no peer wire at this path" in no_path["text"]
            assert own["status"] == "ok"
            base = only(await findings_of(ada), "base-url")
            assert [finding["status"] for finding in base] == ["warning"] * 3


async def test_a_peer_is_examined_by_any_of_its_names(tmp_path):
    a = jupyter_server(tmp_path / "a", PeerExtension={"node_name": "ada"})
    b = jupyter_server(tmp_path / "b", PeerExtension={"node_name": "bob"})
    async with a as ada, b as bob:
        invite = (await ada.call("POST", "invite", {}))["invite"]
        assert (await bob.call("POST", "pair", {"invite": invite}))["ok"]
        result = await bob.call("GET", "doctor?peer=ada")
        assert result["peer"]["node_id"] == ada.hub.node_id
        link, path = (only(result["findings"], check)[0] for check in ("link", "path"))
        assert link["status"] == path["status"] == "ok"
        assert link["data"]["transport"] == "direct"
        [speed] = only(result["findings"], "speed")
        assert speed["status"] == "ok"
        assert speed["data"]["bytes_s"] > 0
        answer = await bob.fetch("jupyter-peer/api/doctor?peer=nobody")
        assert answer.code == 404
        clock = only(await findings_of(bob), "clock")
        assert clock[0]["status"] == "ok"
        client = await bob.control()
        asked = await client.ask("doctor", peer="ada")
        assert {f["check"] for f in asked["findings"]} == {"trust", "link", "speed", "path"}
        assert only((await client.ask("doctor"))["findings"], "peers")
        await client.close()


async def test_what_a_caller_sends_is_refused_when_it_does_not_fit(tmp_path):
    async with jupyter_server(tmp_path) as server:
        for query in ("peer=" + "x" * 300, "peer=%ff"):
            answer = await server.fetch(f"jupyter-peer/api/doctor?{query}")
            assert 400 <= answer.code < 500
        client = await server.control()
        for peer in (7, "", ["ada"]):
            with pytest.raises(BadRequestError):
                await client.ask("doctor", peer=peer)
        await client.close()


async def test_the_doctor_asks_for_a_login(tmp_path):
    async with jupyter_server(tmp_path) as server:
        server.headers = {}
        assert (await server.fetch("jupyter-peer/api/doctor")).code == 403


async def test_open_lan_and_a_second_directory_are_warned_of(tmp_path):
    shared = {"data_dir": str(tmp_path / "shared")}
    first = jupyter_server(tmp_path / "a", PeerExtension=dict(shared))
    second = jupyter_server(tmp_path / "b", PeerExtension={**shared, "trust_mode": "open-lan"})
    async with first, second as bob:
        findings = await findings_of(bob)
        assert only(findings, "trust")[0]["status"] == "warning"
        assert "shared-2" in str(only(findings, "data-dir"))


async def test_the_kind_of_nat_is_told(tmp_path):
    answers = seen_as("203.0.113.9", 1), seen_as("203.0.113.9", 2)
    async with stun_servers(*answers) as servers:
        config = {"stun_servers": servers}
        async with jupyter_server(tmp_path, PeerExtension=config) as server:
            [finding] = only(await findings_of(server), "nat")
            assert finding["data"]["kind"] == "symmetric"


async def test_a_directory_out_of_reach_is_told(tmp_path):
    config = {
        "trust_mode": "directory",
        "directory_url": f"file://{tmp_path}/missing.json",
        "directory_key": "OSpF7OVtqslNqhL6qqdlSrL6QguFb8AT5D16a7fSqZo=",
    }
    async with jupyter_server(tmp_path, PeerExtension=config) as server:
        [finding] = only(await findings_of(server), "directory")
        assert finding["status"] == "failed"
        assert "never received" in finding["text"]


async def _upgrade(url, host):
    """Return the status of a WebSocket upgrade at a URL under a foreign host name."""
    parts = urlsplit(url)

    def ask():
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
        try:
            connection.putrequest("GET", parts.path, skip_host=True)
            for name, value in {
                "Host": host,
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
                "Sec-WebSocket-Version": "13",
            }.items():
                connection.putheader(name, value)
            connection.endheaders()
            return connection.getresponse().status
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def test_neither_peers_nor_browsers_may_call_it_by_a_foreign_name(tmp_path):
    async with jupyter_server(tmp_path) as server:
        assert await _upgrade(f"{server.url}peer-ws", "localhost") == 101
        assert await _upgrade(f"{server.url}peer-ws", "foreign.example") == 421
        assert await _upgrade(f"{server.url}api/status", "foreign.example") == 403


async def test_a_node_that_could_not_start_says_why_to_the_command_line(tmp_path):
    (tmp_path / "taken").write_text("no directory")
    config = {"data_dir": str(tmp_path / "taken/peer")}
    async with jupyter_server(tmp_path / "a", "/ada/", PeerExtension=config) as server:
        known = JupyterServer(server.url, os.getpid(), "sesame")
        finding = await asyncio.to_thread(ask_why, known)
        assert finding.data == {"code": "data_dir"}
        assert "its node could not start: the data directory" in finding.text
        assert "sesame" not in repr(known)
        stranger = await asyncio.to_thread(ask_why, JupyterServer(server.url, os.getpid(), "x"))
        assert "asks for a login" in stranger.text


async def test_a_relay_and_a_lobby_that_work_are_told(tmp_path):
    async with serving(Options(port=0)) as [url]:
        config = {"relay_url": url, "lobby_url": url}
        async with jupyter_server(tmp_path, PeerExtension=config) as server:
            findings = await findings_of(server)
            for check in ("relay", "lobby", "clock"):
                [finding] = only(findings, check)
                assert finding["status"] == "ok", finding
            assert "relay" in only(findings, "clock")[0]["text"]
            # reached by the relay, so loopback alone is no trouble
            assert only(findings, "peer-listen")[0]["status"] == "skipped"
            assert [f["status"] for f in only(findings, "address")] == ["ok"]


async def test_a_relay_and_a_lobby_out_of_reach_are_told(tmp_path):
    sock, port = bind_unused_port()
    sock.close()
    url = f"ws://127.0.0.1:{port}"
    config = {"relay_url": url, "lobby_url": url}
    async with jupyter_server(tmp_path, PeerExtension=config) as server:
        findings = await findings_of(server)
        for check in ("relay", "lobby"):
            [finding] = only(findings, check)
            assert finding["status"] == "failed", finding
            assert "refused" in finding["text"]
            assert finding["hint"]
        assert only(findings, "clock")[0]["status"] == "skipped"


async def test_a_peer_behind_a_relay_is_tried_by_it(tmp_path):
    async with serving(Options(port=0)) as [url]:
        config = {"relay_url": url, "enable_direct": False}
        a = jupyter_server(tmp_path / "a", PeerExtension={**config, "node_name": "ada"})
        b = jupyter_server(tmp_path / "b", PeerExtension={**config, "node_name": "bob"})
        async with a as ada, b as bob:
            invite = (await ada.call("POST", "invite", {}))["invite"]
            assert (await bob.call("POST", "pair", {"invite": invite}))["ok"]
            findings = await findings_of(bob, "doctor?peer=ada")
            [link] = only(findings, "link")
            assert link["data"]["transport"] == "relay"
            [path] = only(findings, "path")
            assert (path["status"], path["data"]["transport"]) == ("ok", "relay")
            [off] = only(await findings_of(bob), "address")
            assert off["status"] == "skipped"


async def test_webrtc_without_a_lobby_of_ones_own_works_one_way_and_that_is_told(tmp_path):
    async with jupyter_server(tmp_path, PeerExtension={"enable_webrtc": True}) as server:
        lobby, stun = only(await findings_of(server), "webrtc")
        assert (lobby["status"], stun["status"]) == ("warning", "warning")
        assert "lobby_url" in lobby["hint"]
        assert "stun_servers" in stun["hint"]
