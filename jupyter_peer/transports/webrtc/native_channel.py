"""A data channel of libwebrtc, between the library's thread and the event loop of its link.

Frames cross in batches: the first that waits wakes the other side, which then takes all of them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from ...primitives.loop_thread import LoopThread
from ..base import Frame
from .link import HIGH_WATER, LOW_WATER, MAX_HELD, MAX_HELD_FRAMES

log = logging.getLogger(__name__)

# A frame waits about so long behind others: the buffer grows with the rate, up to a bound.
BUFFER_S = 0.05
MAX_HIGH_WATER = 1024 * 1024


class NativeChannel:
    """A data channel with the names that :class:`.link.DataChannelLink` uses.

    It is made in the library's thread; what has no underscore is for the loop of the link.

    Args:
        channel: The channel of the library.
        thread: The library's thread.
        post: Calls back on the loop of the link.
        clock: Seconds, for the rate.
    """

    def __init__(
        self,
        channel: Any,
        thread: LoopThread,
        post: Callable[..., None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = channel
        self._clock = clock
        self._thread = thread
        self._post = post
        self._handlers: defaultdict[str, list[Callable[..., None]]] = defaultdict(list)
        self._lock = threading.Lock()
        self._arrived: list[Frame] = []
        self._arrived_bytes = 0
        self._unsent: deque[Frame] = deque()
        self._unsent_bytes = 0
        # What the library had not sent when it was last asked.
        self._in_library = 0
        self._high = HIGH_WATER
        # When the buffer passed its mark, until little of it is left.
        self._high_since: float | None = None
        self._is_closing = False
        self._is_over = False
        self.readyState = str(channel.ready_state.value)
        # The link sets it; this class has marks of its own.
        self.bufferedAmountLowThreshold = LOW_WATER
        channel.binary_type = "arraybuffer"
        channel.buffered_amount_low_threshold = LOW_WATER
        channel.on("message", lambda event: self._arrive(event.data))
        channel.on("bufferedamountlow", lambda event: self._pump())
        channel.on("open", lambda event: post(self._tell, "open"))
        channel.on("close", lambda event: self.ended())

    # On the loop of the link.

    def on(self, name: str, handler: Callable[..., None]) -> None:
        """Call a handler at an event: ``message`` with the frame, others with nothing."""
        self._handlers[name].append(handler)

    @property
    def bufferedAmount(self) -> int:  # noqa: N802 - the name of the standard
        return self._unsent_bytes + self._in_library

    def high_water(self) -> int:
        """Return how many bytes may wait at the present rate."""
        return self._high

    def send(self, frame: Frame) -> None:
        """Send a message, behind those that wait."""
        with self._lock:
            is_first = not self._unsent
            self._unsent.append(frame)
            self._unsent_bytes += len(frame)
            if self._high_since is None and self.bufferedAmount > self._high:
                self._high_since = self._clock()
        if is_first:
            self._thread.soon(self._pump)

    def close(self) -> None:
        """Close the channel after the messages that wait."""
        self.readyState = "closing"
        self._is_closing = True
        self._thread.soon(self._pump)

    def _tell(self, name: str) -> None:
        if name in ("open", "closed"):
            self.readyState = name
        for handler in self._handlers["close" if name == "closed" else name]:
            handler()

    def _deliver(self) -> None:
        with self._lock:
            frames, self._arrived, self._arrived_bytes = self._arrived, [], 0
        for frame in frames:
            for handler in self._handlers["message"]:
                handler(frame)

    # In the library's thread.

    @property
    def _low(self) -> int:
        return self._high * LOW_WATER // HIGH_WATER

    def _follow_rate(self) -> None:
        """Set the marks by the time in which the buffer got empty."""
        now = self._clock()
        assert self._high_since is not None
        rate = (self._high - self._low) / max(now - self._high_since, 1e-6)
        self._high = min(max(int(rate * BUFFER_S), HIGH_WATER), MAX_HIGH_WATER)
        # What is low by the old mark may be high by the new one.
        self._high_since = now if self.bufferedAmount > self._high else None
        self._channel.buffered_amount_low_threshold = self._low

    def ended(self) -> None:
        """Tell that the channel is closed. libwebrtc does not if this side closes the connection."""
        self._post(self._tell, "closed")

    def _arrive(self, frame: Frame) -> None:
        """Keep a frame until the loop takes it, up to a bound: it may be busy for long."""
        with self._lock:
            if self._is_over:
                return
            is_first = not self._arrived
            self._arrived.append(frame)
            self._arrived_bytes += len(frame)
            if self._arrived_bytes > MAX_HELD or len(self._arrived) > MAX_HELD_FRAMES:
                self._is_over = True
        if self._is_over:
            self._post(self._tell, "overflow")
        elif is_first:
            self._post(self._deliver)

    def _pump(self) -> None:
        """Hand the library what waits, as far as it sends it, and tell once little is left."""
        try:
            self._in_library = self._channel.buffered_amount
            while self._unsent and self._in_library <= self._high:
                self._channel.send(self._unsent[0])
                with self._lock:
                    self._unsent_bytes -= len(self._unsent.popleft())
                    self._in_library = self._channel.buffered_amount
        except Exception as error:  # the library raises errors of many classes
            log.info("a message cannot be sent on a data channel: %s", error)
            self._channel.close()
            return
        with self._lock:
            is_low = self._high_since is not None and self.bufferedAmount <= self._low
            if is_low:
                self._follow_rate()
        if is_low:
            self._post(self._tell, "bufferedamountlow")
        if self._is_closing and not self._unsent:
            self._channel.close()
