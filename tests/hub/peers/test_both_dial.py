"""Two nodes that dial each other by address at the same time."""

from __future__ import annotations

import asyncio

import pytest

from tests.hub.test_links import Unsealed
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackNetwork


@pytest.mark.parametrize("turns", range(-12, 13, 3))
@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "unsealed"])
async def test_both_ends_keep_the_same_link(tmp_path, turns, is_sealed):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", allow_unsealed_peers=True)
    bob = make_hub(network, tmp_path, "bob", allow_unsealed_peers=True)
    if not is_sealed:
        ada._local.clock = bob._local.clock = Unsealed()
    async with running(ada, bob):
        await pair(ada, bob)
        await bob.disconnect(ada.node_id)
        await until(lambda: ada.peer(bob.node_id).status == "offline")

        async def dial(hub, other, by):
            for _ in range(by):
                await asyncio.sleep(0)
            return await hub.connect(address=other.addresses()[0])

        infos = await asyncio.gather(dial(ada, bob, turns), dial(bob, ada, -turns))
        assert [info.status for info in infos] == ["connected", "connected"]
        assert await ada.ping(bob.node_id) >= 0
        ends = [ada._peers.get(bob.node_id).session, bob._peers.get(ada.node_id).session]
        assert ends[0].link.peer is ends[1].link
        assert len(network.links) == 2


async def test_dialling_the_address_of_a_connected_peer_keeps_its_link(tmp_path):
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    async with running(ada, bob):
        await pair(ada, bob)
        since = bob.peer(ada.node_id).since
        assert (await bob.connect(address=ada.addresses()[0])).since == since
        await until(lambda: len(network.links) == 2)
