"""How often a peer may do something: so many times at once, and then at a rate."""

from __future__ import annotations


class Pace:
    """One peer's allowance.

    Args:
        burst: How often at once after a pause.
        rate: How often a second after that.
    """

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, burst: float, rate: float) -> None:
        self._burst = self._left = float(burst)
        self._rate = rate
        self._at = 0.0

    def may(self, now: float) -> bool:
        """Count once more; return whether that is allowed.

        Args:
            now: Seconds of a monotonic clock.
        """
        self._left = min(self._left + (now - self._at) * self._rate, self._burst)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
