"""Tasks that nobody awaits: a failure is logged instead of lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


def start(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Run a coroutine in a task of the running loop, and log the error it ends with.

    asyncio reports such an error only when the task is collected, so never for a task that an
    object keeps.

    Args:
        work: The coroutine.
        name: What it does, for the log line.

    Returns:
        The task; the caller keeps a reference.
    """
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(partial(_log_failure, name))
    return task


def _log_failure(name: str, task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a task failed: %s", name, exc_info=error)
