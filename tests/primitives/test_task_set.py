"""Tasks of a set end with it."""

from __future__ import annotations

import asyncio

import pytest

from jupyter_peer.primitives.task_set import TaskSet
from tests.machine.waiting import until


async def test_closing_cancels_every_task_and_waits_for_its_end():
    tasks, ended = TaskSet("test"), []

    async def work(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    for number in range(3):
        tasks.start(work(number))
    await asyncio.sleep(0)
    assert len(tasks) == 3
    await tasks.close()
    assert sorted(ended) == [0, 1, 2]
    assert len(tasks) == 0
    await tasks.close()


async def test_a_task_that_has_ended_is_forgotten():
    tasks = TaskSet("test")
    assert await tasks.start(asyncio.sleep(0, "done")) == "done"
    await until(lambda: len(tasks) == 0)


async def test_a_task_that_fails_is_logged_with_what_it_did(caplog: pytest.LogCaptureFixture):
    async def fail() -> None:
        raise ValueError("a mistake")

    tasks = TaskSet("telling a viewer")
    tasks.start(fail())
    await until(lambda: len(tasks) == 0)
    assert [record.getMessage() for record in caplog.records] == ["a task failed: telling a viewer"]
    assert caplog.records[0].exc_info is not None


async def test_a_task_that_comes_after_the_end_is_cancelled():
    tasks = TaskSet("test")
    await tasks.close()
    late = tasks.start(asyncio.Event().wait())
    with pytest.raises(asyncio.CancelledError):
        await late


async def test_one_of_the_tasks_may_close_the_set():
    tasks, closed = TaskSet("test"), []

    async def close() -> None:
        await tasks.close()
        closed.append(True)

    other = tasks.start(asyncio.Event().wait())
    await tasks.start(close())
    assert closed == [True]
    assert other.cancelled()
