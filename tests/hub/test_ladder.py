"""Paths from the best to the last: which is tried when, what is kept, and what sleep does to it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path

import pytest

from jupyter_peer.hub import hub as hub_module
from jupyter_peer.primitives.clock import Clock, WakeWatch
from jupyter_peer.transports.direct.direct import DirectTransport
from jupyter_peer.transports.relay.relay import RelayTransport
from jupyter_peer.wire.link.identity import Identity
from tests.hub.test_cuts import QUICK, Traffic, with_panes
from tests.hub.test_handover import apart, nodes, path_of
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackLink, LoopbackNetwork, LoopbackTransport
from tests.relay.nodes import relay

LADDER = ["loopback", "lan", "direct", "webrtc", "relay"]


def rung(network: LoopbackNetwork, priority: int, own_name: str) -> LoopbackTransport:
    """Return a loopback transport that stands for another kind."""
    name = LADDER[priority]
    link = type("RungLink", (LoopbackLink,), {"transport": name, "priority": priority})
    fields = {"name": name, "priority": priority, "link_class": link, "scheme": f"{name}:"}
    return type("Rung", (LoopbackTransport,), fields)(network, f"{own_name}-{name}")


def ladders(path: Path, **config) -> tuple[LoopbackNetwork, list]:
    """Return ada and bob with a transport for every rung, in the wrong order."""
    network = LoopbackNetwork()
    hubs = []
    for name in ("ada", "bob"):
        rungs = [rung(network, priority, name) for priority in (4, 2, 0, 3, 1)]
        hubs.append(make_hub(network, path, name, transports=rungs, **config))
    return network, hubs


async def test_every_path_is_tried_best_first_and_a_failure_does_not_cost_the_head_start(tmp_path):
    network, (ada, bob) = ladders(tmp_path, head_start_s=30.0)
    async with running(ada, bob):
        await pair(ada, bob)
        await until(lambda: len(bob.peer(ada.node_id).addresses) == len(LADDER))
        await bob.disconnect(ada.node_id)
        for name in LADDER[:-1]:
            del network.transports[f"ada-{name}"]
        steps = []
        # far less than one head start, though four paths fail before the last
        await asyncio.wait_for(bob.connect(ada.node_id, on_progress=steps.append), 10)
        assert path_of(bob, ada) == "relay"
        tried = [step["address"].partition(":")[0] for step in steps if step["ok"] is None]
        assert tried == LADDER
        assert [step["ok"] for step in steps if step["step"] == "dial"] == [
            None,
            False,
            None,
            False,
            None,
            False,
            None,
            False,
            None,
        ]
        assert steps[-1]["ok"] is True


async def test_a_path_that_answers_nothing_costs_its_head_start_only(tmp_path):
    network, (ada, bob) = ladders(tmp_path, head_start_s=0.01, handshake_timeout_s=30.0)
    async with running(ada, bob):
        await pair(ada, bob)
        await until(lambda: len(bob.peer(ada.node_id).addresses) == len(LADDER))
        await bob.disconnect(ada.node_id)
        silent = []

        async def silence(link):
            silent.append(link)

        for name in LADDER[:2]:
            network.transports[f"ada-{name}"]._accept = silence
        await asyncio.wait_for(bob.connect(ada.node_id), 10)
        assert path_of(bob, ada) in LADDER[2:]
        first = silent[:2]
        await until(lambda: [link.is_closed for link in first] == [True, True])


async def test_a_better_path_that_is_slow_to_answer_takes_over_later(tmp_path):
    network, (ada, bob) = ladders(tmp_path, head_start_s=0.0, upgrade_s=0.05)
    async with running(ada, bob):
        invite = ada.invites.mint().text
        gate = asyncio.Event()
        best = [network.transports[f"{who}-loopback"] for who in ("ada", "bob")]
        for transport in best:
            accept = transport._accept

            async def late(link, accept=accept):
                await gate.wait()
                await accept(link)

            transport._accept = late
        await bob.pair(invite)
        assert path_of(bob, ada) != "loopback"
        since = bob.peer(ada.node_id).since
        downs = []
        bob.subscribe(lambda event: downs.append(event.kind) if event.kind == "link_down" else None)
        gate.set()
        await until(lambda: path_of(bob, ada) == path_of(ada, bob) == "loopback", 15)
        assert bob.peer(ada.node_id).since > since
        assert downs == []
        await until(lambda: len(network.links) == 2)


async def test_a_peer_that_restarts_is_found_again_and_its_old_link_is_let_go(tmp_path):
    network = LoopbackNetwork()
    ada, bob = (make_hub(network, tmp_path, name, **QUICK) for name in ("ada", "bob"))
    async with running(ada):
        async with running(bob):
            await pair(ada, bob)
            first = ada.peer(bob.node_id).since
            for link in network.links:
                link.stop_reading()  # as a process that was killed while its machine is unplugged
        again = make_hub(network, tmp_path, "bob", **QUICK)
        async with running(again):
            await until(lambda: ada.peer(bob.node_id).since not in (None, first))
            assert await ada.ping(bob.node_id) > 0
            await until(lambda: len(network.links) == 2)


class Asleep(Clock):
    """A wall clock that a test can put forward; the monotonic one stands still in sleep."""

    def __init__(self) -> None:
        self.offset = 0.0

    def time(self) -> float:
        return super().time() + self.offset


@pytest.mark.parametrize("hours", [8, -8])
async def test_sleep_is_noticed_by_the_wall_clock_and_a_clock_set_back_is_not_sleep(hours):
    clock = Asleep()
    woken = []

    async def on_wake() -> None:
        woken.append(clock.time())
        if len(woken) == 1:
            raise OSError("no network yet")

    watch = WakeWatch(clock, on_wake, 0.01)
    watch.start()
    await asyncio.sleep(0)
    rounds = 2 if hours > 0 else 0
    for n in range(1, 3):
        clock.offset += hours * 3600
        await until(lambda n=n: len(woken) >= min(n, rounds))
    await asyncio.sleep(0.05)  # several rounds in which nothing may happen
    assert len(woken) == rounds
    await watch.close()
    await watch.close()


async def test_after_sleep_dead_links_are_given_up_and_those_away_dialled_at_once(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(hub_module, "WAKE_TIMEOUT_S", 0.1)
    network = LoopbackNetwork()
    # without waking up, a dead link would be noticed in 2 minutes and redialled after one more
    slow = {"ping_interval_s": 60.0, "backoff_s": 60.0, "max_backoff_s": 60.0, "wake_poll_s": 0.02}
    ada, bob = (make_hub(network, tmp_path, name, **slow) for name in ("ada", "bob"))
    clock = Asleep()
    ada._clock = ada._wake._clock = clock
    async with running(ada, bob):
        await pair(ada, bob)
        first = ada.peer(bob.node_id).since
        for link in network.links:
            link.stop_reading()  # the router has forgotten it
        clock.offset += 3600
        await until(lambda: ada.peer(bob.node_id).status != "connected")
        clock.offset += 3600
        await until(lambda: ada.peer(bob.node_id).since not in (None, first))
        assert await ada.ping(bob.node_id) > 0


async def test_a_network_that_comes_back_is_used_at_once_whatever_the_pauses(tmp_path):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path, backoff_s=60.0, max_backoff_s=60.0, max_upgrade_s=60.0)
    async with running(ada, bob):
        quick = await apart(network, (ada, bob))
        network.cut()
        await until(lambda: ada.peer(bob.node_id).status != "connected")
        network.transports.update(quick)
        await ada.network_changed()
        await until(lambda: path_of(ada, bob) == "loopback")


async def test_when_direct_paths_die_the_relay_carries_on_and_they_take_over_again(tmp_path):
    """Real sockets and a real relay; a pane is watched all the time."""
    before = asyncio.all_tasks()
    rng = random.Random(7)
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(relay())
        hubs = []
        for name in ("ada", "bob"):
            seed = tmp_path / f"{name}.seed"
            seed.write_bytes(rng.randbytes(32))
            direct = DirectTransport()
            ((host, port),) = direct.listen("127.0.0.1", 0)
            transports = [RelayTransport(Identity.from_seed(seed.read_bytes()), url), direct]
            hubs.append(
                make_hub(
                    LoopbackNetwork(),
                    tmp_path,
                    name,
                    transports=transports,
                    relay_url=url,
                    advertised_addresses=(f"ws://{host}:{port}/peer-ws",),
                    upgrade_s=0.05,
                    **QUICK,
                )
            )
        ada, bob = hubs
        await stack.enter_async_context(running(ada, bob))
        await pair(ada, bob)
        await until(lambda: path_of(ada, bob) == path_of(bob, ada) == "direct", 15)
        await until(lambda: f"relay:{url}" in ada.peer(bob.node_id).addresses)
        await until(lambda: f"relay:{url}" in bob.peer(ada.node_id).addresses)
        hers, his = await stack.enter_async_context(with_panes(ada, bob))
        traffic = Traffic(hers, his)
        await traffic.begin()
        direct_ones = [hub.transports[1] for hub in hubs]
        for _ in range(5):
            for transport in direct_ones:
                transport._is_accepting = False
                pull(transport)
            await until(lambda: path_of(ada, bob) == path_of(bob, ada) == "relay", 15)
            await traffic.progress()
            for transport in direct_ones:
                transport._is_accepting = True
            await until(lambda: path_of(ada, bob) == path_of(bob, ada) == "direct", 15)
            await traffic.progress()
        # and now whatever is there, at any moment
        for _ in range(30):
            await asyncio.sleep(rng.random() * 0.05)
            pull(rng.choice(direct_ones))
            if rng.random() < 0.3:
                await traffic.progress()
        await traffic.end()
        assert {"relay", "direct"} <= traffic.paths
    await until(lambda: not (asyncio.all_tasks() - before), 15)


def pull(transport: DirectTransport) -> None:
    """Break all links of a transport as a cable that is pulled: no farewell."""
    for link in list(transport._links):
        link.cut()
