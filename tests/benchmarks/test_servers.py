"""Measurements with real Jupyter servers and kernels run, and clean up behind themselves."""

from __future__ import annotations

import io
from collections import defaultdict

import pytest

from benchmarks.catalogue import choose
from benchmarks.collab import is_installed
from benchmarks.felt import OWN_PAGE
from benchmarks.guest_page import ROUND_TRIP_S
from benchmarks.pace import INTERVAL_S
from benchmarks.report import Progress
from benchmarks.run import run
from tests.machine.needs import needs_program


@pytest.mark.timeout(180)
async def test_idle_nodes_and_imports_are_measured():
    found = await _measured("P11,P12")
    assert found["P11 idle node, memory above plain"][0].ours > 1
    assert found["P11 idle node, CPU above plain"][0].goal == "0.03 %"
    assert found["P12 import time, server start"][0].ours > 1
    assert found["P12 import time, %load_ext"][0].ours > 1


@pytest.mark.timeout(180)
async def test_what_people_feel_is_measured_with_real_servers_and_kernels():
    found = await _measured("U1,U2,U3,U4,U6,U7")
    for what in ("text", "a PNG of 100 KB"):
        own, second = found[f"U1 display() to the viewer, {what}, p50"]
        assert own.ours == second.ours > 0
        assert own.baseline > 0
        assert (own.baseline_name, own.goal) == ("owner's own browser socket", "2x")
        assert second.goal == "<= 1x"
        if is_installed():
            assert second.baseline > own.baseline
        else:
            assert second.baseline_name == "jupyter-collaboration is not installed"
            assert second.baseline is second.met is None
    (moved,) = found["U2 slider to its callback's output, p50"]
    assert moved.ours > 0
    assert moved.baseline > 0
    assert (moved.baseline_name, moved.goal) == ("owner's own browser socket", "0.2x")
    (large,) = found["U4 2 MB output to the viewer's kernel"]
    assert (large.goal, large.baseline_name) == ("", "raw tornado, bulk")
    newest, age, beside, memory = (
        row for name in found if name.startswith("U3 ") for row in found[name]
    )
    assert (newest.goal, age.goal, memory.goal) == ("1.9 intervals", "", "")
    assert age.baseline == INTERVAL_S * 1e3
    assert (beside.ours, beside.baseline_name) == (age.ours, OWN_PAGE)
    assert memory.baseline_name == "nobody watching"
    (first,) = found["U6 invite to first remote output"]
    assert first.ours > 0
    for what, goal in (
        ("first piece after the agent's own", 300),
        ("stop to the agent's end", 200),
    ):
        for share in ("p50", "p95"):
            (asked,) = found[f"U7 {what}, {share}"]
            assert asked.ours > 0
            assert asked.baseline > 0
            assert (asked.baseline_name, asked.goal) == ("raw tornado", f"<= {goal} ms")


@pytest.mark.timeout(180)
async def test_the_page_of_a_guest_link_is_measured_in_a_cold_browser():
    needs_program("chromium")
    found = await _measured("G1,G2,G3,G4")
    (opened,) = found["G1 link to first picture, 50 ms round trip"]
    # No fewer round trips than TCP, the page, the frame in it, the socket and the handshake.
    assert opened.ours > 5 * ROUND_TRIP_S
    assert opened.goal == "<= 2 s"
    (size,) = found["G1 page, compressed"]
    assert size.ours > 1
    for share in ("p50", "p95"):
        assert found[f"G2 display() to a guest's page, {share}"][0].ours > 0
    (memory,) = found["G3 page's memory after 10 updates of 100 KB"]
    assert memory.ours > 0
    assert memory.baseline > 0
    assert memory.goal == "<= 1.25x"
    assert found["G3 updates of 100 KB"][0].ours > 0
    (stopped,) = found["G4 link stopped to blank page"]
    assert stopped.ours > 0
    assert stopped.goal == "<= 1 s"


async def _measured(names):
    chosen = choose(names)
    outcome = await run(chosen, quick=True, progress=Progress(len(chosen), io.StringIO()))
    assert outcome.failures == {}
    rows = defaultdict(list)
    for each in outcome.figures:
        rows[each.name].append(each)
    return rows
