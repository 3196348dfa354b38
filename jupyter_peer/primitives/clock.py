"""Clocks and random numbers that tests can replace, and a watch that notices sleep."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable

from .owned_task import OwnedTask

log = logging.getLogger(__name__)

# A loop that was busy for this long counts as asleep; the price is one round of pings.
MIN_SLEEP_S = 5.0


class Clock:
    """The system's clocks and random numbers; tests inject their own."""

    def time(self) -> float:
        """Return the wall clock, epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return the seconds of a clock that nobody can set."""
        return time.monotonic()

    def random_bytes(self, count: int) -> bytes:
        """Return bytes fit for keys."""
        return secrets.token_bytes(count)

    def jitter(self) -> float:
        """Return a factor between 0.5 and 1.5 that spreads simultaneous events."""
        return 0.5 + random.random()  # noqa: S311 - spreads load, guards nothing


class WakeWatch:
    """Notices that the machine was asleep: the wall clock is ahead of where it should be.

    A monotonic clock does not help: on Linux and macOS it stands still while the machine sleeps, on
    Windows it goes on. A wall clock that is set forward looks like sleep; one that is set back
    looks like nothing.

    Args:
        clock: The wall clock.
        on_wake: Called and awaited after sleep.
        poll_s: Seconds between two checks of the clock.
    """

    def __init__(self, clock: Clock, on_wake: Callable[[], Awaitable[None]], poll_s: float) -> None:
        self._clock = clock
        self._on_wake = on_wake
        self._poll_s = poll_s
        self._task = OwnedTask("noticing that the machine slept")

    def start(self) -> None:
        """Start the watch."""
        self._task.start(self._run)

    async def close(self) -> None:
        """Stop the watch; may be called twice."""
        await self._task.close()

    async def _run(self) -> None:
        seen = self._clock.time()
        while True:
            await asyncio.sleep(self._poll_s)
            # Since the last check, so that sleep while `on_wake` runs is noticed too.
            before, seen = seen, self._clock.time()
            slept = seen - before - self._poll_s
            if slept > MIN_SLEEP_S:
                log.info("the machine was asleep for %.0f s; links are tried anew", slept)
                try:
                    await self._on_wake()
                except Exception:
                    log.exception("what follows sleep failed")
