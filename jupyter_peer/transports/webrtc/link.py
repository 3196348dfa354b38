"""One end of a data channel as a link (RFC 8831): each frame is a message, text or binary."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import LinkClosedError, OverflowLinkError, TooLargeError
from ...primitives import background
from ...primitives.signal import Signal
from ..base import Frame, PeerLink
from .sdp import MAX_MESSAGE

log = logging.getLogger(__name__)

# The libraries send their buffer at the speed of the path. The buffer stays small, so that a small message
# does not wait long behind it.
HIGH_WATER = 128 * 1024
LOW_WATER = 32 * 1024
# The libraries' SCTP does not stop a sender if the reader is busy, so frames wait here. An honest peer
# respects its credit, which is smaller.
MAX_HELD = 8 * 1024 * 1024
MAX_HELD_FRAMES = 8192


class DataChannelLink(PeerLink):
    """A link over one open data channel.

    Args:
        address: Address, as shown to users.
        channel: The channel.
        hang_up: Called once when the link is closed, to close the connection of the channel.
        is_dialled: Whether this side made the offer.
    """

    transport = "webrtc"
    priority = 3

    def __init__(
        self, address: str, channel: Any, hang_up: Callable[[], None], *, is_dialled: bool
    ) -> None:
        super().__init__(address, is_dialled=is_dialled)
        self._channel = channel
        self._hang_up = hang_up
        self._writable = Signal[[]]("a data channel may be written to")
        # A quick library says how much may wait at the speed that it has.
        self._high_water: Callable[[], int] = getattr(channel, "high_water", lambda: HIGH_WATER)
        self._held: deque[Frame] = deque()
        self._held_bytes = 0
        self._reader: asyncio.Task[None] | None = None
        channel.bufferedAmountLowThreshold = LOW_WATER
        channel.on("message", self._take)
        channel.on("bufferedamountlow", self._writable.release)
        channel.on("close", lambda: self._closed("lost"))
        channel.on("overflow", self._overflow)

    def send(self, frames: Sequence[Frame]) -> None:
        if self.is_closed or self._channel.readyState != "open":
            raise LinkClosedError
        for frame in frames:
            if len(frame) > MAX_MESSAGE or (
                isinstance(frame, str) and len(frame.encode()) > MAX_MESSAGE
            ):
                # happens only without sealing, where a frame is a whole message
                self.abort(TooLargeError.code)
                raise LinkClosedError("a message is too large for a data channel")
            self._channel.send(frame)

    @property
    def is_backed_up(self) -> bool:
        return not self.is_closed and self._channel.bufferedAmount > self._high_water()

    def on_writable(self, callback: Callable[[], None]) -> None:
        if self.is_backed_up:
            self._writable.connect(callback)
        else:
            asyncio.get_running_loop().call_soon(callback)

    def _take(self, frame: Frame) -> None:
        if self.is_closed:
            return
        if self._reader is None:
            handling = self._deliver(frame)
            if handling is not None:
                self._reader = background.start(self._read(handling), "reading a link")
            return
        self._held.append(frame)
        self._held_bytes += len(frame)
        if self._held_bytes > MAX_HELD or len(self._held) > MAX_HELD_FRAMES:
            self._overflow()

    def _overflow(self) -> None:
        log.warning("%s: it sends more than it may", self.address)
        self.abort(OverflowLinkError.code)

    async def _read(self, handling: Any) -> None:
        """Deliver the frames that arrived while an earlier one was being handled."""
        try:
            await handling
            while self._held and not self.is_closed:
                frame = self._held.popleft()
                self._held_bytes -= len(frame)
                more = self._deliver(frame)
                if more is not None:
                    await more
        finally:
            self._reader = None

    def _shut(self, reason: str) -> None:
        self._hang_up()

    def _closed(self, reason: str) -> None:
        if not self.is_closed:
            super()._closed(reason)
            self._held.clear()
            self._writable.release()
            self._hang_up()
