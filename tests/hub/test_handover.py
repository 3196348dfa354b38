"""A better link takes over from a lesser one, and nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import os

import pytest

from jupyter_peer.errors import LinkError
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackLink, LoopbackNetwork, LoopbackTransport
from tests.peers.nodes import Node, texts


class SlowLink(LoopbackLink):
    """A link of the worst kind."""

    transport = "relay"
    priority = 4


class SlowTransport(LoopbackTransport):
    """Dials ``slow:NAME``; its addresses are not the loopback's."""

    name = "relay"
    priority = 4
    link_class = SlowLink
    scheme = "slow:"


def nodes(network, path, **config):
    """Return two hubs that each have a slow and a quick transport."""
    hubs = []
    for name in ("ada", "bob"):
        transports = [SlowTransport(network, f"slow-{name}"), network.transport(f"quick-{name}")]
        hubs.append(make_hub(network, path, name, transports=transports, upgrade_s=0.05, **config))
    return hubs


class Talk:
    """Two hubs that count to each other, and what happened to their links meanwhile."""

    def __init__(self, ada, bob, size: int = 0) -> None:
        self.sent = {ada.node_id: [], bob.node_id: []}
        self.got = {ada.node_id: [], bob.node_id: []}
        self.events: list[str] = []
        self.failed: list[str] = []
        self._pairs = ((ada, bob), (bob, ada))
        self._buffers = [os.urandom(size)] if size else []
        for hub, other in self._pairs:
            got = self.got[other.node_id]
            hub.on("count", lambda message, got=got: got.append(message.data["n"]))
            hub.subscribe(lambda event: self.events.append(event.kind))
        self._is_over = False
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        n = 0
        while not self._is_over:
            for hub, other in self._pairs:
                self._say(hub, other, n)
            n += 1
            await asyncio.sleep(0.001)

    def _say(self, hub, other, n: int) -> None:
        try:
            hub.send(other.node_id, "count", {"n": n}, self._buffers, stream="pane")
            self.sent[hub.node_id].append(n)
        except LinkError as error:
            self.failed.append(error.code)

    async def end(self) -> None:
        """Stop, and wait until the last of each side has arrived."""
        self._is_over = True
        await self._task
        await until(
            lambda: all(self.got[each][-1:] == sent[-1:] for each, sent in self.sent.items()), 15
        )


def path_of(hub, other):
    return hub.peer(other.node_id).transport


async def apart(network, hubs):
    """Pair two hubs while only the slow transport works; return the quick ones."""
    quick = {f"quick-{name}": network.transports.pop(f"quick-{name}") for name in ("ada", "bob")}
    await pair(*hubs)
    assert path_of(*hubs) == "relay"
    return quick


async def all_quick(ada, bob):
    await until(lambda: path_of(ada, bob) == path_of(bob, ada) == "loopback", 15)


@pytest.mark.parametrize("size", [0, 200_000], ids=["small", "large"])
async def test_a_relayed_link_moves_up_under_traffic_without_losing_a_message(size, tmp_path):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path)
    async with running(ada, bob):
        quick = await apart(network, (ada, bob))
        talk = Talk(ada, bob, size)
        await until(lambda: len(talk.got[ada.node_id]) > 20)
        network.transports.update(quick)
        await all_quick(ada, bob)
        so_far = len(talk.got[ada.node_id])
        await until(lambda: len(talk.got[ada.node_id]) > so_far + 20)
        await talk.end()
        assert talk.got == talk.sent
        assert talk.failed == []
        assert "link_down" not in talk.events
        # the old link is closed, one pair of ends is left
        await until(lambda: len(network.links) == 2)


async def test_who_watches_a_pane_is_told_of_its_new_path_and_of_nothing_else(tmp_path):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path)
    async with running(ada, bob):
        quick = await apart(network, (ada, bob))
        hers, his = Node(ada), Node(bob)
        await hers.share(to=his)
        hers.kernel.write("1")
        watch = await his.watcher.open(ada.node_id, "loss")
        await until(lambda: texts(watch) == ["1"])
        assert watch.info["path"] == "relay"
        told = []
        watch.subscribe(lambda: told.append((watch.info["path"], watch.info["status"])))
        network.transports.update(quick)
        await until(lambda: ("loopback", "live") in told)
        await until(lambda: watch.info["rtt_ms"] is not None)
        assert {status for _, status in told} == {"live"}
        hers.kernel.write("2")
        await until(lambda: texts(watch) == ["12"])
        await his.close()
        await hers.close()


class Stillborn(LoopbackLink):
    """Breaks when the side that dialled is about to hear that it is in."""

    births = 0

    def _deliver(self, frame):
        if self.is_dialled and isinstance(frame, bytes):
            Stillborn.births += 1
            self.abort("cut")
            return None
        return super()._deliver(frame)


async def test_a_better_link_that_breaks_at_once_costs_nothing(tmp_path):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path, max_upgrade_s=0.05)
    async with running(ada, bob):
        quick = await apart(network, (ada, bob))
        talk = Talk(ada, bob, 20_000)
        for transport in quick.values():
            transport.link_class = Stillborn
        network.transports.update(quick)
        await until(lambda: Stillborn.births >= 3, 15)
        for transport in quick.values():
            transport.link_class = LoopbackLink
        await all_quick(ada, bob)
        await talk.end()
        assert talk.got == talk.sent
        assert talk.failed == []
        assert "link_down" not in talk.events
        await until(lambda: len(network.links) == 2)


