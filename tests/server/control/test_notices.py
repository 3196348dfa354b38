"""Telling every connection what has changed."""

from __future__ import annotations

import asyncio

import pytest

from jupyter_peer.control.frames import decode_message
from jupyter_peer.control.rows.peers import PingResult
from jupyter_peer.server.control.notices import NoticeReader, Notices
from tests.machine.waiting import until


class Page:
    def __init__(self, notices) -> None:
        self.events = []
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.task = asyncio.get_running_loop().create_task(NoticeReader(notices, self.write).run())

    async def write(self, frame):
        await self.may_read.wait()
        event = decode_message(frame.payload.decode())
        self.events.append((event.event, event.data["rtt_ms"]))


@pytest.fixture
def world():
    """A number, and two topics that tell it."""

    class World:
        number = 0
        asked = 0

        def state(self):
            self.asked += 1
            return PingResult(self.number)

    world = World()
    world.notices = Notices({"a": world.state, "b": world.state})
    return world


async def test_each_page_is_told_of_each_topic_that_changed(world):
    pages = [Page(world.notices) for _ in range(3)]
    world.number = 1
    world.notices.mark("a")
    await until(lambda: all(page.events == [("a", 1)] for page in pages))
    assert world.asked == 1  # and encoded once for all
    world.number = 2
    world.notices.mark("a", "b")
    await until(lambda: all(page.events[1:] == [("a", 2), ("b", 2)] for page in pages))


async def test_a_page_that_reads_slowly_is_told_the_newest_state_alone(world):
    page = Page(world.notices)
    page.may_read.clear()
    for number in range(100):
        world.number = number
        world.notices.mark("a")
        await asyncio.sleep(0)
    page.may_read.set()
    await until(lambda: ("a", 99) in page.events)
    assert len(page.events) <= 2


async def test_a_page_that_has_gone_is_forgotten(world):
    page = Page(world.notices)
    await asyncio.sleep(0)
    page.task.cancel()
    await asyncio.wait([page.task])
    world.notices.mark("a")
    assert len(world.notices._changed) == 0


async def test_a_page_that_goes_at_once_leaves_nothing_behind(world):
    page = Page(world.notices)
    page.task.cancel()
    await asyncio.wait([page.task])
    assert len(world.notices._changed) == 0


async def test_a_state_that_cannot_be_told_does_not_silence_the_others(world):
    def fail():
        raise ValueError

    world.notices = Notices({"a": fail, "b": world.state})
    page = Page(world.notices)
    await asyncio.sleep(0)
    world.notices.mark("a", "b")
    await until(lambda: page.events == [("b", 0)])
