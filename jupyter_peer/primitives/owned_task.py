"""A task that somebody owns: started once, and ended with its owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from . import background


class OwnedTask:
    """Runs one coroutine until it is closed; without :meth:`start` it does nothing.

    Args:
        name: What it does, for the log line if it fails.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[None] | None = None

    @property
    def is_started(self) -> bool:
        """Whether the task was started and has not been closed since."""
        return self._task is not None

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start the work; does nothing if it has started already."""
        if self._task is None:
            self._task = background.start(work(), self._name)

    async def close(self) -> None:
        """Cancel the work and wait until it has ended; may be called twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
