"""A daemon thread that runs an event loop of its own, and how other threads call into it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class _Thread(threading.Thread):
    """The thread of a :class:`LoopThread`."""


def is_here() -> bool:
    """Return whether the caller runs on a :class:`LoopThread`."""
    return isinstance(threading.current_thread(), _Thread)


class LoopThread:
    """A daemon thread that runs an event loop.

    Args:
        name: Name of the thread.
        loop: The loop; by default one that Tornado can use.
    """

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop | None = None) -> None:
        # Tornado needs add_reader, which Windows' default loop does not have.
        self.loop = loop if loop is not None else asyncio.SelectorEventLoop()
        self._thread = _Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.run_until_complete(self._end_tasks())
            self.loop.close()

    async def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_default_executor()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine from any thread.

        Raises:
            RuntimeError: The thread has been stopped.
        """
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop)
        except RuntimeError:
            work.close()
            raise

    def soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Call back on this thread; does nothing once it has been stopped."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(callback, *args)

    def stop(self) -> None:
        """End the loop and the thread."""
        self.soon(self.loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2)
