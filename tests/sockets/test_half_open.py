"""Connections that somebody opens and never goes on with do not keep others out."""

from __future__ import annotations

import pytest

from jupyter_peer.errors import BusyError
from jupyter_peer.sockets.half_open import HELLO_GRACE_S, PLACES_A_PEER, HalfOpen

PLACES = 8


class FakeLink:
    """A connection as far as its place needs it."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


class Door:
    """Places for handshakes, with a clock that the test sets."""

    def __init__(self, *, quota: int | None = PLACES // 4, spares_prompt: bool = False) -> None:
        self.now = 100.0
        self.half_open = HalfOpen(
            PLACES, lambda: self.now, quota=quota, spares_prompt=spares_prompt
        )

    def enter(self, host: str) -> FakeLink:
        link = FakeLink()
        self.half_open.enter(link, host, link.close)
        return link

    def greeted(self, host: str, peer: str | None = None) -> FakeLink:
        link = self.enter(host)
        self.half_open.greeted(link, peer)
        return link


def closed(links):
    return [index for index, link in enumerate(links) if link.is_closed]


def test_an_address_has_a_quarter_of_the_places_and_loses_its_own_oldest():
    door = Door()
    other = door.enter("10.0.0.2")
    links = [door.enter("10.0.0.1") for _ in range(4)]
    assert closed(links) == [0, 1]
    assert not other.is_closed


def test_the_addresses_of_one_ipv6_network_count_as_one():
    door = Door()
    links = [door.enter(f"2001:db8::{index}") for index in range(4)]
    links += [door.enter(f"2001:db8:0:1::{index}") for index in range(2)]
    assert closed(links) == [0, 1]
    mapped = [door.enter(host) for host in ("::ffff:10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1")]
    assert closed(mapped) == [0]


def test_links_whose_host_is_not_known_are_counted_by_where_they_lead():
    door = Door()
    links = [door.enter(f"relay:{index % 2}") for index in range(5)]
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
    assert (closed(greeted), newcomer.is_closed) == ([0], False)


def test_an_address_with_one_place_is_spared_for_one_with_two():
    door = Door()
    lone = door.enter("10.0.9.9")
    links = [door.enter(f"10.0.0.{index // 2}") for index in range(PLACES - 1)]
    door.now += HELLO_GRACE_S
    door.enter("10.0.3.1")
    assert (closed(links), lone.is_closed) == ([0], False)


def test_a_known_peer_is_not_replaced_and_counts_for_no_address():
    door = Door()
    known = door.greeted("10.0.0.1", "ada")
    for index in range(50):
        door.greeted("10.0.0.1")
        door.enter(f"10.0.1.{index}")
    assert not known.is_closed


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


def late_and_prompt(door, *hosts):
    """Fill all places: one each from these hosts came long ago, the others just now."""
    late = [door.enter(host) for host in hosts]
    door.now += HELLO_GRACE_S
    prompt = [door.enter(f"10.0.0.{index}") for index in range(PLACES - len(hosts))]
    return late, prompt


def test_where_many_come_at_once_only_those_that_are_late_make_room_for_each_other():
    door = Door(quota=None, spares_prompt=True)
    late, prompt = late_and_prompt(door, "10.0.1.1", "10.0.1.2")
    door.enter("10.0.2.1")
    door.enter("10.0.2.2")
    assert (closed(late), closed(prompt)) == ([0, 1], [])
    with pytest.raises(BusyError):
        door.enter("10.0.2.3")
    assert closed(prompt) == []


def test_a_source_that_has_taken_all_places_makes_room_for_another_however_prompt_it_is():
    door = Door(quota=None, spares_prompt=True)
    links = [door.enter("10.0.0.1") for _ in range(PLACES)]
    with pytest.raises(BusyError):
        door.enter("10.0.0.1")
    door.enter("10.0.0.2")
    assert closed(links) == [0]
    assert links[0] not in door.half_open
