"""What the reader of the demo sees: who did what and when, and in the end what was checked."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec


class Check(msgspec.Struct, frozen=True):
    """One thing that has to be so.

    Attributes:
        what: In words.
        passed: Whether it is.
        found: What was seen instead, or beside.
    """

    what: str
    passed: bool
    found: str = ""


class Transcript:
    """Lines with the seconds since the beginning, and the checks.

    Args:
        write: Takes one line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._begun = time.monotonic()
        self.checks: list[Check] = []

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self._begun

    def say(self, who: str, text: str) -> None:
        """Write that somebody did or saw something."""
        self._write(f"{self.seconds:6.1f} s  {who:<5} {text}")

    def heading(self, text: str) -> None:
        """Write a line of its own."""
        self._write(f"\n{text}\n")

    def check(self, what: str, passed: bool, found: str = "") -> None:
        """Note whether something is as it has to be."""
        self.checks.append(Check(what, passed, found))

    def sum_up(self) -> bool:
        """Write all checks; returns whether every one has passed."""
        self.heading("What was checked")
        for check in self.checks:
            found = f" ({check.found})" if check.found else ""
            self._write(f"  {'ok  ' if check.passed else 'FAIL'}  {check.what}{found}")
        passed = sum(check.passed for check in self.checks)
        self._write(f"\n{passed} of {len(self.checks)} checks passed in {self.seconds:.1f} s")
        return bool(self.checks) and passed == len(self.checks)
