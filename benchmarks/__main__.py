"""``python -m benchmarks``, which ``make bench`` runs from the checkout."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Sequence

import msgspec

from jupyter_peer.errors import PeerError

from . import report
from .catalogue import choose
from .plot import check_can_plot, write_csv, write_plot
from .run import run

OK, REFUSED, INTERRUPTED = 0, 1, 130
DESCRIPTION = """\
Measure how fast this machine's links are. Each figure stands beside a baseline of the same run: a raw
Tornado WebSocket, the plain JSON wire, the owner's own browser socket. Links run between two processes
over loopback; every message is sealed, signed, verified and handled. The exit code is 0 whether or not
the figures hold."""
EXAMPLES = """\
examples:
  make bench
  make bench QUICK=1                      # does everything work? the figures mean little
  make bench ONLY=P2 JSON=-               # print JSON and nothing else
  make bench ONLY=P2,P5 JSON=figures.json
  make bench ONLY=S1,S2,S3 CSV=growth.csv PLOT=growth.png
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--only", default="", metavar="NAMES", help="measurements, such as P2,U1")
    made.add_argument("--quick", action="store_true", help="run few rounds of little work")
    made.add_argument(
        "--json",
        nargs="?",
        const="-",
        default="",
        metavar="FILE",
        help="write the figures as a JSON list; without FILE, or with -, print it instead of the table",
    )
    made.add_argument("--csv", default="", metavar="FILE", help="write the points of the sweeps")
    made.add_argument(
        "--plot", default="", metavar="FILE", help="draw the sweeps; this needs matplotlib"
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks and return the exit code: 0 measured, 1 refused or failed.

    Args:
        argv: The options; those of this process if None.

    Raises:
        SystemExit: The options are wrong (code 2), or help was asked for (code 0).
    """
    options = parser().parse_args(argv)
    try:
        _measure(options)
    except PeerError as error:
        print(f"{error.code}: {error.message}\n  {error.hint}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    return OK


def _measure(options: argparse.Namespace) -> None:
    measurements = choose(options.only)
    is_printed = options.json == "-"
    report.check_writable("" if is_printed else options.json, options.csv, options.plot)
    if options.plot:
        check_can_plot()
    print(machine(), file=sys.stderr)
    progress = report.Progress(len(measurements))
    outcome = asyncio.run(run(measurements, quick=options.quick, progress=progress))
    if is_printed:
        print(msgspec.json.format(msgspec.json.encode(outcome.figures), indent=2).decode())
    else:
        print(report.table(outcome.figures))
        print(f"\n{report.summary(outcome.figures)}")
    for name, why in outcome.failures.items():
        print(f"{name} was not measured: {why}", file=sys.stderr)
    if options.json and not is_printed:
        report.write_json(options.json, outcome.figures)
    if options.csv:
        write_csv(options.csv, outcome.points)
    if options.plot:
        write_plot(options.plot, outcome.points)


def machine() -> str:
    """Return a line that describes this machine, for the readers of the figures."""
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


if __name__ == "__main__":
    sys.exit(main())