async def test_a_lesser_link_that_dies_while_it_is_emptied_is_a_lost_link_on_both_sides(tmp_path):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path)
    async with running(ada, bob):
        quick = await apart(network, (ada, bob))
        for link in network.links:
            link.stop_reading()
        for _ in range(3):  # what waits to be sent can not be sent
            ada.send(bob.node_id, "count", {}, [os.urandom(400_000)])
            bob.send(ada.node_id, "count", {}, [os.urandom(400_000)])
        got = []
        events = {hub.node_id: [] for hub in (ada, bob)}
        for hub in (ada, bob):
            hub.on("late", lambda message: got.append(message.data["n"]))
            hub.subscribe(lambda event, of=events[hub.node_id]: of.append(event.kind))
        network.transports.update(quick)
        await until(lambda: "loopback" in (path_of(ada, bob), path_of(bob, ada)))
        mover, other = (ada, bob) if path_of(ada, bob) == "loopback" else (bob, ada)
        mover.send(other.node_id, "late", {"n": 1})  # by the new link, and held there
        for link in list(network.links):
            if link.transport == "relay":
                link.abort("cut")
        await all_quick(ada, bob)
        await until(lambda: all(of.count("link_up") == 1 for of in events.values()))
        assert all(of.count("link_down") == 1 for of in events.values())
        mover.send(other.node_id, "late", {"n": 2})
        await until(lambda: got[-1:] == [2])
        assert got == [2]
        await until(lambda: len(network.links) == 2)


async def test_a_lesser_link_that_falls_silent_while_it_is_emptied_does_not_hold_up_the_better(
    tmp_path,
):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path, ping_interval_s=0.3)
    async with running(ada, bob):
        quick = await apart(network, (ada, bob))
        network.transports.update(quick)
        for link in network.links:
            link.stop_reading()
        await until(lambda: "loopback" in (path_of(ada, bob), path_of(bob, ada)))
        await all_quick(ada, bob)
        assert await ada.ping(bob.node_id) > 0
        assert await bob.ping(ada.node_id) > 0
        await until(lambda: len(network.links) == 2)


@pytest.mark.parametrize("act", ["block", "forget", "disconnect"])
async def test_who_is_sent_away_in_the_middle_of_it_is_not_heard_by_the_lesser_link(act, tmp_path):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path)
    got = []
    async with running(ada, bob):
        quick = await apart(network, (ada, bob))
        ada.on("count", lambda message: got.append(message.data["n"]))
        network.transports.update(quick)
        slow = [link for link in network.links if link.transport == "relay"]
        for link in slow:
            link.stop_reading()
        bob.send(ada.node_id, "count", {"n": 1})
        await until(lambda: "loopback" in (path_of(ada, bob), path_of(bob, ada)))
        await getattr(ada, act)(bob.node_id)
        for link in slow:
            link.go_on_reading()
        await until(lambda: not network.links)
        assert got == []
        with pytest.raises(LinkError):
            ada.send(bob.node_id, "count", {"n": 2})


async def test_moved_from_a_peer_that_has_nowhere_to_move_to_ends_its_link_only(tmp_path):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path)
    async with running(ada, bob):
        await pair(ada, bob)
        await all_quick(ada, bob)
        await until(lambda: len(network.links) == 2)
        first = ada.peer(bob.node_id).since
        bob.send(ada.node_id, "moved", {})
        await until(lambda: ada.peer(bob.node_id).since not in (None, first))
        await until(lambda: bob.peer(ada.node_id).status == "connected")
        assert await bob.ping(ada.node_id) > 0


async def test_a_hub_that_closes_in_the_middle_of_it_leaves_no_link_and_no_task(tmp_path):
    before = asyncio.all_tasks()
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path)
    async with running(ada, bob):
        quick = await apart(network, (ada, bob))
        for link in network.links:
            link.stop_reading()
        network.transports.update(quick)
        await until(lambda: "loopback" in (path_of(ada, bob), path_of(bob, ada)))
        assert len(network.links) == 4
    await until(lambda: not network.links)
    await until(lambda: not (asyncio.all_tasks() - before))


async def test_when_the_better_link_breaks_the_lesser_one_takes_over_again(tmp_path):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path)
    async with running(ada, bob):
        await pair(ada, bob)
        await all_quick(ada, bob)
        await until(lambda: "slow:slow-bob" in ada.peer(bob.node_id).addresses)
        await until(lambda: "slow:slow-ada" in bob.peer(ada.node_id).addresses)
        quick = {name: network.transports.pop(name) for name in ("quick-ada", "quick-bob")}
        network.cut()
        await until(lambda: ada.peer(bob.node_id).transport == "relay")
        assert await ada.ping(bob.node_id) > 0
        network.transports.update(quick)
        await ada.network_changed()
        await until(lambda: ada.peer(bob.node_id).transport == "loopback")
