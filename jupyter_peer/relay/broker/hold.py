"""Frames held in memory for nodes that are briefly away (SPEC, *Absent nodes*).

All frames of one link expire with its first frame, because a link is useless without its beginning.
"""

from __future__ import annotations

from collections import OrderedDict

from ...wire.relay.frames import CLOSE, DST, LANE, SRC

# Each held frame counts this many bytes more, so that empty frames are not free.
_OVERHEAD = 256


class _Lane:
    __slots__ = ("frames", "size")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.size = 0


class HoldStore:
    """Holds frames, by absent node and link.

    Args:
        hold_s: Time that a link's frames are kept after its first.
        max_node: Bytes for one absent node.
        max_sender: Bytes of one sender, so that nobody can fill the whole store.
        max_all: Bytes in total.

    Attributes:
        size: Bytes held, overhead included.
    """

    def __init__(self, hold_s: float, max_node: int, max_sender: int, max_all: int) -> None:
        self._hold_s = hold_s
        self._max_node = max_node
        self._max_sender = max_sender
        self._max_all = max_all
        self._nodes: dict[bytes, dict[bytes, _Lane]] = {}
        self._node_sizes: dict[bytes, int] = {}
        self._sender_sizes: dict[bytes, int] = {}
        # In the order in which they expire, because every lane has the same lifetime.
        self._deadlines: OrderedDict[tuple[bytes, bytes], float] = OrderedDict()
        self.size = 0

    def add(self, frame: bytes, now: float) -> bool:
        """Hold a frame; return False when there is no room for it.

        When a link is closed while its frames are held, only the closing frame is kept. The node
        would otherwise wait on a link that has ended.
        """
        dst, lane_key, size = frame[DST], frame[LANE], len(frame) + _OVERHEAD
        lanes = self._nodes.get(dst, {})
        if frame[1] == CLOSE and lane_key in lanes:
            self._empty(dst, lane_key[:16], lanes[lane_key])
        if (
            self._node_sizes.get(dst, 0) + size > self._max_node
            or self._sender_sizes.get(frame[SRC], 0) + size > self._max_sender
            or self.size + size > self._max_all
        ):
            return False
        lane = lanes.get(lane_key)
        if lane is None:
            lane = self._nodes.setdefault(dst, lanes)[lane_key] = _Lane()
            self._deadlines[dst, lane_key] = now + self._hold_s
        lane.frames.append(frame)
        self._count(dst, frame[SRC], lane, size)
        return True

    def take(self, node: bytes) -> list[bytes]:
        """Pop all frames held for a node; those of each link are in order."""
        frames: list[bytes] = []
        for lane_key, lane in self._nodes.pop(node, {}).items():
            frames += lane.frames
            del self._deadlines[node, lane_key]
            self._empty(node, lane_key[:16], lane)
        return frames

    def drop(self, node: bytes, lane_key: bytes) -> None:
        """Drop the frames of one link to an absent node."""
        lanes = self._nodes.get(node, {})
        lane = lanes.pop(lane_key, None)
        if lane is not None:
            del self._deadlines[node, lane_key]
            self._empty(node, lane_key[:16], lane)
            if not lanes:
                del self._nodes[node]

    def expire(self, now: float) -> list[tuple[bytes, bytes]]:
        """Drop the expired links; return the absent node and ``src | link`` of each."""
        over: list[tuple[bytes, bytes]] = []
        while self._deadlines:
            (node, lane_key), deadline = next(iter(self._deadlines.items()))
            if deadline > now:
                break
            self.drop(node, lane_key)
            over.append((node, lane_key))
        return over

    def _empty(self, dst: bytes, src: bytes, lane: _Lane) -> None:
        lane.frames = []
        self._count(dst, src, lane, -lane.size)

    def _count(self, dst: bytes, src: bytes, lane: _Lane, size: int) -> None:
        lane.size += size
        self.size += size
        for sizes, key in ((self._node_sizes, dst), (self._sender_sizes, src)):
            left = sizes.get(key, 0) + size
            if left:
                sizes[key] = left
            else:
                sizes.pop(key, None)
