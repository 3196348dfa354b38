"""A soak: the load before, between and after faults, then a table of what was done and lost."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.machine.waiting import until
from tests.soak.load import PATIENCE_S
from tests.soak.system import System, system
from tests.soak.tally import Tally
from tests.soak.usage import Usage


class Report:
    """What a soak has done and found.

    Attributes:
        faults: How often each was done.
        tallies: Of the load.
        revisions: Numbers written to the pane.
        before, after: What each process holds at rest.
        failures: What was lost or has grown, in words; empty when all is well.
    """

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.tallies: list[Tally] = []
        self.revisions = 0
        self.before: dict[str, Usage] = {}
        self.after: dict[str, Usage] = {}
        self.failures: list[str] = []

    def growth(self) -> list[str]:
        """Return what has grown, in words."""
        pairs = ((who, self.before[who], self.after[who]) for who in self.before)
        return [f"GREW: {who}: {what}" for who, was, now in pairs for what in now.growth(was)]

    def table(self) -> str:
        """Return all of it as a table."""
        lines = [f"{'':46}{'times':>8}"]
        lines += [f"{name:46}{count:8}" for name, count in self.faults.items()]
        lines += ["", f"{'':46}{'begun':>8}{'done':>8}{'refused':>8}{'lost':>8}"]
        lines += [
            f"{tally.name:46}{tally.begun:8}{tally.done:8}"
            f"{tally.reasons.total():8}{len(tally.losses()):8}"
            for tally in self.tallies
        ]
        lines += [f"{'revisions of the pane':46}{self.revisions:8}"]
        lines += ["", f"{'':14}{'memory, MiB':>18}{'tasks':>12}{'sockets':>12}{'files':>12}"]
        for who, was in self.before.items():
            now = self.after.get(who, was)
            memory = f"{was.memory:.0f} to {now.memory:.0f}"
            counts = (
                f"{'-' if a is None else f'{a} to {b}':>12}"
                for a, b in zip(was[1:], now[1:], strict=True)
            )
            lines.append(f"{who:14}{memory:>18}{''.join(counts)}")
        return "\n".join([*lines, "", *(self.failures or ["Nothing was lost and nothing grew."])])


async def soak(
    folder: Path, is_over: Callable[[], bool], say: Callable[[str], object] = lambda line: None
) -> Report:
    """Put the load on, do every fault in turn, and check that nothing was lost.

    Args:
        folder: For stores and keys.
        is_over: Asked after each round of all faults, of which there is at least one.
        say: Told each step.

    Returns:
        The report; a fault after which something does not come back ends the soak.
    """
    report = Report()
    async with system(folder) as made:
        try:
            made.load.start()
            await made.load.progress()
            await made.load.rest()
            report.before = made.usage()
            made.load.start()
            while True:
                for name, fault in made.faults.items():
                    say(name)
                    await fault()
                    report.faults[name] += 1
                    await made.load.progress()
                if is_over():
                    break
            await made.load.rest()
            await _measure(made, report)
        except AssertionError as error:
            report.failures.append(f"LOST: after {dict(report.faults)}: {error}")
            await made.load.give_up()
        made.read_journal()
        report.tallies = list(made.load.tallies.values())
        report.revisions = made.load.pane.written
        report.failures += [f"LOST: the pane at bob: {each}" for each in made.load.viewing.wrong]
        for tally in report.tallies:
            report.failures += [f"LOST: {each}" for each in tally.losses()]
    return report


async def _measure(made: System, report: Report) -> None:
    """Measure when nothing has grown any more; what a cut has left closes by and by."""

    async def is_small() -> bool:
        await made.load.settle()
        gc.collect()
        report.after = made.usage()
        return not report.growth()

    try:
        await until(is_small, PATIENCE_S)
    except AssertionError:
        report.failures += report.growth()
