"""The transcript of the demo: who did what and when, and the checks at the end."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec


class Check(msgspec.Struct, frozen=True):
    """One check of the demo.

    Attributes:
        what: The expectation, in words.
        passed: Whether it was met.
        found: Observation that differs, or a remark.
    """

    what: str
    passed: bool
    found: str = ""


class Transcript:
    """Writes lines with the seconds since the start, and the checks.

    Args:
        write: Receives one line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._begun = time.monotonic()
        self.checks: list[Check] = []

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begun

    def say(self, who: str, text: str) -> None:
        """Write that somebody did or saw something."""
        self._write(f"{self.seconds:6.1f} s  {who:<5} {text}")

    def heading(self, text: str) -> None:
        """Write a line without a time."""
        self._write(f"\n{text}\n")

    def check(self, what: str, passed: bool, found: str = "") -> None:
        """Record whether an expectation was met."""
        self.checks.append(Check(what, passed, found))

    def sum_up(self) -> bool:
        """Write all checks, and return whether every one has passed."""
        self.heading("Checks")
        for check in self.checks:
            found = f" ({check.found})" if check.found else ""
            self._write(f"  {'ok  ' if check.passed else 'FAIL'}  {check.what}{found}")
        passed = sum(check.passed for check in self.checks)
        self._write(f"\n{passed} of {len(self.checks)} checks passed in {self.seconds:.1f} s")
        return bool(self.checks) and passed == len(self.checks)
