"""Pauses that end early when an event is set."""

from __future__ import annotations

import asyncio


async def pause_until(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, and return whether it is set.

    Args:
        event: What ends the pause early.
        seconds: How long to wait at most; None for no end.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    return event.is_set()


async def pause_until_any(events: tuple[asyncio.Event, ...], seconds: float) -> None:
    """Wait until one of several events is set, or the time is over.

    Args:
        events: What ends the pause early.
        seconds: How long to wait at most.
    """
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
