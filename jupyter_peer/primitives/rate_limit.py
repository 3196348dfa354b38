"""A rate limit with a burst: the token bucket."""

from __future__ import annotations


class RateLimit:
    """Limits one sender, in units that the caller chooses.

    Args:
        rate: Units a second.
        burst: Units that are allowed at once after a pause.
    """

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = float(rate)
        self._burst = self._left = float(burst)
        self._at = 0.0

    def allows(self, now: float, units: float = 1.0) -> bool:
        """Count units if the limit allows them, and return whether it does.

        Args:
            now: Seconds of a monotonic clock.
            units: Number of units; refused units do not count.
        """
        self._refill(now)
        if self._left < units:
            return False
        self._left -= units
        return True

    def charge(self, now: float, units: float) -> float:
        """Count units that can no longer be refused; return how long their sender must wait.

        Args:
            now: Seconds of a monotonic clock.
            units: Number of units; they may exceed the limit.

        Returns:
            Seconds until the sender is within its limit again; 0 if it is already.
        """
        self._refill(now)
        self._left -= units
        return max(0.0, -self._left / self._rate)

    def _refill(self, now: float) -> None:
        self._left = min(self._left + (now - self._at) * self._rate, self._burst)
        self._at = now
