"""A wall clock that somebody sets while nodes run."""

from __future__ import annotations

from jupyter_peer.primitives.clock import Clock


class MovableClock(Clock):
    """The system's clocks, until the wall clock is set."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self._ahead_s

    def move(self, seconds: float) -> None:
        """Set the wall clock forward, or back by a negative number."""
        self._ahead_s += seconds
