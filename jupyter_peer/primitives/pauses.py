"""Pauses that end early for good news, and at once when whoever pauses is cancelled."""

from __future__ import annotations

import asyncio


async def pause_until(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, and return whether it is set.

    Unlike ``asyncio.wait_for``, which before Python 3.12 loses a cancellation that comes in the turn
    in which the event is set. A loop that was cancelled would then go on, and whoever waits for its
    end would wait for ever.

    Args:
        event: What ends the pause early.
        seconds: How long to wait at most; None for no end.
    """
    if event.is_set():
        return True
    waiter = asyncio.get_running_loop().create_task(event.wait())
    try:
        await asyncio.wait({waiter}, timeout=seconds)
    finally:
        waiter.cancel()
    return event.is_set()
