"""Measurements over a relay run, and go over the relay."""

from __future__ import annotations

import io
from contextlib import AsyncExitStack

import pytest

from benchmarks.catalogue import choose
from benchmarks.processes import Program
from benchmarks.relayed import Crowd, _relayed, memory_of, register, start_broker
from benchmarks.report import Progress
from benchmarks.run import run
from jupyter_peer.errors import PeerTimeoutError, UnreachableError
from tests.benchmarks.test_links import workbench
from tests.machine.needs import needs_module, needs_program


async def test_relays_are_measured_beside_a_raw_forwarder():
    outcome = await run(choose("P8,P10,S4"), quick=True, progress=Progress(3, io.StringIO()))
    assert outcome.failures == {}
    found = [(each.name.partition(",")[0], each.baseline_name) for each in outcome.figures]
    over = "P8 over one broker"
    assert found == [
        *[(over, "json wire"), (over, "raw tornado forwarder")] * 2,
        (over, "json wire"),
        (over, "raw tornado forwarder"),
        ("P10 relay's memory for each of 20 idle nodes", ""),
        ("S4 growth of a round trip by registered nodes", ""),
    ]
    assert all(each.met is not None for each in outcome.figures if each.goal)


async def test_a_class_is_measured_with_one_copy_beside_a_copy_for_each():
    outcome = await run(choose("N3"), quick=True, progress=Progress(1, io.StringIO()))
    assert outcome.failures == {}
    found = {(each.name.partition(", ")[2], each.baseline_name): each for each in outcome.figures}
    assert len(found) == len(outcome.figures) == 6
    one = found["owner's uplink", "one viewer"]
    assert one.met
    each = found["owner's uplink", "a copy for each"]
    assert each.ratio is not None
    assert each.ratio < 0.5


async def test_joined_brokers_are_measured_with_a_nats_server():
    needs_program("nats-server")
    needs_module("nats", "cluster")
    outcome = await run(choose("P8N,P10N"), quick=True, progress=Progress(2, io.StringIO()))
    assert outcome.failures == {}
    assert [each.name[:4] for each in outcome.figures] == ["P8N "] * 6 + ["P10N"]
    assert all(each.ours is not None for each in outcome.figures)


async def test_without_a_nats_server_joined_brokers_are_not_measured(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda program, path=None: None)
    outcome = await run(choose("P10N"), quick=True, progress=Progress(1, io.StringIO()))
    assert outcome.failures["P10N"].startswith("not_enabled: joined brokers need nats-server")
    assert [each.ours for each in outcome.figures] == [None]


async def test_links_over_the_relay_go_over_it_and_the_raw_ones_over_the_forwarder():
    async with workbench() as bench, AsyncExitStack() as stack:
        broker = await start_broker(stack)
        async with _relayed(bench, [broker]) as links:
            for link, is_sealed in ((links.ours, True), (links.plain, False)):
                peer = link.hub.peer(link.peer_id)
                assert (peer.transport, peer.sealed) == ("relay", is_sealed)
                await link.flood(b"x" * 2000, 20)
            await links.count.flood(b"x" * 2000, 20)
            await links.echo.echo(b"hello")


async def test_registered_nodes_hang_up_with_their_crowd():
    async with AsyncExitStack() as stack:
        broker = await start_broker(stack)
        assert memory_of(broker) > 1 << 20
        crowd = Crowd(broker)
        await crowd.grow(3)
        await crowd.grow(3)
        crowd.close()
        await crowd.grow(1)
        crowd.close()
    with pytest.raises(UnreachableError):
        await register("ws://127.0.0.1:1/relay-ws")


async def test_a_program_that_ends_at_once_is_said_so():
    with pytest.raises(PeerTimeoutError, match="has ended at once"):
        await Program.start("-c", "pass")


async def test_a_program_ends_when_its_stdin_does():
    code = "import sys; print('up', flush=True); sys.stdin.read()"
    program = await Program.start("-c", code)
    assert program.first_line == b"up\n"
    await program.stop()
    await program.stop()
