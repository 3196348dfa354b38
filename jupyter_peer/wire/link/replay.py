"""Drops messages that were seen before (SPEC section 5)."""

from __future__ import annotations

from ...errors import ReplayedError, StaleError

MAX_CLOCK_DIFFERENCE_S = 600.0


class SeenGuard:
    """Remembers the last messages of all peers.

    Two generations of a set replace an exact LRU: a look-up is one or two hash probes, and between
    ``size`` and ``2 * size`` of the newest messages are remembered.

    Check a message only *after* its signature was verified. Otherwise anybody could make a node
    refuse a message by sending its id first.
    """

    __slots__ = ("_new", "_old", "_size")

    def __init__(self, size: int = 65_536) -> None:
        self._size = size
        # Node ids have one length, so id and message id can be joined. A string takes half the
        # memory of a tuple, and the garbage collector ignores it.
        self._new: set[str] = set()
        self._old: set[str] = set()

    def check(self, src: str, msg_id: str) -> None:
        """Remember a message.

        Raises:
            ReplayedError: The message was seen before.
        """
        key = src + msg_id
        if key in self._new or key in self._old:
            raise ReplayedError
        self._new.add(key)
        if len(self._new) >= self._size:
            self._old = self._new
            self._new = set()


def check_age(ts: float, now: float) -> None:
    """Refuse a message whose time differs by more than ten minutes.

    Only unsealed links need this: they have no counters, so a recorded message could be sent again
    after the guard has forgotten it.

    Raises:
        StaleError: Its time differs by more.
    """
    if abs(ts - now) > MAX_CLOCK_DIFFERENCE_S:
        raise StaleError(f"the message's time is {abs(ts - now):.0f} s off")
