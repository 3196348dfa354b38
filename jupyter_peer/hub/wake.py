"""Notices that the machine was asleep: the wall clock is ahead of where it should be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..primitives.owned_task import OwnedTask
from .clock import Clock

log = logging.getLogger(__name__)

# A loop that was busy for so long is taken for asleep, which costs a round of pings.
MIN_SLEEP_S = 5.0


class WakeWatch:
    """Compares how long it has slept with what the wall clock says.

    A monotonic clock does not tell: on Linux and macOS it stands still while the machine sleeps,
    on Windows it goes on. A wall clock that is set forward looks like sleep; one that is set back
    looks like nothing.

    Args:
        clock: The wall clock.
        on_wake: Called after sleep; awaited before it is looked again.
        poll_s: How often, in seconds.
    """

    def __init__(self, clock: Clock, on_wake: Callable[[], Awaitable[None]], poll_s: float) -> None:
        self._clock = clock
        self._on_wake = on_wake
        self._poll_s = poll_s
        self._task = OwnedTask()

    def start(self) -> None:
        """Begin to look."""
        self._task.start(self._run)

    async def close(self) -> None:
        """Stop looking; may be called twice."""
        await self._task.close()

    async def _run(self) -> None:
        while True:
            before = self._clock.time()
            await asyncio.sleep(self._poll_s)
            slept = self._clock.time() - before - self._poll_s
            if slept > MIN_SLEEP_S:
                log.info("the machine was asleep for %.0f s; links are tried anew", slept)
                try:
                    await self._on_wake()
                except Exception:
                    log.exception("what follows sleep failed")
