"""Whole Jupyter servers that meet across routers, relays and cut cables; see :mod:`.lab`."""

from __future__ import annotations

import time

import pytest

from tests.machine.needs import needs_module
from tests.machine.waiting import until
from tests.nat.lab import Lab, lab
from tests.nat.panes import counting_pane
from tests.nat.people import (
    LISTEN,
    MEET_S,
    RELAY,
    TURN,
    WEBRTC,
    connected,
    pair,
    people,
    relay_and_lobby,
    turn_server,
    without_libwebrtc,
)

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
        # Both get other addresses at once, so that what each knows of the other is of no use.
        for host, last in zip(hosts, (12, 13), strict=True):
            host.unplug()
            host.plug_in(last)
        began = time.monotonic()
        await until(
            lambda: [
                peer["address"]
                for person in (ada, bob)
                for peer in person.peer_call("GET", "peers")["peers"]
                if peer["status"] == "connected" and ":9797" in peer["address"]
                for host in hosts
                if host.address in peer["address"]
            ],
            2 * MEET_S,
            "them to find each other again",
        )
        await connected(ada, bob, "lan")
        print(f"found again after {time.monotonic() - began:.1f} s")


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


async def test_a_pane_survives_a_router_that_is_switched_off_and_on(net: Lab, tmp_path):
    # Symmetric: with new ports outside, no connection of before can go on.
    routers = [net.router(number, is_symmetric=True) for number in (1, 2)]
    hosts = [net.host(f"h{n}", router.lan) for n, router in enumerate(routers)]
    with (
        relay_and_lobby(net),
        people(
            (tmp_path, "ada", hosts[0], (RELAY,)),
            (tmp_path, "bob", hosts[1], (RELAY,)),
        ) as (ada, bob),
    ):
        peer, seconds = pair(ada, bob)
        print(f"relay: {seconds:.2f} s")
        assert peer["transport"] == "relay"
        async with counting_pane(ada, bob, tmp_path) as pane:
            began = time.monotonic()
            net.reboot(routers[0], hosts[0])
            await pane.grows()
            print(f"resumed after {time.monotonic() - began:.1f} s")
        await connected(ada, bob, "relay")


def behind_routers(net: Lab, path, *options: str, symmetric: bool):
    """Return what :func:`people` takes for two people, each behind a router of their own."""
    hosts = [
        net.host(f"h{number}", net.router(number, is_symmetric=symmetric).lan) for number in (1, 2)
    ]
    return (path, "ada", hosts[0], options), (path, "bob", hosts[1], options)


@pytest.mark.parametrize("engine", ["libwebrtc", "aiortc"])
async def test_two_behind_ordinary_routers_meet_by_webrtc_and_stun(net: Lab, tmp_path, engine):
    two = behind_routers(net, tmp_path, *WEBRTC, RELAY, symmetric=False)
    if engine == "libwebrtc":
        needs_module("wrtc", "webrtc-fast")
    else:
        for _, _, host, _ in two:
            without_libwebrtc(host, tmp_path / "hidden")
    with relay_and_lobby(net), turn_server(net), people(*two) as (ada, bob):
        assert (ada.engine, bob.engine) == (engine, engine)
        began = time.monotonic()
        peer, seconds = pair(ada, bob)
        # Over the relay they are connected sooner; the pane that runs then takes no notice.
        async with counting_pane(ada, bob, tmp_path) as pane:
            await connected(ada, bob, "webrtc")
            print(
                f"cone-cone, {engine}: {peer['transport']} after {seconds:.2f} s, "
                f"WebRTC by STUN after {time.monotonic() - began:.1f} s at the latest"
            )
            await pane.grows()


async def test_two_behind_symmetric_routers_need_a_turn_server(net: Lab, tmp_path):
    """One by libwebrtc and the other by aiortc, so that each meets the other's relayed addresses."""
    needs_module("wrtc", "webrtc-fast")
    two = behind_routers(net, tmp_path, *WEBRTC, *TURN, symmetric=True)
    without_libwebrtc(two[1][2], tmp_path / "hidden")
    with relay_and_lobby(net), turn_server(net), people(*two) as (ada, bob):
        assert (ada.engine, bob.engine) == ("libwebrtc", "aiortc")
        peer, seconds = pair(ada, bob)
        print(f"symmetric-symmetric by TURN: {seconds:.2f} s")
        assert peer["transport"] == "webrtc"
        async with counting_pane(ada, bob, tmp_path):
            """It counts."""


async def test_without_a_turn_server_they_meet_over_the_relay(net: Lab, tmp_path):
    two = behind_routers(net, tmp_path, *WEBRTC, RELAY, symmetric=True)
    with relay_and_lobby(net), turn_server(net), people(*two) as (ada, bob):
        peer, seconds = pair(ada, bob)
        print(f"symmetric-symmetric without TURN: {seconds:.2f} s")
        assert peer["transport"] == "relay"
        await connected(ada, bob, "relay")


@pytest.mark.parametrize("kind", ["loss", "loss and delay"])
async def test_a_pane_comes_whole_through_a_bad_network(net: Lab, tmp_path, kind):
    router = net.router(1)
    server, home = net.host("p", last=50), net.host("h", router.lan)
    if kind == "loss":
        router.lose(percent=5)
    elif not router.lose_and_delay(percent=5, ms=50):
        # a matter of the kernel, which no package brings
        pytest.skip("this kernel has no netem (tc qdisc ... netem)")
    with people((tmp_path, "ada", server, (LISTEN,)), (tmp_path, "bob", home, ())) as (ada, bob):
        _, seconds = pair(ada, bob)
        async with counting_pane(ada, bob, tmp_path) as pane:
            await pane.grows()
        print(f"{kind}: connected in {seconds:.2f} s")
