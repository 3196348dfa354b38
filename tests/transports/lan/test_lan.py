"""Nodes that find each other by mDNS; real multicast, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest
import zeroconf.asyncio
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from jupyter_peer.errors import UnreachableError
from jupyter_peer.transports.lan import lan
from jupyter_peer.transports.lan.interfaces import Interfaces
from jupyter_peer.transports.lan.records import SERVICE, Endpoint, properties
from tests.machine.waiting import until
from tests.transports.lan.lan_nodes import LOOPBACK, LanNode

# mDNS probes and waits for about a second before it announces.
FOUND_S = 15.0


@contextlib.asynccontextmanager
async def started(*nodes: LanNode) -> AsyncIterator[None]:
    async def accept(link) -> None:
        await link.recv()

    try:
        for node in nodes:
            await node.start(accept)
        yield
    finally:
        for node in nodes:
            await node.close()


@contextlib.asynccontextmanager
async def announcer() -> AsyncIterator[AsyncZeroconf]:
    """Yield mDNS to announce whatever a hostile program may."""
    conf = AsyncZeroconf(interfaces=["127.0.0.1"])
    try:
        yield conf
    finally:
        await conf.async_close()


def service(instance: str, node_id: str, port: int = 9, **changes: str | bytes) -> AsyncServiceInfo:
    txt: dict[str, str | bytes] = dict(properties(node_id, "eve", Endpoint("127.0.0.1", port)))
    txt.update(changes)
    return AsyncServiceInfo(
        SERVICE,
        f"{instance}.{SERVICE}",
        port=port,
        addresses=[bytes([127, 0, 0, 1])],
        server=f"{instance.replace(' ', '-')}.local.",
        properties=txt,
    )


async def test_two_nodes_of_one_machine_find_each_other_and_hear_of_names_and_goodbyes():
    before = asyncio.all_tasks()
    ada, bob = LanNode("ada"), LanNode("bob")
    async with started(ada, bob):
        await until(lambda: bob.node_id in ada.seen and ada.node_id in bob.seen, FOUND_S)
        assert ada.seen[bob.node_id] == ("bob", [f"lan:ws://127.0.0.1:{bob.port}/peer-ws"])
        assert ada.node_id not in ada.seen
        bob.called = "Bobby"
        await until(lambda: ada.seen[bob.node_id][0] == "Bobby", FOUND_S)
        await bob.close()
        await until(lambda: bob.node_id not in ada.seen, FOUND_S)
    await until(lambda: not (asyncio.all_tasks() - before))


async def test_when_the_interfaces_change_everything_is_announced_and_looked_for_anew():
    now = LOOPBACK
    ada, bob = LanNode("ada", interfaces=lambda: now), LanNode("bob")
    async with started(ada, bob):
        await until(lambda: bob.node_id in ada.seen and ada.node_id in bob.seen, FOUND_S)
        ada.seen.clear()
        bob.seen.clear()
        now = Interfaces(((9, "127.0.0.1", 8),))
        await until(lambda: bob.node_id in ada.seen and ada.node_id in bob.seen, FOUND_S)


async def test_a_name_that_is_taken_stops_nobody_from_being_found():
    victim, bob = LanNode("ada"), LanNode("bob")
    async with announcer() as hostile:
        squatted = service(victim.node_id, victim.node_id, path="/wrong")
        await (await hostile.async_register_service(squatted))
        async with started(victim, bob):
            await until(lambda: victim.node_id in bob.seen, FOUND_S)
            where = f"lan:ws://127.0.0.1:{victim.port}/peer-ws"
            assert bob.seen[victim.node_id][1] == [where]
            # one who claims to be the same node hides nothing of it
            posing = service(f"{victim.node_id}-3", victim.node_id, port=7)
            await (await hostile.async_register_service(posing))
            await until(lambda: len(bob.seen[victim.node_id][1]) == 2, FOUND_S)
            assert bob.seen[victim.node_id][1][0] == where


async def test_hostile_announcements_are_left_out_and_the_rest_is_found(caplog):
    bob, ada = LanNode("bob"), LanNode("ada")
    fine = "b2" * 8
    async with announcer() as hostile, started(bob):
        for instance, node_id, changes in [
            ("garbage", "c2" * 8, {}),
            ("d2" * 8, "D2" * 8, {}),
            ("e2" * 8, "e2" * 8, {"path": "/../../x"}),
            ("f2" * 8, "f2" * 8, {"v": "9"}),
            ("g2" * 8, "g2" * 8, {"near": "0" * 32}),
            (fine, fine, {"name": b"\xff\xfe\x1b[2J"}),
        ]:
            await hostile.async_register_service(
                service(instance, node_id, **changes), cooperating_responders=True
            )
        async with started(ada):
            await until(lambda: {fine, ada.node_id} <= bob.seen.keys(), FOUND_S)
            await until(lambda: "g2" * 8 in bob.seen, FOUND_S)
    seen = bob.seen
    assert not {"c2" * 8, "d2" * 8, "e2" * 8, "f2" * 8, "D2" * 8} & seen.keys()
    assert seen["g2" * 8][1] == []  # listed, and nothing to dial
    assert seen[fine][0].isprintable()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_network_where_nothing_can_be_sent_is_said_once_and_tried_again(
    monkeypatch, caplog
):
    tried = 0

    def broken(*args, **kwargs):
        nonlocal tried
        tried += 1
        raise OSError(19, "no such device")

    ada = LanNode("ada", poll_s=0.001)
    monkeypatch.setattr(zeroconf.asyncio, "AsyncZeroconf", broken)
    async with started(ada):
        await until(lambda: tried > 5)
        (finding,) = await ada.diagnose()
        assert (finding.status, "no such device" in finding.text) == ("failed", True)
    assert caplog.text.count("cannot be found") == 1


async def test_a_flood_of_announcements_is_bounded(monkeypatch):
    monkeypatch.setattr(lan, "MAX_INSTANCES", 10)
    monkeypatch.setattr(lan, "MAX_RESOLVING", 5)
    bob = LanNode("bob")
    for number in range(200):
        instance = "a" * 14 + "abcdefghijklmnopqrstuvwxyz"[number % 26] * 2 + f"-{number}"
        state = type("Added", (), {"name": "Added"})
        bob._on_service(None, SERVICE, f"{instance}.{SERVICE}", state)
        assert len(bob._resolving) <= 5
    await bob._end_resolving()
    await until(lambda: not bob._resolving)
    await bob.close()


async def test_what_is_no_address_of_this_transport_is_not_dialled():
    ada = LanNode()
    for address in ("ws://127.0.0.1:1/peer-ws", "lan:", "lan:http://x/", "lan:lan:ws://x/"):
        assert not ada.can_dial(address)
        with pytest.raises(UnreachableError):
            await ada.dial(address, None)
    await ada.close()


async def test_a_link_from_elsewhere_is_not_called_lan():
    """What the proxy in front of a server passes on may come from anywhere."""
    ada = LanNode()
    async with started(ada):
        link = lan.WebSocketLink("somewhere", is_dialled=False)
        for host, transport in ((None, "direct"), ("203.0.113.5", "direct"), ("127.0.0.1", "lan")):
            link.remote_host = host
            ada._name_link(link)
            assert link.transport == transport


async def test_a_node_on_loopback_alone_says_that_others_cannot_reach_it(caplog):
    ada = LanNode()
    async with started(ada):
        assert "listens on this machine only" in caplog.text
        assert "peer_listen" in caplog.text
        (finding,) = await ada.diagnose()
        assert (finding.status, "peer_listen" in finding.hint) == ("warning", True)
        ada.endpoint = Endpoint("0.0.0.0", 9797)
        (finding,) = await ada.diagnose()
        assert (finding.status, finding.text[:12]) == ("ok", "Announced at")


async def test_a_node_that_is_closed_as_it_starts_leaves_no_socket_open(monkeypatch):
    made: list[AsyncZeroconf] = []
    is_made = asyncio.Event()

    class Noted(AsyncZeroconf):
        def __init__(self, **options) -> None:
            super().__init__(**options)
            made.append(self)
            is_made.set()

    monkeypatch.setattr(zeroconf.asyncio, "AsyncZeroconf", Noted)
    for turns in range(12):
        async with started(LanNode()):
            await is_made.wait()
            is_made.clear()
            for _ in range(turns):
                await asyncio.sleep(0)
    for engine in (each.zeroconf.engine for each in made):
        assert engine._listen_socket is None
        assert engine._respond_sockets == []
        assert all(reader.transport.is_closing() for reader in engine.readers)
