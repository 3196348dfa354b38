"""Measurements of many nodes and of growth run, and mean what they say."""

from __future__ import annotations

import csv
import io

import pytest

from benchmarks.catalogue import choose
from benchmarks.fan_out import spend
from benchmarks.plot import Point, write_csv, write_plot
from benchmarks.report import Progress
from benchmarks.run import run
from jupyter_peer.errors import BadRequestError
from tests.benchmarks.test_links import workbench


async def test_fan_out_and_growth_are_measured():
    chosen = choose("P9,S1,S2,S3")
    outcome = await run(chosen, quick=True, progress=Progress(4, io.StringIO()))
    assert outcome.failures == {}
    counts = dict.fromkeys(("P9", "S1", "S2", "S3"), 0)
    for each in outcome.figures:
        counts[each.name[:2]] += 1
        assert each.ours is not None
    assert counts == {"P9": 4, "S1": 1, "S2": 2, "S3": 2}
    assert {point.sweep[:2] for point in outcome.points} == {"S1", "S2", "S3"}
    assert all(point.x > 0 and point.y > 0 for point in outcome.points)


async def test_a_crowd_gets_each_message_once_however_it_is_sent():
    async with workbench() as bench:
        wire = await bench.wire()
        three = await wire.viewers.of(3)
        assert await wire.viewers.of(2) == three[:2]
        assert {wire.node.hub.peer(node_id).sealed for node_id in three} == {True}
        plain = await wire.plain_viewers.of(1)
        assert wire.plain.hub.peer(plain[0]).sealed is False
        for send in (wire.viewers.send_to_all, wire.viewers.send_to_each):
            spent = await spend(wire.viewers, three, send)
            assert spent.cpu_s > 0
            assert spent.last_s > 0
        metrics = wire.node.hub.metrics()
        assert len({metrics[node_id]["messages_out"] for node_id in three}) == 1


POINTS = [Point("S1 a, b", 1, 0.5, "ms"), Point("S1 a, b", 10, 5.0, "ms"), Point("S2", 1, 2, "ms")]


def test_points_are_written_as_csv(tmp_path):
    path = tmp_path / "points.csv"
    write_csv(str(path), POINTS)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [row["sweep"] for row in rows] == ["S1 a, b", "S1 a, b", "S2"]
    assert float(rows[1]["y"]) == 5.0


def test_points_are_drawn(tmp_path):
    path = tmp_path / "points.png"
    write_plot(str(path), POINTS)
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(BadRequestError, match="cannot be drawn"):
        write_plot(str(tmp_path / "points.docx"), POINTS)
