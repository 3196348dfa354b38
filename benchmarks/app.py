"""``jupyter peer bench``."""

from __future__ import annotations

import asyncio
import os
import platform
from typing import Any, ClassVar

import msgspec
from traitlets import Bool, Unicode

from jupyter_peer.commands.shared.command import Command
from jupyter_peer.commands.shared.terminal import remark, tell, tell_json


class BenchApp(Command):
    """Measures how fast links, panes and servers are on this machine."""

    name = "jupyter-peer-bench"
    description = (
        "Measure how fast this machine's links are. Every figure stands beside a baseline that was "
        "measured in turns with it, in the same run: a raw Tornado WebSocket, the plain JSON wire, "
        "the owner's own browser socket. Two processes, sockets on loopback, real Jupyter servers "
        "where servers are measured; every message is sealed, signed, verified and handled. "
        "Exit code 0 says that it ran, not that the goals are met."
    )
    examples = """
        jupyter peer bench
        jupyter peer bench --quick              # does all of it work? the figures mean little
        jupyter peer bench --only=P2 --json     # prints JSON and nothing else
        jupyter peer bench --only=P2,P5 --json=figures.json
        jupyter peer bench --only=S1,S2,S3 --csv=growth.csv --plot=growth.png
    """

    json = Unicode(
        "", help="File for the figures, a JSON list; `-` prints it in place of the table."
    ).tag(config=True)
    csv = Unicode("", help="File for the points of the sweeps.").tag(config=True)
    plot = Unicode("", help="File for a picture of the sweeps; needs matplotlib.").tag(config=True)
    only = Unicode("", help="Short names of measurements, separated by commas.").tag(config=True)
    quick = Bool(False, help="Whether few rounds of little work are enough.").tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "json": "BenchApp.json",
        "csv": "BenchApp.csv",
        "plot": "BenchApp.plot",
        "only": "BenchApp.only",
    }
    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "quick": ({"BenchApp": {"quick": True}}, "Few rounds of little work."),
        **Command.flags,
    }

    def parse_command_line(self, argv: Any = None) -> None:
        """Let ``--json`` stand alone too, and mean stdout."""
        words = list(argv or ())
        super().parse_command_line(
            [
                "--json=-" if word == "--json" and after.startswith("-") else word
                for word, after in zip(words, [*words[1:], "-"], strict=True)
            ]
        )

    def run(self) -> None:
        """Measure, print, write."""
        from . import report
        from .catalogue import choose
        from .plot import check_can_plot, write_csv, write_plot
        from .reasons import reasons
        from .run import run

        measurements = choose(self.only)
        is_printed = self.json == "-"
        report.check_writable("" if is_printed else self.json, self.csv, self.plot)
        if self.plot:
            check_can_plot()
        progress = report.Progress(len(measurements))
        remark(machine())
        outcome = asyncio.run(run(measurements, quick=self.quick, progress=progress))
        if is_printed:
            tell_json(msgspec.to_builtins(outcome.figures))
        else:
            tell(report.table(outcome.figures))
            tell(f"\n{report.summary(outcome.figures)}")
            if known := reasons(outcome.figures):
                tell("\nWhere the time goes, of those that are not met:")
                for line in known:
                    tell(f"  {line}")
        for name, why in outcome.failures.items():
            remark(f"{name} was not measured: {why}")
        if self.json and not is_printed:
            report.write_json(self.json, outcome.figures)
        if self.csv:
            write_csv(self.csv, outcome.points)
        if self.plot:
            write_plot(self.plot, outcome.points)


def machine() -> str:
    """Return on what it runs, for whoever reads the figures later."""
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
