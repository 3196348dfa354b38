"""Handshakes that somebody begins and never ends do not keep others out."""

from __future__ import annotations

import os

import pytest

from jupyter_peer.errors import BusyError
from jupyter_peer.hub.half_open import HELLO_GRACE_S, PLACES_A_PEER, HalfOpen
from tests.hubs import make_hub, pair, running
from tests.loopback import LoopbackNetwork
from tests.waiting import until
from tests.wire.by_hand import HandPeer

PLACES = 8


class FakeLink:
    """A link as far as its place needs it."""

    def __init__(self, host: str | None, address: str = "direct") -> None:
        self.remote_host = host
        self.address = address
        self.closed_with: str | None = None

    def abort(self, reason: str) -> None:
        self.closed_with = reason


class Door:
    """Places for handshakes, with a clock that the test sets."""

    def __init__(self, places: int = PLACES) -> None:
        self.now = 100.0
        self.half_open = HalfOpen(places, lambda: self.now)

    def enter(self, host: str | None, address: str = "direct") -> FakeLink:
        link = FakeLink(host, address)
        self.half_open.enter(link)
        return link

    def greeted(self, host: str, peer: str | None = None) -> FakeLink:
        link = self.enter(host)
        self.half_open.greeted(link, peer)
        return link


def closed(links):
    return [index for index, link in enumerate(links) if link.closed_with is not None]


def test_an_address_has_a_quarter_of_the_places_and_loses_its_own_oldest():
    door = Door()
    other = door.enter("10.0.0.2")
    links = [door.enter("10.0.0.1") for _ in range(4)]
    assert closed(links) == [0, 1]
    assert links[0].closed_with == "busy"
    assert other.closed_with is None


def test_the_addresses_of_one_ipv6_network_count_as_one():
    door = Door()
    links = [door.enter(f"2001:db8::{index}") for index in range(4)]
    links += [door.enter(f"2001:db8:0:1::{index}") for index in range(2)]
    assert closed(links) == [0, 1]
    mapped = [door.enter(host) for host in ("::ffff:10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1")]
    assert closed(mapped) == [0]


def test_links_whose_host_is_not_known_are_counted_by_where_they_lead():
    door = Door()
    links = [door.enter(None, f"relay:{index % 2}") for index in range(5)]
    assert closed(links) == [0]


def test_when_all_places_are_taken_the_oldest_that_has_sent_no_hello_goes_first():
    door = Door()
    greeted = [door.greeted(f"10.0.0.{index}") for index in range(PLACES - 2)]
    silent = [door.enter(f"10.0.1.{index}") for index in range(2)]
    door.now += HELLO_GRACE_S
    door.enter("10.0.2.1")
    assert (closed(greeted), closed(silent)) == ([], [0])


def test_a_newcomer_has_time_for_its_hello_before_older_strangers_who_sent_theirs():
    door = Door()
    greeted = [door.greeted(f"10.0.0.{index}") for index in range(PLACES - 1)]
    newcomer = door.enter("10.0.1.1")
    door.now += HELLO_GRACE_S / 2
    door.enter("10.0.1.2")
    assert (closed(greeted), newcomer.closed_with) == ([0], None)


def test_an_address_with_one_place_is_spared_for_one_with_two():
    door = Door()
    lone = door.enter("10.0.9.9")
    links = [door.enter(f"10.0.0.{index // 2}") for index in range(PLACES - 1)]
    door.now += HELLO_GRACE_S
    door.enter("10.0.3.1")
    assert (closed(links), lone.closed_with) == ([0], None)


def test_a_known_peer_is_not_replaced_and_counts_for_no_address():
    door = Door()
    known = door.greeted("10.0.0.1", "ada")
    for index in range(50):
        door.greeted("10.0.0.1")
        door.enter(f"10.0.1.{index}")
    assert known.closed_with is None


def test_who_repeats_the_hello_of_a_known_peer_gets_few_places_by_it():
    door = Door()
    links = [door.greeted(f"10.0.0.{index}", "ada") for index in range(PLACES)]
    for index in range(PLACES):
        door.enter(f"10.0.1.{index}")
    assert len(links) - len(closed(links)) == PLACES_A_PEER


def test_with_known_peers_in_all_places_the_next_has_to_wait():
    door = Door()
    links = [door.greeted(f"10.0.0.{index}", f"peer-{index}") for index in range(PLACES)]
    with pytest.raises(BusyError):
        door.enter("10.0.1.1")
    door.half_open.leave(links[3])
    door.enter("10.0.1.1")
    assert closed(links) == []


def test_who_has_left_makes_room():
    door = Door()
    for _ in range(20):
        door.half_open.leave(door.enter("10.0.0.1"))
    door.enter("10.0.0.1")
    assert len(door.half_open) == 1


async def flood(network, ada, *, hello: bool):
    """Open more links to ada than she has places, each from an address of its own."""
    links = []
    for _ in range(3 * PLACES):
        link = await network.transport().dial(ada.addresses()[0], None)
        if hello:
            link.send(HandPeer.dialing(os.urandom(32)).start())
        links.append(link)
    await until(lambda: sum(not link.is_closed for link in links) <= PLACES)
    return links


@pytest.mark.parametrize("hello", [False, True], ids=["silent", "with-hello"])
async def test_under_a_flood_an_invite_and_a_known_peer_still_get_in(tmp_path, hello):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", max_handshakes=PLACES)
    bob, cy = make_hub(network, tmp_path, "bob"), make_hub(network, tmp_path, "cy")
    async with running(ada, bob, cy):
        await pair(ada, bob)
        await bob.disconnect(ada.node_id)
        await until(lambda: ada.peer(bob.node_id).status == "offline")
        links = await flood(network, ada, hello=hello)
        assert (await cy.pair(ada.mint_invite().text)).status == "connected"
        assert (await bob.connect(ada.node_id)).status == "connected"
        assert any(not link.is_closed for link in links)


async def test_one_address_cannot_keep_others_out(tmp_path):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", max_handshakes=PLACES)
    bob = make_hub(network, tmp_path, "bob")
    mallory = network.transport("mallory")
    async with running(ada, bob):
        links = [await mallory.dial(ada.addresses()[0], None) for _ in range(64)]
        await until(lambda: sum(not link.is_closed for link in links) == PLACES // 4)
        assert (await bob.pair(ada.mint_invite().text)).status == "connected"
        assert sum(not link.is_closed for link in links) == PLACES // 4
