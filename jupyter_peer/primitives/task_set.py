"""A set of tasks that end with their owner."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

from . import background


class TaskSet:
    """Runs coroutines until they end or the set is closed.

    If a task fails, the error is logged. A task that starts after :meth:`close` is cancelled at
    once.

    Args:
        name: What the tasks do, for the log line of one that failed.
    """

    __slots__ = ("_is_closed", "_name", "_tasks")

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return iter(list(self._tasks))

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine in a task of the running loop."""
        task = background.start(work, self._name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._is_closed:
            task.cancel()
        return task

    async def join(self) -> None:
        """Wait until every task has ended without being cancelled."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Cancel every task and wait for its end; may be called twice, and by one of the tasks."""
        self._is_closed = True
        others = self._tasks - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
