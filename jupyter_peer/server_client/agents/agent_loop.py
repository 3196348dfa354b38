"""The event loop for the coroutines of all agents of this process, until the process ends.

A client of a language model binds its connections to the loop that first used it. One that is
created at the top of a notebook therefore needs one loop for all turns, and a loop that lasts.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
from concurrent.futures import ThreadPoolExecutor

from ..connection import LoopThread
from .displays import hold_displays

#: Tools that may block at once: those that are not coroutine functions.
MAX_BLOCKING = 32


def agent_loop() -> LoopThread:
    """Return the thread of the loop; the first coroutine of an agent starts it."""
    # A forked process does not inherit the thread.
    return _loop_of(os.getpid())


@functools.cache
def _loop_of(pid: int) -> LoopThread:
    # Not the client's kind of loop: on Windows only the default one starts subprocesses.
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(MAX_BLOCKING, "jupyter-peer tool", hold_displays))
    thread = LoopThread("jupyter-peer agents", loop)
    thread.soon(hold_displays)
    atexit.register(thread.stop)
    return thread
