"""Pauses end early, in time, and with a cancellation, whatever comes at the same moment."""

from __future__ import annotations

import asyncio

import pytest

from jupyter_peer.primitives.pauses import pause_until, pause_until_any


async def test_a_pause_ends_with_its_event_or_its_time_and_says_which():
    event = asyncio.Event()
    assert not await pause_until(event, 0.001)
    waiting = asyncio.ensure_future(pause_until(event, None))
    await asyncio.sleep(0)
    event.set()
    assert await waiting
    assert await pause_until(event, 0)


async def test_a_cancellation_in_the_turn_in_which_the_event_is_set_is_not_lost():
    event = asyncio.Event()
    waiting = asyncio.ensure_future(pause_until(event, 5))
    await asyncio.sleep(0)
    event.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_pause_ends_with_the_first_of_several_events_or_in_time():
    first, second = asyncio.Event(), asyncio.Event()
    await pause_until_any((first, second), 0.001)
    waiting = asyncio.ensure_future(pause_until_any((first, second), 60))
    await asyncio.sleep(0)
    second.set()
    await waiting


async def test_a_pause_leaves_no_task_behind():
    before = asyncio.all_tasks()
    await pause_until(asyncio.Event(), 0.001)
    await pause_until_any((asyncio.Event(), asyncio.Event()), 0.001)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
