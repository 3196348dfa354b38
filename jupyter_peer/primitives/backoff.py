"""Pauses between attempts that fail: each twice as long as the one before, up to a limit."""

from __future__ import annotations

import random
from collections.abc import Callable

# A generator of its own: the user's notebook may have seeded the global one.
_chance = random.Random()  # noqa: S311 - spreads load, guards nothing


class Backoff:
    """The pauses between the attempts of one action.

    Args:
        first_s: Seconds of the first pause.
        longest_s: Seconds of the longest.
        jitter: Returns a factor for each pause, so that many nodes do not try at the same moment.
    """

    __slots__ = ("_first_s", "_jitter", "_longest_s", "_pause_s")

    def __init__(
        self, first_s: float, longest_s: float, jitter: Callable[[], float] = lambda: 1.0
    ) -> None:
        self._first_s = self._pause_s = first_s
        self._longest_s = longest_s
        self._jitter = jitter

    def next(self) -> float:
        """Return the seconds to pause before the next attempt."""
        pause = min(self._pause_s, self._longest_s)
        self._pause_s = min(2 * self._pause_s, self._longest_s)
        return pause * self._jitter()

    def skip(self) -> None:
        """Continue with the longest pause, after an attempt that will hardly succeed soon."""
        self._pause_s = self._longest_s

    def reset(self) -> None:
        """Begin with the first pause again, after an attempt that succeeded."""
        self._pause_s = self._first_s


def spread(least: float, most: float) -> Callable[[], float]:
    """Return a jitter that draws a factor between two bounds."""
    return lambda: _chance.uniform(least, most)
