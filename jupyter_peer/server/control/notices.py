"""Sends every control connection the newest state of what changed.

A change marks a topic. The topic's newest state is sent at most every 100 ms, so a burst of changes is
one event, and a page that reads slowly skips outdated states.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from ...control.frames import Frame, encode_event
from ...primitives.signal import Signal

log = logging.getLogger(__name__)

INTERVAL_S = 0.1


class Notices:
    """The topics of one server, and their listeners.

    Args:
        states: Return the newest state of each topic.
    """

    def __init__(self, states: dict[str, Callable[[], msgspec.Struct]]) -> None:
        self._states = states
        self._versions = dict.fromkeys(states, 0)
        self._frames: dict[str, tuple[int, Frame]] = {}
        self._changed: Signal[[]] = Signal("a topic changed")

    def mark(self, *topics: str) -> None:
        """Mark topics as changed."""
        for topic in topics:
            self._versions[topic] += 1
        self._changed.emit()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when any topic is marked; return a function that stops it."""
        return self._changed.connect(listener)

    def versions(self) -> dict[str, int]:
        """Return the number of marks of each topic."""
        return dict(self._versions)

    def frame(self, topic: str) -> Frame:
        """Return the event with the newest state, encoded once for all listeners."""
        version = self._versions[topic]
        known = self._frames.get(topic)
        if known is None or known[0] != version:
            known = self._frames[topic] = (version, encode_event(topic, self._states[topic]()))
        return known[1]


class NoticeReader:
    """Sends one connection the topics that changed; :meth:`run` is its task.

    Args:
        notices: The topics.
        write: Sends a frame and returns when it is on its way.
    """

    def __init__(self, notices: Notices, write: Callable[[Frame], Awaitable[None]]) -> None:
        self._notices = notices
        self._write = write
        self._told = notices.versions()

    async def run(self) -> None:
        """Send changed topics until cancelled."""
        changed = asyncio.Event()
        end = self._notices.subscribe(changed.set)
        try:
            while True:
                for topic in self._news():
                    await self._tell(topic)
                    # A burst of changes becomes one event.
                    await asyncio.sleep(INTERVAL_S)
                await changed.wait()
                changed.clear()
        finally:
            end()

    async def _tell(self, topic: str) -> None:
        try:
            frame = self._notices.frame(topic)
        except Exception:
            log.exception("the state of %s cannot be sent", topic)
        else:
            await self._write(frame)

    def _news(self) -> list[str]:
        now = self._notices.versions()
        news = [topic for topic, version in now.items() if version != self._told[topic]]
        self._told = now
        return news
