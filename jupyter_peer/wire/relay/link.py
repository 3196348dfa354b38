"""What two nodes say to each other in the payloads of a relay's frames (``relay/SPEC.md`` section 5).

The relay sees none of this. A link is opened by the node that dials and answered by the other's
first credit, so that dialling finds out whether anybody is there. Credits keep a slow node from
filling the relay's queues: a relay ends a link that does.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from ...errors import MalformedError, OverflowLinkError
from .frames import DATA, VERSION, Bytes

BINARY, TEXT, CREDIT, OPEN = range(4)

# Sent and not yet consumed. More lets small messages wait longer behind large ones; less costs
# throughput where the way is long: this much goes in one round trip.
WINDOW = 1024 * 1024
# What a frame counts beside its bytes, so that empty ones are not free.
FRAME_COST = 64

_HEAD = Struct(">BBB16s16s8sB")
HEAD_BYTES = _HEAD.size
_LIMIT = Struct(">Q")


class Payload(NamedTuple):
    """A payload as it was read.

    Attributes:
        form: ``BINARY``, ``TEXT``, ``CREDIT`` or ``OPEN``.
        frame: The peer wire's frame, of the first two.
        limit: Bytes the other side may send in all, of the last two.
    """

    form: int
    frame: bytes | str = b""
    limit: int = 0


def head(form: int, ttl: int, dst: bytes, src: bytes, link: bytes) -> bytes:
    """Return all that stands before a frame of the peer wire: the relay's head and the form."""
    return _HEAD.pack(VERSION, DATA, ttl, dst, src, link, form)


def limit_payload(limit: int) -> bytes:
    """Return what follows the form of ``CREDIT`` and ``OPEN``."""
    return _LIMIT.pack(limit)


def read_payload(data: Bytes) -> Payload:
    """Read a payload.

    Raises:
        MalformedError: It is none.
    """
    if not len(data):
        raise MalformedError("a relay frame is empty")
    form = data[0]
    if form == BINARY:
        return Payload(BINARY, bytes(data[1:]))
    if form == TEXT:
        try:
            return Payload(TEXT, bytes(data[1:]).decode())
        except UnicodeDecodeError as error:
            raise MalformedError("a text frame is not UTF-8") from error
    if form in (CREDIT, OPEN) and len(data) == 1 + _LIMIT.size:
        return Payload(form, limit=_LIMIT.unpack_from(data, 1)[0])
    raise MalformedError("a relay frame has an unknown form")


class Flow:
    """Counts what goes over a link in both directions.

    Args:
        window: Bytes this side lets the other have under way.

    Attributes:
        granted: Bytes the other side may send in all.
    """

    __slots__ = ("_consumed", "_limit", "_received", "_sent", "_window", "granted")

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._limit = 0
        self._sent = 0
        self._received = 0
        self._consumed = 0
        self.granted = window

    def may_send(self, size: int) -> bool:
        """Return whether the other side has room for a frame of so many bytes."""
        return self._sent + size + FRAME_COST <= self._limit

    @property
    def is_exhausted(self) -> bool:
        """Whether not even a small frame may be sent."""
        return not self.may_send(0)

    def sent(self, size: int) -> None:
        """Note that a frame was sent."""
        self._sent += size + FRAME_COST

    def on_credit(self, limit: int) -> None:
        """Take the other side's limit; it only ever grows."""
        self._limit = max(self._limit, limit)

    def on_received(self, size: int) -> None:
        """Note that a frame came.

        Raises:
            OverflowLinkError: It is more than was granted.
        """
        self._received += size + FRAME_COST
        if self._received > self.granted:
            raise OverflowLinkError("the other side sends more than it may")

    def on_consumed(self, size: int) -> bool:
        """Note that a frame was taken; return whether the other side should hear of it."""
        self._consumed += size + FRAME_COST
        if self._consumed + self._window - self.granted < self._window // 4:
            return False
        self.granted = self._consumed + self._window
        return True
