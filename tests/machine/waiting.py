"""Waiting for what another task, thread or process brings about; never longer than a bound."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

STEP = 0.005
#: Much longer than anything takes, also on a busy machine: it only ends a wait that is in vain.
PATIENCE_S = 20.0


async def until(
    condition: Callable[[], T | Awaitable[T]], timeout: float = PATIENCE_S, what: str | None = None
) -> T:
    """Return the first truthy value of ``condition``, looking every 5 ms.

    Args:
        condition: A callable, or one that returns an awaitable.
        timeout: Seconds after which waiting fails.
        what: What was waited for, in the failure's words.

    Raises:
        AssertionError: The condition did not come true in time.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value  # type: ignore[return-value]
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what or _words(condition)}")
        await asyncio.sleep(STEP)


def until_sync(
    condition: Callable[[], T], timeout: float = PATIENCE_S, what: str | None = None
) -> T:
    """As :func:`until`, for tests without an event loop (threads, processes, a browser).

    Raises:
        AssertionError: The condition did not come true in time.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what or _words(condition)}")
        time.sleep(STEP)


def _words(condition: Callable[..., object]) -> str:
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):
        return repr(condition)
