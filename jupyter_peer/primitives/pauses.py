"""Pauses that end early when an event is set."""

from __future__ import annotations

import asyncio


async def pause_until(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, and return whether it was set in time.

    Args:
        event: Ends the pause early.
        seconds: Longest wait; None waits without a limit.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    return event.is_set()


async def pause_until_any(events: tuple[asyncio.Event, ...], seconds: float) -> None:
    """Wait until one of several events is set or the time is over.

    Args:
        events: Each of them ends the pause early.
        seconds: Longest wait.
    """
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
