"""The payloads of a relay's frames, by which two nodes run a link (``relay/SPEC.md`` section 5).

The relay does not read them. The node that dials opens the link, and the other node answers with its
first credit, so the dialler learns whether the other node is there. Credits prevent that a slow node
fills the relay's queues: a relay ends such a link.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from ...errors import MalformedError, OverflowLinkError
from .frames import DATA, VERSION, Bytes

BINARY, TEXT, CREDIT, OPEN = range(4)

# Bytes sent and not yet consumed. With more, small messages wait longer behind large ones. With
# less, throughput drops on long paths, where one round trip carries one window.
WINDOW = 1024 * 1024
# Each frame counts this many bytes more, so that empty frames are not free.
FRAME_COST = 64

_HEAD = Struct(">BBB16s16s8sB")
HEAD_BYTES = _HEAD.size
_LIMIT = Struct(">Q")


class Payload(NamedTuple):
    """A decoded payload.

    Attributes:
        form: ``BINARY``, ``TEXT``, ``CREDIT`` or ``OPEN``.
        frame: The frame of the peer wire in ``BINARY`` and ``TEXT``.
        limit: Bytes that the other side may send in total, in ``CREDIT`` and ``OPEN``.
    """

    form: int
    frame: bytes | str = b""
    limit: int = 0


def head(form: int, ttl: int, dst: bytes, src: bytes, link: bytes) -> bytes:
    """Return the bytes before a frame of the peer wire: the relay's head and the form."""
    return _HEAD.pack(VERSION, DATA, ttl, dst, src, link, form)


def limit_payload(limit: int) -> bytes:
    """Return the bytes after the form of ``CREDIT`` and ``OPEN``."""
    return _LIMIT.pack(limit)


def read_payload(data: Bytes) -> Payload:
    """Decode a payload.

    Raises:
        MalformedError: The bytes are not a payload.
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
    """Counts the bytes of a link in both directions.

    Args:
        window: Bytes that the other side may have under way.

    Attributes:
        granted: Bytes that the other side may send in total.
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
        """Return whether the other side has room for a frame of ``size`` bytes."""
        return self._sent + size + FRAME_COST <= self._limit

    @property
    def is_exhausted(self) -> bool:
        """Whether the credit does not even allow a small frame."""
        return not self.may_send(0)

    def sent(self, size: int) -> None:
        """Count a sent frame."""
        self._sent += size + FRAME_COST

    def on_credit(self, limit: int) -> None:
        """Apply the other side's limit, which never shrinks."""
        self._limit = max(self._limit, limit)

    def on_received(self, size: int) -> None:
        """Count a received frame.

        Raises:
            OverflowLinkError: The other side has sent more than its credit.
        """
        self._received += size + FRAME_COST
        if self._received > self.granted:
            raise OverflowLinkError("the other side sends more than its credit allows")

    def on_consumed(self, size: int) -> bool:
        """Count a consumed frame; return whether the other side should get a new credit."""
        self._consumed += size + FRAME_COST
        if self._consumed + self._window - self.granted < self._window // 4:
            return False
        self.granted = self._consumed + self._window
        return True
