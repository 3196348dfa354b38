"""Where the hub gets time and random numbers from; tests give it their own."""

from __future__ import annotations

import random
import secrets
import time


class Clock:
    """The system's clocks and random numbers."""

    def time(self) -> float:
        """Return the wall clock, epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return a clock that is never set, in seconds."""
        return time.monotonic()

    def random_bytes(self, count: int) -> bytes:
        """Return bytes fit for keys."""
        return secrets.token_bytes(count)

    def jitter(self) -> float:
        """Return a number between 0.5 and 1.5 that spreads what would happen at once."""
        return 0.5 + random.random()  # noqa: S311 - spreads load, guards nothing
