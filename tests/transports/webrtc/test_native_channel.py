"""What waits between the thread of libwebrtc and the event loop of a link, and its bounds."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_peer.transports.webrtc.link import HIGH_WATER, LOW_WATER, MAX_HELD, DataChannelLink
from jupyter_peer.transports.webrtc.native_channel import MAX_HIGH_WATER, NativeChannel

FRAME = bytes(60_000)


class LibraryChannel:
    """A channel of the library that sends only when it is told."""

    def __init__(self) -> None:
        self.ready_state = SimpleNamespace(value="open")
        self.handlers: dict[str, Callable[[Any], None]] = {}
        self.buffered_amount = 0
        self.buffered_amount_low_threshold = 0
        self.sent: list[bytes] = []
        self.is_closed = False

    def on(self, name: str, handler: Callable[[Any], None]) -> None:
        self.handlers[name] = handler

    def send(self, frame: bytes) -> None:
        if self.is_closed:
            raise RuntimeError("the channel is closed")
        self.sent.append(frame)
        self.buffered_amount += len(frame)

    def close(self) -> None:
        self.is_closed = True

    def empty(self) -> None:
        """Send all that waits in the library."""
        while self.buffered_amount:
            self.buffered_amount = 0
            self.handlers["bufferedamountlow"](None)


class Sides:
    """A channel with its link; the link's loop is busy until :meth:`turn`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.library = LibraryChannel()
        self.posted: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        thread: Any = SimpleNamespace(soon=lambda call, *args: call(*args))
        self.channel = NativeChannel(
            self.library,
            thread,
            lambda call, *args: self.posted.append((call, args)),
            lambda: self.now,
        )
        self.link = DataChannelLink("webrtc:", self.channel, lambda: None, is_dialled=False)
        self.link.max_frame = len(FRAME)
        self.got: list[Any] = []
        self.link.attach(self.got.append, lambda reason: None)

    def arrive(self, frame: bytes) -> None:
        self.library.handlers["message"](SimpleNamespace(data=frame))

    def turn(self) -> None:
        """Run what was posted to the link's loop."""
        posted, self.posted = self.posted, []
        for call, args in posted:
            call(*args)

    def fill(self) -> None:
        """Send until the link is backed up."""
        while not self.link.is_backed_up:
            self.link.send([FRAME])


@pytest.fixture
def sides():
    return Sides()


def test_frames_that_arrive_while_the_loop_is_busy_come_in_order_in_one_turn(sides):
    for n in range(5):
        sides.arrive(bytes([n]))
    assert len(sides.posted) == 1
    sides.turn()
    assert sides.got == [bytes([n]) for n in range(5)]


def test_what_arrives_while_the_loop_is_busy_is_bounded_and_more_closes_the_link(sides):
    for _ in range(2 * MAX_HELD // len(FRAME)):
        sides.arrive(FRAME)
    assert sum(map(len, sides.channel._arrived)) <= MAX_HELD + len(FRAME)
    assert [args for _, args in sides.posted] == [(), ("overflow",)]
    sides.turn()
    assert sides.link.is_closed
    assert sides.link.close_reason == "overflow"


async def test_all_is_sent_in_order_and_the_link_is_writable_again(sides):
    frames = [bytes([n]) * 50_000 for n in range(20)]
    sides.link.send(frames)
    assert sides.link.is_backed_up
    assert len(sides.library.sent) < len(frames)
    written: list[bool] = []
    sides.link.on_writable(lambda: written.append(True))
    sides.library.empty()
    sides.turn()
    assert sides.library.sent == frames
    assert not sides.link.is_backed_up
    assert written


def test_the_buffer_follows_the_rate_within_its_bounds(sides):
    assert sides.channel.high_water() == HIGH_WATER
    sides.fill()
    sides.library.empty()  # at once
    assert sides.channel.high_water() == MAX_HIGH_WATER
    assert sides.library.buffered_amount_low_threshold == MAX_HIGH_WATER * LOW_WATER // HIGH_WATER
    sides.fill()
    sides.now += 60
    sides.library.empty()
    assert sides.channel.high_water() == HIGH_WATER


async def test_what_is_low_for_a_quick_path_and_high_for_a_slow_one_is_waited_for(sides):
    sides.fill()
    sides.library.empty()
    sides.fill()
    sides.now += 60
    sides.library.buffered_amount = HIGH_WATER + 1
    sides.library.handlers["bufferedamountlow"](None)
    assert sides.link.is_backed_up
    sides.turn()
    written: list[bool] = []
    sides.link.on_writable(lambda: written.append(True))
    sides.library.empty()
    sides.turn()
    assert written


def test_a_channel_closes_behind_what_waits(sides):
    sides.link.send([FRAME] * 10)
    sides.channel.close()
    assert not sides.library.is_closed
    sides.library.empty()
    assert len(sides.library.sent) == 10
    assert sides.library.is_closed


def test_a_message_that_the_library_refuses_closes_the_channel(sides, caplog):
    sides.library.is_closed = True
    with caplog.at_level("INFO"):
        sides.link.send([FRAME])
    assert "cannot be sent" in caplog.text
    sides.library.handlers["close"](None)
    sides.turn()
    assert sides.link.close_reason == "lost"
