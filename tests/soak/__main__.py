"""``python -m tests.soak --seconds=1800``: prints the table; fails when something was lost or grew."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.run import soak


def main() -> int:
    """Return 0 when nothing was lost and nothing grew, otherwise 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800.0, help="how long the faults go on")
    seconds = parser.parse_args().seconds
    # A disk that is full is told of at every write.
    logging.getLogger("jupyter_peer").setLevel(logging.ERROR)
    begun = time.monotonic()

    def say(step: str) -> None:
        sys.stderr.write(f"{time.monotonic() - begun:7.1f} s  {step}\n")

    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(soak(Path(folder), lambda: time.monotonic() - begun >= seconds, say))
    sys.stdout.write(f"{report.table()}\n")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
