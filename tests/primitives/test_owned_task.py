"""A task that ends with its owner."""

from __future__ import annotations

import asyncio

from jupyter_peer.primitives.owned_task import OwnedTask
from tests.machine.waiting import until


async def test_it_runs_once_and_is_over_when_closing_returns():
    begun, ended = [], []

    async def work() -> None:
        begun.append(True)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    task = OwnedTask("looking around")
    await task.close()
    assert not task.is_started
    task.start(work)
    task.start(work)
    await until(lambda: begun)
    assert task.is_started
    await task.close()
    assert (begun, ended, task.is_started) == ([True], [True], False)
    await task.close()
    task.start(work)
    await until(lambda: len(begun) == 2)
    await task.close()


async def test_work_that_failed_is_logged_and_does_not_fail_its_owner(caplog):
    async def work() -> None:
        raise ValueError("a mistake")

    task = OwnedTask("looking around")
    task.start(work)
    await until(lambda: caplog.records)
    (record,) = caplog.records
    assert record.getMessage() == "a task failed: looking around"
    assert record.exc_info is not None
    await task.close()
