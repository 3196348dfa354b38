"""Says to every control socket that something has changed, with what it is now.

A topic is marked when something happens and its newest state is sent, at most every 100 ms: a
burst of changes is one event, and a page that reads slowly skips what is outdated already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from ..wire.control import Frame, encode_event

INTERVAL_S = 0.1


class Notices:
    """The topics of one server and who hears of them.

    Args:
        states: Gives the newest state of each topic.
    """

    def __init__(self, states: dict[str, Callable[[], msgspec.Struct]]) -> None:
        self._states = states
        self._versions = dict.fromkeys(states, 0)
        self._frames: dict[str, tuple[int, Frame]] = {}
        self._listeners: set[Callable[[], None]] = set()

    def mark(self, *topics: str) -> None:
        """Note that these topics have changed."""
        for topic in topics:
            self._versions[topic] += 1
        for listener in list(self._listeners):
            listener()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when any topic is marked; returns what ends it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def versions(self) -> dict[str, int]:
        """Return how often each topic was marked so far."""
        return dict(self._versions)

    def frame(self, topic: str) -> Frame:
        """Return the event that tells the newest state; encoded once for all listeners."""
        version = self._versions[topic]
        known = self._frames.get(topic)
        if known is None or known[0] != version:
            known = self._frames[topic] = (version, encode_event(topic, self._states[topic]()))
        return known[1]


class NoticeReader:
    """What one connection has been told; :meth:`run` is its task.

    Args:
        notices: Where it listens.
        write: Sends a frame and returns when it is on its way.
    """

    def __init__(self, notices: Notices, write: Callable[[Frame], Awaitable[None]]) -> None:
        self._notices = notices
        self._write = write
        self._told = notices.versions()
        self._changed = asyncio.Event()
        self._end = notices.subscribe(self._changed.set)

    async def run(self) -> None:
        """Tell what has changed, until cancelled."""
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                for topic in self._news():
                    await self._write(self._notices.frame(topic))
                await asyncio.sleep(INTERVAL_S)
        finally:
            self._end()

    def _news(self) -> Iterable[str]:
        now = self._notices.versions()
        news = [topic for topic, version in now.items() if version != self._told[topic]]
        self._told = now
        return news
