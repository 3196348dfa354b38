"""Whole Jupyter servers that meet across routers, relays and cut cables; see :mod:`.lab`."""

from __future__ import annotations

import time

import pytest

from tests.nat.lab import Lab, lab
from tests.nat.panes import counting_pane
from tests.nat.people import LISTEN, MEET_S, connected, pair, people
from tests.waiting import until

pytestmark = pytest.mark.timeout(240)

LAN = ("--PeerExtension.enable_lan=True", LISTEN)


@pytest.fixture
def net():
    with lab() as built:
        yield built


async def test_two_in_one_network_find_each_other_and_pair(net: Lab, tmp_path):
    router = net.router(1)
    hosts = [net.host(name, router.lan, last) for name, last in (("a", 2), ("b", 3))]
    with people(
        (tmp_path, "ada", hosts[0], LAN),
        (tmp_path, "bob", hosts[1], LAN),
    ) as (ada, bob):
        for one, other in ((ada, bob), (bob, ada)):
            found = await until(
                lambda one=one: one.peer_call("GET", "peers")["found"],
                MEET_S,
                "the other to be found",
            )
            assert [(each["node_id"], each["addresses"]) for each in found] == [
                (other.node_id, [f"lan:ws://{other.host.address}:9797/peer-ws"])
            ]
        pair(ada, bob)
        await connected(ada, bob, "lan")


async def test_one_who_can_be_reached_is_enough(net: Lab, tmp_path):
    server, home = net.host("p", last=50), net.host("h", net.router(1).lan)
    with people((tmp_path, "ada", server, (LISTEN,)), (tmp_path, "bob", home, ())) as (ada, bob):
        peer, seconds = pair(ada, bob)
        print(f"one side public: {seconds:.2f} s")
        assert peer["address"] == f"ws://{server.address}:9797/peer-ws"
        await connected(ada, bob, "direct")


async def test_a_pane_survives_a_network_card_that_goes_and_comes_back(net: Lab, tmp_path):
    server, home = net.host("p", last=50), net.host("h", net.router(1).lan)
    with people((tmp_path, "ada", server, (LISTEN,)), (tmp_path, "bob", home, ())) as (ada, bob):
        pair(ada, bob)
        async with counting_pane(ada, bob, tmp_path) as pane:
            # first under the same address, then under another: no connection can go on then
            for last in (2, 77):
                home.unplug()
                began = time.monotonic()
                home.plug_in(last)
                await pane.grows()
                print(f"resumed as .{last} after {time.monotonic() - began:.1f} s")
        await connected(ada, bob, "direct")
