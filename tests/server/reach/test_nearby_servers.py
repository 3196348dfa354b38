"""Real Jupyter servers that find each other by mDNS, on loopback."""

from __future__ import annotations

from contextlib import AsyncExitStack

import ifaddr
import pytest

from tests.directory.office import OFFICE, member_of, signed
from tests.machine.waiting import until
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ", "loopback_alone")

FOUND_S = 15.0


@pytest.fixture
def loopback_alone(monkeypatch):
    """Let no other machine hear of this."""
    every = ifaddr.get_adapters()
    near = [adapter for adapter in every if any(at.ip == "127.0.0.1" for at in adapter.ips)]
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: near)


def lan(name: str, **settings):
    return {"node_name": name, "enable_lan": True, **settings}


async def test_servers_nearby_are_listed_and_connect_once_they_have_paired(tmp_path):
    ada = jupyter_server(tmp_path / "ada", "/ada/", PeerExtension=lan("ada"))
    bob = jupyter_server(tmp_path / "bob", PeerExtension=lan("bob"))
    async with ada as ada_server, bob as bob_server:
        hubs = ada_server.hub, bob_server.hub
        ids = {hub.node_id for hub in hubs}
        for hub in hubs:
            await until(lambda hub=hub: ids & {node.node_id for node in hub.found_nodes()}, FOUND_S)
        seen = [
            node
            for node in (await ada_server.call("GET", "peers"))["found"]
            if node["node_id"] in ids
        ]
        assert [(node["node_name"], node["source"]) for node in seen] == [("bob", "lan")]
        (where,) = seen[0]["addresses"]
        assert where.startswith("lan:ws://127.0.0.1:")
        assert (await ada_server.call("GET", "peers"))["peers"] == []
        invite = (await bob_server.call("POST", "invite"))["invite"]
        await ada_server.call("POST", "pair", {"invite": invite})
        # each calls it what it is, and looks for nothing better
        for server in (ada_server, bob_server):
            await until(
                lambda server=server: [peer.transport for peer in server.hub.peers()] == ["lan"],
                FOUND_S,
            )
        found = (await ada_server.call("GET", "peers"))["found"]
        assert not ids & {node["node_id"] for node in found}


async def test_under_open_lan_they_connect_by_themselves(tmp_path, caplog):
    settings = {"trust_mode": "open-lan"}
    ada = jupyter_server(tmp_path / "ada", "/ada/", PeerExtension=lan("ada", **settings))
    bob = jupyter_server(tmp_path / "bob", PeerExtension=lan("bob", **settings))
    async with ada as ada_server, bob as bob_server:
        for hub, other in (
            (ada_server.hub, bob_server.hub),
            (bob_server.hub, ada_server.hub),
        ):
            await until(
                lambda hub=hub, other=other: (
                    [
                        peer.trusted
                        for peer in hub.peers()
                        if peer.node_id == other.node_id and peer.status == "connected"
                    ]
                    == [False]
                ),
                FOUND_S,
            )
    assert "open-lan" in caplog.text


async def test_members_of_a_directory_connect_by_themselves_and_others_stay_listed(tmp_path):
    file = tmp_path / "directory.json"
    file.write_bytes(signed(1, expires=4e9))
    settings = {
        "trust_mode": "directory",
        "directory_url": file.as_uri(),
        "directory_key": OFFICE.public_key_b64,
        "directory_refresh_s": 1.0,
    }
    names = ("ada", "bob", "eve")
    async with AsyncExitStack() as stack:
        ada, bob, eve = [
            await stack.enter_async_context(
                jupyter_server(tmp_path / name, PeerExtension=lan(name, **settings))
            )
            for name in names
        ]
        for hub in (ada.hub, bob.hub):
            await until(lambda hub=hub: eve.hub.node_id in _found(hub), FOUND_S)
        listed = [member_of(each.hub.identity) for each in (ada, bob)]
        file.write_bytes(signed(2, *listed, expires=4e9))
        for one, other in ((ada, bob), (bob, ada)):
            await until(
                lambda one=one, other=other: (
                    [(peer.node_id, peer.status, peer.origin) for peer in one.hub.peers()]
                    == [(other.hub.node_id, "connected", "directory")]
                ),
                FOUND_S,
            )
        assert eve.hub.node_id in _found(ada.hub)


def _found(hub):
    return {node.node_id for node in hub.found_nodes()}
