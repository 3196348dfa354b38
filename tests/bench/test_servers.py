"""Measurements with real Jupyter servers and kernels run, and clean up behind themselves."""

from __future__ import annotations

import io

import pytest

from jupyter_peer.bench.catalogue import choose
from jupyter_peer.bench.report import Progress
from jupyter_peer.bench.run import run


@pytest.mark.timeout(180)
async def test_idle_nodes_and_imports_are_measured():
    found = await _measured("P11,P12")
    assert found["P11 idle node, memory above plain"].ours > 1
    assert found["P11 idle node, CPU above plain"].goal == "<= 0.2 %"
    assert found["P12 import time, server start"].ours > 1
    assert found["P12 import time, %load_ext"].ours > 1


@pytest.mark.timeout(180)
async def test_what_people_feel_is_measured_with_real_servers_and_kernels():
    found = await _measured("U1,U4,U6")
    for what in ("text", "a PNG of 100 KB"):
        row = found[f"U1 display() to the viewer, {what}, p50"]
        assert row.ours > 0
        assert row.baseline > 0
    large = found["U4 2 MB output to the viewer's kernel"]
    assert (large.goal, large.baseline_name) == (">= 0.4x", "raw tornado, bulk")
    assert found["U6 invite to first remote output"].ours > 0


async def _measured(names):
    chosen = choose(names)
    outcome = await run(chosen, quick=True, progress=Progress(len(chosen), io.StringIO()))
    assert outcome.failures == {}
    return {each.name: each for each in outcome.figures}
