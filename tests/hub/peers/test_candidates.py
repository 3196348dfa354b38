"""Nodes found by discovery: who is listed, who is dialled, and what a flood of them does."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import NotTrustedError, UnknownPeerError
from jupyter_peer.hub.peers.candidates import MAX_FOUND, MAX_FOUND_ADDRESSES, Candidates
from jupyter_peer.trust.base import CombinedPolicy
from jupyter_peer.trust.invites import InvitePolicy
from jupyter_peer.trust.open_lan import OpenLanPolicy
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackNetwork

OWN = "a" * 16


def id_of(number: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return letters[number // 26 % 26] + letters[number % 26] + letters[number // 676] + "b" * 13


def address_of(hub) -> str:
    return hub.transports[0].addresses()[0]


# What is kept of what was found.


def test_a_node_is_listed_once_a_source_and_its_addresses_are_merged():
    found = Candidates(OWN, lambda node_id: False)
    assert found.put("lan", id_of(1), "bob", ["lan:x", "lan:x", "lan:y"])
    assert found.put("lobby", id_of(1), "bob", ["ws://z", "lan:x"])
    assert not found.put("lobby", id_of(1), "bob", ["ws://z", "lan:x"])
    assert [(node.source, node.node_name) for node in found.all()] == [
        ("lan", "bob"),
        ("lobby", "bob"),
    ]
    assert found.addresses(id_of(1)) == ["lan:x", "lan:y", "ws://z"]
    assert found.addresses(id_of(1), lambda source: source == "lobby") == ["ws://z", "lan:x"]
    assert found.drop("lan", id_of(1))
    assert not found.drop("lan", id_of(1))
    assert found.addresses(id_of(1)) == ["ws://z", "lan:x"]
    assert found.addresses(id_of(2)) == []


def test_what_is_no_node_and_what_is_no_address_is_left_out():
    found = Candidates(OWN, lambda node_id: False)
    for node_id in ("", "x", "A" * 16, "a" * 17, "../../etc/passwd", OWN):
        assert not found.put("lan", node_id, "eve", ["lan:x"])
    found.put("lan", id_of(1), "e\x1b[31mve\u202e", ["", "x" * 600, "a\nb", "lan:fine"])
    (node,) = found.all()
    assert node.addresses == ["lan:fine"]
    assert node.node_name.isprintable()


def test_a_flood_of_strangers_takes_bounded_room_and_peers_come_before_them():
    friend = id_of(3_000)
    found = Candidates(OWN, lambda node_id: node_id == friend)
    for number in range(MAX_FOUND + 50):
        found.put("lan", id_of(number), "eve", [f"lan:{n}" for n in range(50)])
    assert len(found.all()) == MAX_FOUND
    assert all(len(node.addresses) == MAX_FOUND_ADDRESSES for node in found.all())
    assert found.put("lan", friend, "bob", ["lan:bob"])
    assert len(found.all()) == MAX_FOUND
    assert found.addresses(friend) == ["lan:bob"]


@given(st.text(), st.text(), st.lists(st.text()))
def test_whatever_is_found_is_kept_well_formed(node_id, name, addresses):
    found = Candidates(OWN, lambda node_id: False)
    assert found.put("lan", node_id, name, addresses) == bool(found.all())
    found.put("lan", id_of(1), name, addresses)
    for node in found.all():
        assert len(node.node_name) <= 64
        assert all(address.isprintable() for address in node.addresses)


# What the hub does with it.


@pytest.fixture
def network():
    return LoopbackNetwork()


async def test_a_peer_that_is_away_is_dialled_at_once_where_it_was_found(network, tmp_path):
    slow = {"backoff_s": 60.0, "max_backoff_s": 60.0}
    ada, bob = (make_hub(network, tmp_path, name, **slow) for name in ("ada", "bob"))
    async with running(ada, bob):
        await pair(ada, bob)
        await until(lambda: ada.peer(bob.node_id).status == "connected")
        # bob moves, and tells nobody
        await bob.close()
        await until(lambda: ada.peer(bob.node_id).status == "offline")
        network.transports["elsewhere"] = bob.transports[0]
        bob.transports[0]._own_name = "elsewhere"
        stored = ada.peer(bob.node_id).addresses
        await bob.start()
        bob._peers.known(ada.node_id).dialling.let_go()
        ada.found("lan", bob.node_id, "bob", ["loopback:elsewhere"])
        await until(lambda: ada.peer(bob.node_id).status == "connected")
        assert "loopback:elsewhere" not in stored


async def test_where_a_peer_was_found_is_never_stored(network, tmp_path):
    ada, bob = (make_hub(network, tmp_path, name) for name in ("ada", "bob"))
    async with running(ada, bob):
        await pair(ada, bob)
        await ada.disconnect(bob.node_id)
        await until(lambda: bob.peer(ada.node_id).status == "offline")
        network.transports["found"] = bob.transports[0]
        bob.transports[0].addresses = list
        ada.found("lan", bob.node_id, "bob", ["loopback:found"])
        ada._peers.known(bob.node_id).change(addresses=[])
        assert (await ada.connect(bob.node_id)).address == "loopback:found"
        assert "loopback:found" not in ada.store.peer(bob.node_id).addresses


async def test_a_peer_that_was_let_go_is_not_dialled_because_it_was_found(network, tmp_path):
    ada, bob = (make_hub(network, tmp_path, name) for name in ("ada", "bob"))
    async with running(ada, bob):
        await pair(ada, bob)
        await ada.disconnect(bob.node_id)
        ada.found("lan", bob.node_id, "bob", [address_of(bob)])
        peer = ada._peers.get(bob.node_id)
        assert peer.dialling.is_resting
        await ada.block(bob.node_id)
        ada.found("lan", bob.node_id, "bobby", [address_of(bob)])
        assert peer.dialling.is_resting


async def test_claims_to_have_found_a_peer_make_nobody_dial_without_pause(network, tmp_path):
    ada, bob = (make_hub(network, tmp_path, name, backoff_s=60.0) for name in ("ada", "bob"))
    async with running(ada, bob):
        await pair(ada, bob)
        await bob.close()
        await until(lambda: ada.peer(bob.node_id).status == "offline")
        dialled = []
        ada._peers.known(bob.node_id).dialling.dial = lambda: dialled.append(1) or asyncio.sleep(0)
        for number in range(200):
            ada.found("lan", bob.node_id, "bob", [f"loopback:{number}"])
            await asyncio.sleep(0)
        assert len(dialled) <= 1


async def test_a_stranger_that_was_found_is_listed_and_not_let_in(network, tmp_path):
    ada, eve = (make_hub(network, tmp_path, name) for name in ("ada", "eve"))
    async with running(ada, eve):
        events = []
        ada.subscribe(events.append)
        ada.found("lan", eve.node_id, "eve", [address_of(eve)])
        assert [node.node_id for node in ada.found_nodes()] == [eve.node_id]
        assert [event.kind for event in events] == ["found"]
        with pytest.raises(NotTrustedError, match="found"):
            await ada.connect(eve.node_id)
        assert ada.peers() == []
        ada.lost("lan", eve.node_id)
        assert ada.found_nodes() == []
        with pytest.raises(UnknownPeerError):
            await ada.connect(eve.node_id)


def open_lan_hub(network, path, name, **config):
    hub = make_hub(network, path, name, **config)
    welcoming = CombinedPolicy([InvitePolicy(hub.store), OpenLanPolicy()])
    hub._local.policy = welcoming
    return hub


async def test_under_open_lan_nodes_of_the_network_connect_by_themselves(network, tmp_path):
    ada, bob = (open_lan_hub(network, tmp_path, name, upgrade_s=0.05) for name in ("ada", "bob"))
    async with running(ada, bob):
        for one, other in ((ada, bob), (bob, ada)):
            one.found("lan", other.node_id, other.node_name, [address_of(other)])
        await until(lambda: [peer.status for peer in ada.peers()] == ["connected"])
        await until(lambda: [peer.status for peer in bob.peers()] == ["connected"])
        assert not ada.peers()[0].trusted
        assert len(network.links) == 2  # the two ends of one link
        network.cut()
        for hub in (ada, bob):
            await until(lambda hub=hub: [peer.status for peer in hub.peers()] == ["connected"])
        await ada.disconnect(bob.node_id)
        await until(lambda: bob.peer(ada.node_id).status == "offline")
        assert ada._auto_connector._wanted() == bob._auto_connector._wanted() == {}


async def test_the_higher_id_dials_too_when_the_lower_one_does_not(network, tmp_path):
    hubs = [
        open_lan_hub(network, tmp_path, name, handshake_timeout_s=0.5, upgrade_s=0.05)
        for name in ("ada", "bob")
    ]
    low, high = sorted(hubs, key=lambda hub: hub.node_id)
    async with running(low, high):
        high.found("lan", low.node_id, "low", [address_of(low)])
        await until(lambda: [peer.status for peer in low.peers()] == ["connected"])


async def test_open_lan_does_not_dial_whom_a_lobby_tells_of(network, tmp_path):
    ada, bob = (open_lan_hub(network, tmp_path, name) for name in ("ada", "bob"))
    async with running(ada, bob):
        ada.found("lobby", bob.node_id, "bob", [address_of(bob)])
        assert ada._auto_connector._wanted() == {}
        assert ada._auto_connector._task is None


async def test_a_better_address_that_was_found_is_taken_up(tmp_path):
    slow, quick = LoopbackNetwork(), LoopbackNetwork()

    def transports(name):
        lesser = slow.transport(name)
        lesser.scheme, lesser.priority = "slow:", 4
        lesser.link_class = type("SlowLink", (lesser.link_class,), {"priority": 4})
        return [quick.transport(name), lesser]

    ada = make_hub(quick, tmp_path, "ada", transports=transports("ada"), upgrade_s=0.05)
    bob = make_hub(quick, tmp_path, "bob", transports=transports("bob"), upgrade_s=0.05)
    for hub in (ada, bob):
        hub.transports[0].addresses = list
    async with running(ada, bob):
        invite = ada.invites.mint()
        await bob.pair(invite.text)
        peer = bob._peers.get(ada.node_id)
        assert peer.session.link.priority == 4
        bob.found("lan", ada.node_id, "ada", ["loopback:ada"])
        await until(lambda: peer.session is not None and peer.session.link.priority == 0)
