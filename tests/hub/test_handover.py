"""A better link takes over from a lesser one, and nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio

from jupyter_peer.transports.loopback import LoopbackLink, LoopbackNetwork, LoopbackTransport
from tests.hubs import make_hub, pair, running
from tests.waiting import until


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


async def test_a_relayed_link_moves_up_under_traffic_without_losing_a_message(tmp_path):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path)
    hidden = network.transports
    async with running(ada, bob):
        quick = {name: hidden.pop(name) for name in ("quick-ada", "quick-bob")}
        await pair(ada, bob)
        assert ada.peer(bob.node_id).transport == "relay"
        got: dict[str, list[int]] = {"a": [], "b": []}
        for hub, key in ((ada, "b"), (bob, "a")):
            hub.on("count", lambda message, key=key: got[key].append(message.data["n"]))
        sent = 0

        async def talk():
            nonlocal sent
            while ada.peer(bob.node_id).transport == "relay" or sent < 200:
                ada.send(bob.node_id, "count", {"n": sent}, stream="pane")
                bob.send(ada.node_id, "count", {"n": sent}, stream="pane")
                sent += 1
                await asyncio.sleep(0.001)

        talking = asyncio.ensure_future(talk())
        await until(lambda: len(got["a"]) > 20)
        network.transports.update(quick)
        await until(lambda: ada.peer(bob.node_id).transport == "loopback")
        await until(lambda: bob.peer(ada.node_id).transport == "loopback")
        await talking
        await until(lambda: len(got["a"]) >= sent and len(got["b"]) >= sent)
        assert got["a"] == got["b"] == list(range(sent))
        # the old link is closed, one pair of ends is left
        await until(lambda: len(network.links) == 2)


async def test_when_the_better_link_breaks_the_lesser_one_takes_over_again(tmp_path):
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path)
    async with running(ada, bob):
        await pair(ada, bob)
        await until(lambda: ada.peer(bob.node_id).transport == "loopback")
        await until(lambda: "slow:slow-bob" in ada.peer(bob.node_id).addresses)
        await until(lambda: "slow:slow-ada" in bob.peer(ada.node_id).addresses)
        quick = {name: network.transports.pop(name) for name in ("quick-ada", "quick-bob")}
        network.cut()
        await until(lambda: ada.peer(bob.node_id).transport == "relay")
        assert await ada.ping(bob.node_id) > 0
        network.transports.update(quick)
        await ada.network_changed()
        await until(lambda: ada.peer(bob.node_id).transport == "loopback")
