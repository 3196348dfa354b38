"""Whole nodes over a relay: pairing, peers' relays, brokers that end and come back."""

from __future__ import annotations

import asyncio
import contextlib

from jupyter_peer.wire.invite import Invite
from tests.machine.waiting import until
from tests.peers.hubs import relay_hub, relay_hubs, running
from tests.peers.loopback import LoopbackNetwork
from tests.peers.nodes import relay_nodes, texts
from tests.relay.nodes import relay
from tests.relay.process import relay_process


async def test_two_nodes_of_one_relay_pair_by_the_invite_alone():
    async with relay() as url, relay_hubs(url, url) as (ada, bob):
        invite = Invite.from_text(ada.invites.mint().text)
        assert (invite.a, invite.r) == ([], url)
        await until(lambda: ada.peer(bob.node_id).transport == "relay")
        seen = bob.peer(ada.node_id)
        assert (seen.transport, seen.address, seen.sealed) == ("relay", f"relay:{url}", True)
        await ada.ping(bob.node_id)
        await until(lambda: ada.peer(bob.node_id).addresses == [f"relay:{url}"])


async def test_a_node_without_a_relay_of_its_own_uses_the_one_of_the_invite():
    async with relay() as url, relay_hubs(url, None) as (ada, bob):
        await until(lambda: ada.peer(bob.node_id).transport == "relay")
        assert bob.addresses() == []
        assert Invite.from_text(bob.invites.mint().text).r is None
        await bob.ping(ada.node_id)


async def test_nodes_of_two_relays_reach_each_other_over_either():
    async with relay() as one, relay() as other, relay_hubs(one, other) as (ada, bob):
        await until(lambda: ada.peer(bob.node_id).addresses == [f"relay:{other}"])
        await ada.disconnect(bob.node_id)
        info = await ada.connect(bob.node_id)
        assert info.address == f"relay:{other}"
        await ada.ping(bob.node_id)


async def test_a_link_moves_to_a_direct_way_when_there_is_one_and_back_when_it_is_gone(tmp_path):
    async with relay() as url:
        ada = relay_hub(tmp_path, "ada", url, upgrade_s=0.1)
        bob = relay_hub(tmp_path, "bob", url, upgrade_s=0.1)
        async with running(ada, bob):
            await bob.pair(ada.invites.mint().text)
            assert bob.peer(ada.node_id).transport == "relay"
            network = LoopbackNetwork()
            for hub in (ada, bob):
                direct = network.transport(hub.node_name)
                await hub.add_transport(direct)
            got: list[int] = []
            bob.on("count", lambda message: got.append(message.data["n"]))

            def count(first: int, last: int) -> None:
                for number in range(first, last):
                    ada.send(bob.node_id, "count", {"n": number})

            count(0, 200)
            await ada.network_changed()
            count(200, 400)
            await until(lambda: ada.peer(bob.node_id).transport == "loopback", 10)
            count(400, 600)
            await until(lambda: len(got) == 600)
            assert got == list(range(600))
            for hub in (ada, bob):
                await hub.remove_transport(hub.transports[-1])
            network.cut()
            await until(lambda: ada.peer(bob.node_id).transport == "relay", 10)
            await ada.ping(bob.node_id)


async def test_a_pane_goes_on_where_it_was_when_a_broker_is_killed_and_started_again():
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(relay_process())
        async with relay_nodes(broker.url, broker.url) as (ada, bob):
            await ada.share(to=bob)
            await until(bob.watcher.offered)
            watch = await bob.watcher.open(ada.id, "loss")
            revisions = [watch.state.rev]
            said = ""

            async def tell(count: int) -> None:
                nonlocal said
                for _ in range(count):
                    line = f"{len(said.splitlines())}\n"
                    said += line
                    ada.kernel.write(line)
                    await asyncio.sleep(0)
                    revisions.append(watch.state.rev)

            await tell(50)
            await asyncio.to_thread(broker.kill)
            await tell(50)
            await until(lambda: bob.hub.peer(ada.id).status != "connected", 10)
            await tell(50)
            stack.enter_context(relay_process(port=broker.port))
            await until(lambda: texts(watch) == [said], 20)
            await tell(50)
            await until(lambda: texts(watch) == [said], 10)
            assert revisions == sorted(revisions)
            assert bob.hub.peer(ada.id).transport == "relay"


async def test_of_several_brokers_the_next_is_used_when_one_is_gone():
    async with contextlib.AsyncExitStack() as stack:
        first = contextlib.AsyncExitStack()
        one = await first.enter_async_context(relay())
        other = await stack.enter_async_context(relay())
        both = f"{one},{other}"
        ada, bob = await stack.enter_async_context(relay_hubs(both, both))
        told: list[str] = []
        ada.subscribe(lambda event: told.append(event.kind))
        await first.aclose()
        await until(lambda: "link_down" in told, what="the first broker ends")
        await until(lambda: ada.peer(bob.node_id).transport == "relay", 15)
        await ada.ping(bob.node_id)
