"""Runs measurements one after another; a failure is reported and does not stop the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from jupyter_peer.errors import PeerError

from .catalogue import Measurement
from .figures import Figure
from .plot import Point
from .report import Progress
from .workbench import Workbench

log = logging.getLogger(__name__)

#: Longest time of one measurement.
LIMIT_S = 600.0


class Outcome(msgspec.Struct, frozen=True):
    """The results of a run.

    Attributes:
        figures: The rows of the table; a failed measurement has one without a value.
        failures: Short name of a failed measurement -> why.
        points: Points of the sweeps.
    """

    figures: list[Figure]
    failures: dict[str, str]
    points: list[Point]


async def run(
    measurements: Sequence[Measurement],
    *,
    quick: bool,
    progress: Progress,
    on_figures: Callable[[Sequence[Figure]], None] = lambda figures: None,
) -> Outcome:
    """Run them.

    Args:
        measurements: The measurements.
        quick: See :class:`.Workbench`.
        progress: Shows the progress.
        on_figures: Receives the rows of each finished measurement.
    """
    bench = Workbench(quick, progress.step)
    outcome = Outcome([], {}, bench.points)
    try:
        for done, measurement in enumerate(measurements):
            progress.begin(measurement.name, done)
            try:
                async with asyncio.timeout(LIMIT_S):
                    figures = await measurement.load()(bench)
            except Exception as error:
                outcome.failures[measurement.name] = _why(error)
                figures = [Figure(f"{measurement.name} {measurement.what}", "", None)]
                # Its remains must not affect the next one.
                await bench.close()
            outcome.figures.extend(figures)
            on_figures(figures)
    finally:
        await bench.close()
        progress.clear()
    return outcome


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not isinstance(error, PeerError):
        return f"not done within {LIMIT_S:g} s"
    if not isinstance(error, PeerError):
        log.debug("a measurement failed", exc_info=error)
        return f"{type(error).__name__}: {error}"
    return f"{error.code}: {error}"
