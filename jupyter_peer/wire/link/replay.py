"""Drops messages that were seen before (SPEC section 5)."""

from __future__ import annotations

from ...errors import ReplayedError, StaleError

MAX_CLOCK_DIFFERENCE_S = 600.0


class SeenGuard:
    """Remembers the last messages of all peers.

    Two generations of a set stand in for an exact LRU: a look-up is one or two hash probes, and
    between ``size`` and ``2 * size`` of the newest messages are remembered.

    It must be asked *after* the signature was verified; otherwise anybody could make a node
    refuse a message by sending its id first.
    """

    __slots__ = ("_new", "_old", "_size")

    def __init__(self, size: int = 65_536) -> None:
        self._size = size
        # Node ids have one length, so the two joined are unambiguous; a string takes half the
        # memory of a tuple of two and is nothing to the garbage collector.
        self._new: set[str] = set()
        self._old: set[str] = set()

    def check(self, src: str, msg_id: str) -> None:
        """Remember a message.

        Raises:
            ReplayedError: It was seen before.
        """
        key = src + msg_id
        if key in self._new or key in self._old:
            raise ReplayedError
        self._new.add(key)
        if len(self._new) >= self._size:
            self._old = self._new
            self._new = set()


def check_age(ts: float, now: float) -> None:
    """Refuse a message whose time is more than ten minutes off.

    Only unsealed links need this: without counters a recorded message could come back after the
    guard has forgotten it.

    Raises:
        StaleError: Its time is too far off.
    """
    if abs(ts - now) > MAX_CLOCK_DIFFERENCE_S:
        raise StaleError(f"the message's time is {abs(ts - now):.0f} s off")
