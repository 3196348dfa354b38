"""P13 compares both engines of WebRTC. How fast is not a matter of tests."""

from __future__ import annotations

import io

from benchmarks.catalogue import choose
from benchmarks.report import Progress
from benchmarks.run import run


async def test_both_engines_are_measured_in_rate_and_processor_time():
    outcome = await run(choose("P13"), quick=True, progress=Progress(1, io.StringIO()))
    assert outcome.failures == {}
    assert [each.name for each in outcome.figures] == [
        "P13 WebRTC, bulk",
        "P13 WebRTC, processor time a MiB",
    ]
    assert all(each.ours > 0 and each.baseline > 0 for each in outcome.figures)
