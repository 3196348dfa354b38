"""The queue of frames for one node.

While the socket accepts data, the frames of one turn of the loop are corked and written at once.
When the socket is full, each link to the node waits in a lane of its own and the lanes take turns.
So a bulk transfer of one peer does not delay the chat line of another. A slow node slows nobody
else: the lanes are bounded, and the broker ends a link whose lane overflows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ...sockets.frames import BINARY, Payload, frame_head

# Bytes that one lane may put into a write before the next lane has its turn.
QUANTUM = 32 * 1024
WRITE_BYTES = 128 * 1024

Write = Callable[[bytes], "asyncio.Future[None] | None"]


class _Lane:
    __slots__ = ("frames", "size")

    def __init__(self) -> None:
        self.frames: deque[bytes] = deque()
        self.size = 0


class Outbox:
    """Frames to one node.

    Args:
        write: Writes bytes to the socket without waiting; the future is done when the kernel has
            accepted them all. None means that the socket is closed.
        on_drained: Called with the number of bytes that have left the lanes.

    Attributes:
        queued: Bytes in the lanes.
        is_blocked: Whether an earlier write is still under way.
    """

    __slots__ = ("_lanes", "_on_drained", "_ready", "_ring", "_write", "is_blocked", "queued")

    def __init__(self, write: Write, on_drained: Callable[[int], None]) -> None:
        self._write: Write | None = write
        self._on_drained = on_drained
        self._ready: list[Payload] = []
        self._lanes: dict[bytes, _Lane] | None = None
        self._ring: deque[bytes] | None = None
        self.queued = 0
        self.is_blocked = False

    def put(self, lane_key: bytes, head: bytes, payload: Payload) -> int:
        """Add a frame to this turn's write or, behind a write that is stuck, to its lane.

        Returns:
            The bytes that wait in the lane now.
        """
        if self._write is None:
            return 0
        if self.is_blocked:
            return self._enqueue(lane_key, head, payload)
        self._ready.append(frame_head(BINARY, len(head) + len(payload)) + head)
        self._ready.append(payload)
        return 0

    def flush(self) -> None:
        """Write the corked frames."""
        ready = self._ready
        if ready:
            self._ready = []
            self._put(b"".join(ready))

    def _put(self, data: bytes) -> None:
        future = self._write(data) if self._write is not None else None
        if future is not None and not future.done():
            self.is_blocked = True
            future.add_done_callback(self._on_written)

    def _enqueue(self, lane_key: bytes, head: bytes, payload: Payload) -> int:
        if self._lanes is None or self._ring is None:
            self._lanes, self._ring = {}, deque()
        lane = self._lanes.get(lane_key)
        if lane is None:
            lane = self._lanes[lane_key] = _Lane()
            self._ring.append(lane_key)
        # Copied, because the payload is a view of a read that may hold many other frames.
        frame = b"".join((head, payload))
        size = len(frame)
        lane.frames.append(frame)
        lane.size += size
        self.queued += size
        return lane.size

    @property
    def lanes(self) -> int:
        """Number of lanes with waiting frames."""
        return len(self._lanes) if self._lanes else 0

    def has(self, lane_key: bytes) -> bool:
        """Return whether frames wait in a lane."""
        return self._lanes is not None and lane_key in self._lanes

    def waiting(self, lane_key: bytes) -> int:
        """Return the bytes that wait in a lane."""
        lane = self._lanes.get(lane_key) if self._lanes else None
        return 0 if lane is None else lane.size

    def longest(self) -> bytes | None:
        """Return the lane with the most waiting bytes."""
        lanes = self._lanes
        return max(lanes, key=lambda key: lanes[key].size) if lanes else None

    def drop(self, lane_key: bytes) -> None:
        """Drop the frames that wait in a lane."""
        lane = self._lanes.pop(lane_key, None) if self._lanes else None
        if lane is not None:
            if self._ring is not None:
                self._ring.remove(lane_key)
            self.queued -= lane.size
            self._on_drained(lane.size)

    def close(self) -> None:
        """Drop all frames; later ones are dropped too."""
        self._write = None
        self._ready = []
        self._lanes = self._ring = None
        drained, self.queued = self.queued, 0
        self._on_drained(drained)

    def _on_written(self, future: asyncio.Future[None]) -> None:
        self.is_blocked = False
        if future.cancelled() or future.exception() is not None:
            return  # the reader of this socket notices the end too, and cleans up
        while self._ring and not self.is_blocked:
            self._put(self._take())

    def _take(self) -> bytes:
        """Pop the next write: a quantum of each lane in turn."""
        lanes, ring = self._lanes, self._ring
        assert lanes is not None
        assert ring is not None
        parts: list[bytes] = []
        total = 0
        while ring and total < WRITE_BYTES:
            key = ring.popleft()
            lane = lanes[key]
            taken = 0
            while lane.frames and taken < QUANTUM:
                frame = lane.frames.popleft()
                parts += (frame_head(BINARY, len(frame)), frame)
                taken += len(frame)
            lane.size -= taken
            total += taken
            if lane.frames:
                ring.append(key)
            else:
                del lanes[key]
        self.queued -= total
        self._on_drained(total)
        return b"".join(parts)
