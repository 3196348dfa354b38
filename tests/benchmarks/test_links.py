"""P1 to P7 run, and compare like with like. How fast is not a matter of tests."""

from __future__ import annotations

import contextlib
import io

from benchmarks.catalogue import choose
from benchmarks.figures import Goal
from benchmarks.links import JSON, OURS, RAW, Bulk, compare
from benchmarks.report import Progress
from benchmarks.run import run
from benchmarks.workbench import Workbench


@contextlib.asynccontextmanager
async def workbench():
    bench = Workbench(quick=True, on_step=lambda text, share: None)
    try:
        yield bench
    finally:
        await bench.close()


async def test_links_are_measured_beside_the_json_wire_and_a_raw_websocket():
    chosen = choose("P1,P2,P3,P4,P5,P6,P7")
    outcome = await run(chosen, quick=True, progress=Progress(7, io.StringIO()))
    assert outcome.failures == {}
    found = [(each.name[:2], each.baseline_name) for each in outcome.figures]
    both = [(name, baseline) for name in ("P2", "P3", "P4", "P5") for baseline in (JSON, RAW)]
    assert found == [
        ("P1", JSON),
        *both,
        *[("P6", JSON), ("P6", RAW)] * 2,
        ("P7", JSON),
        ("P7", "idle link's p99 + a fragment"),
    ]
    assert all(each.ours > 0 and each.baseline > 0 for each in outcome.figures)
    assert all(each.met is not None for each in outcome.figures if each.goal)
    assert sum(bool(each.goal) for each in outcome.figures) == 12


async def test_ours_is_sealed_and_the_json_wire_is_not():
    async with workbench() as bench:
        wire = await bench.wire()
        assert wire.ours.hub.peer(wire.ours.peer_id).sealed is True
        assert wire.plain.hub.peer(wire.plain.peer_id).sealed is False
        for link in (wire.ours, wire.plain):
            assert link.hub.peer(link.peer_id).transport == "direct"


async def test_what_is_sent_is_counted_by_the_other_process():
    async with workbench() as bench:
        wire = await bench.wire()
        before = wire.ours.hub.metrics()[wire.ours.peer_id]["messages_out"]
        await wire.ours.flood(b"x" * 200, 100)
        assert wire.ours.hub.metrics()[wire.ours.peer_id]["messages_out"] == before + 101
        bulk = Bulk(wire.ours, size=100_000)
        bulk.start()
        late_s = await wire.ours.lateness(0.1, 0.02)
        assert await bulk.stop() > 0
        assert len(late_s) >= 2
        assert all(0 <= late < 60 for late in late_s)


async def test_a_closed_workbench_can_be_used_again():
    async with workbench() as bench:
        first = await bench.wire()
        assert await bench.wire() is first
        await bench.close()
        again = await bench.wire()
        assert again is not first
        await again.plain.echo(b"hello")


async def test_rounds_take_turns_in_both_directions():
    async with workbench() as bench:
        order = []

        def contender(name):
            async def measure():
                order.append(name)
                return float(len(order))

            return measure

        bench.rounds = 3
        values = await bench.alternate({name: contender(name) for name in "abc"})
        assert "".join(order) == "abccbaabc"
        assert values == {"a": [1, 6, 7], "b": [2, 5, 8], "c": [3, 4, 9]}


def test_a_comparison_is_of_medians():
    values = {OURS: [1.0, 2.0, 90.0], JSON: [4.0, 80.0, 3.0]}
    (row,) = compare(values, "P2 x", "ms", {JSON: Goal(0.6)}, scale=1000)
    assert (row.ours, row.baseline, row.ratio, row.met) == (2000, 4000, 0.5, True)
