"""Output of the benchmarks: the table, the JSON, and a progress bar on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from jupyter_peer.errors import BadRequestError

from .figures import Figure

_HEAD = ("figure", "ours", "baseline", "", "ratio", "held at", "met")
_BAR = 24


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as lines of a table."""
    rows = [_HEAD, *(_cells(each) for each in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    left = (0, 3, 6)
    lines = [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _cells(each: Figure) -> tuple[str, ...]:
    met = {True: "yes", False: "NO", None: ""}[each.met]
    ratio = "" if each.ratio is None else f"{number(each.ratio)}x"
    ours = "not measured" if each.ours is None else f"{number(each.ours)} {each.unit}"
    baseline = "" if each.baseline is None else f"{number(each.baseline)} {each.unit}"
    return (each.name, ours, baseline, each.baseline_name, ratio, each.goal, met)


def number(value: float) -> str:
    """Return a number with three significant digits."""
    size = abs(value)
    if size >= 100 or value == 0:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.3g}"


def summary(figures: Sequence[Figure]) -> str:
    """Return in one sentence how many figures keep their bound."""
    judged = [each for each in figures if each.met is not None]
    return f"{sum(bool(each.met) for each in judged)} of {len(judged)} bounds kept"


def check_writable(*paths: str) -> None:
    """Check before a long run that its files can be written; empty paths are skipped.

    Raises:
        BadRequestError: A file cannot be written.
    """
    for path in filter(None, paths):
        if not Path(path).parent.is_dir() or Path(path).is_dir():
            raise BadRequestError(
                f"{path} cannot be written", hint="name a file in a folder that exists"
            )


def write_json(path: str, figures: Sequence[Figure]) -> None:
    """Write the figures as a JSON list.

    Raises:
        BadRequestError: The file cannot be written.
    """
    write(path, msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")


def write(path: str, content: bytes) -> None:
    """Write a file.

    Raises:
        BadRequestError: It cannot be written.
    """
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise BadRequestError(
            f"{path} cannot be written: {error.strerror}",
            hint=f"check the permissions of {Path(path).parent}",
        ) from error


class Progress:
    """A progress bar on a terminal; elsewhere nothing.

    Args:
        total: Number of measurements.
        stream: Stream for the bar.
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._is_shown = self._stream.isatty()
        self._done = 0
        self._name = ""

    def begin(self, name: str, done: int) -> None:
        """Set the current measurement and the number of finished ones."""
        self._name, self._done = name, done
        self.step("", 0.0)

    def step(self, text: str, share: float) -> None:
        """Draw the bar with the current step."""
        if not self._is_shown:
            return
        filled = round(_BAR * (self._done + share) / self._total)
        line = f"[{'#' * filled}{'.' * (_BAR - filled)}] {self._name} {text}"
        self._stream.write("\r\x1b[K" + line[:100])
        self._stream.flush()

    def clear(self) -> None:
        """Remove the bar."""
        if self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
