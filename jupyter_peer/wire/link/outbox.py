"""The queue of one sealed link, and its order (SPEC section 4.3).

All messages that are ready in one turn of the loop go as one batch under one signature. Messages over
60 KiB go as fragments that take turns, so small messages overtake large ones. Messages of one
*stream* arrive in the order in which they were queued.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from ...errors import OverflowLinkError, TooLargeError
from .buffers import check_size
from .envelope import MAX_BUFFERS, Buffer
from .frames import (
    BATCH_FIXED_BYTES,
    BATCH_SAVES_BYTES,
    ENVELOPE_FIXED_BYTES,
    EXEMPT_BYTES,
    FRAGMENT_BYTES,
    FRAGMENT_HEADER_BYTES,
    MAX_BATCH,
    MAX_IN_PROGRESS,
    batch_chunks,
    batch_digest,
    batch_frame,
    batch_part,
    credit_frame,
    envelope_chunks,
    envelope_size,
    fragments,
)

CREDIT_EVERY = 256 * 1024
"""A receiver reports its consumption at least every so many bytes."""
MIN_UNCONSUMED = 2 * CREDIT_EVERY
"""With a smaller window, both sides could wait for each other for ever."""
# If the reader is slow, bytes under way wait in its socket, and small messages wait behind them. So a
# link gets no larger window than it needs: this one, or the one that keeps a long path full.
_SHORT_WINDOW = 1024 * 1024
_FILL_BYTES_A_SECOND = 200 * 1024 * 1024
# Large messages of one stream that wait together go as one batch of about this size, with one
# signature. Hashing it takes a fraction of a millisecond. Four messages of 64 KiB fit.
_BATCH_BYTES = 272 * 1024
# Up to this size, a message for many viewers is cut into fragments once for all. A larger one would
# be held twice, and cutting it at once would take too long.
_CUT_ONCE_BYTES = 1024 * 1024
# Large messages leave this much of the window free, so that small ones need not wait for credit.
_KEPT_FOR_SMALL = 2 * FRAGMENT_BYTES


class Outgoing:
    """One envelope to send; the same object may be put in many outboxes.

    Args:
        canonical: The signed bytes.
        buffers: Raw buffers, already listed in the canonical bytes.

    Attributes:
        size: Bytes of its envelope frame.
        own_sig: The envelope's own signature; None until :meth:`sig` has made it.

    Raises:
        TooLargeError: There are more buffers than a receiver accepts.
    """

    __slots__ = ("_fragments", "buffers", "canonical", "own_sig", "size")

    def __init__(self, canonical: bytes, buffers: Sequence[Buffer] = ()) -> None:
        if len(buffers) > MAX_BUFFERS:
            raise TooLargeError(f"a message has at most {MAX_BUFFERS} buffers")
        self.canonical = canonical
        self.buffers = buffers
        self.size = (
            envelope_size(canonical, buffers) if buffers else len(canonical) + ENVELOPE_FIXED_BYTES
        )
        self.own_sig: bytes | None = None
        self._fragments: list[bytes] | None = None

    def sig(self, sign: Callable[[bytes], bytes]) -> bytes:
        """Return the envelope's own signature, which is made once for all viewers."""
        if self.own_sig is None:
            self.own_sig = sign(self.canonical)
        return self.own_sig

    def fragments(self) -> tuple[int, Iterator[bytes]]:
        """Return a number and the fragments of a signed message, which is cut once for all viewers.

        The number comes from the signature. A counter would tell each viewer how much others receive.
        """
        assert self.own_sig is not None
        number = int.from_bytes(self.own_sig[:4], "big")
        if self._fragments is None:
            chunks = envelope_chunks(self.canonical, self.own_sig, self.buffers)
            self._fragments = list(fragments(chunks, number))
        return number, iter(self._fragments)


class _Large:
    """A frame over 60 KiB that is sent in fragments.

    Attributes:
        size: Bytes of the frame.
        unsettled: Bytes that still count in the queue.
    """

    __slots__ = ("_fragments", "_left", "number", "size", "stream", "unsettled")

    def __init__(
        self, fragments: Iterator[bytes], size: int, number: int, stream: str, queued: int
    ) -> None:
        self._fragments = fragments
        self._left = size
        self.size = size
        self.number = number
        self.stream = stream
        self.unsettled = queued

    def take(self) -> tuple[bytes, bool]:
        """Return the next fragment and whether it is the last."""
        fragment = next(self._fragments)
        self._left -= len(fragment) - FRAGMENT_HEADER_BYTES
        return fragment, not self._left


class Outbox:
    """The send queue of one link, with its scheduler and its credit.

    Args:
        sign: Signs bytes with the node's key.
        max_unconsumed: Sent bytes that the peer has not yet reported as consumed; 512 KiB at least.
        max_queued: Bytes of small messages that may wait here. Large messages (over 60 KiB) have
            the same room for themselves.
        max_message: Bytes of the largest message, and of all messages in progress together, as
            the receiver's :class:`~jupyter_peer.wire.link.frames.Assembler` allows.
    """

    def __init__(
        self,
        sign: Callable[[bytes], bytes],
        *,
        max_unconsumed: int,
        max_queued: int,
        max_message: int,
    ) -> None:
        self._sign = sign
        self._max_unconsumed = max(max_unconsumed, MIN_UNCONSUMED)
        self._window = self._max_unconsumed
        self._max_queued = max_queued
        self._max_message = max_message
        self._urgent: deque[Outgoing] = deque()
        self._streams: dict[str, deque[Outgoing]] = {}
        self._large: deque[_Large] = deque()
        self._large_bytes = 0
        self._next_number = 0
        self._sent = 0
        self._consumed = 0
        self._credit_due: int | None = None
        self._queued_small = 0
        self._queued_large = 0

    @property
    def queued(self) -> int:
        """Bytes that wait to be sent."""
        return self._queued_small + self._queued_large

    def put(self, item: Outgoing, stream: str = "") -> None:
        """Queue an envelope behind the earlier ones of its stream.

        One large message may always be queued when no other large one waits.

        Raises:
            OverflowLinkError: More than ``max_queued`` bytes would wait.
            TooLargeError: The message is larger than ``max_message``.
        """
        size = item.size
        if size > self._max_message:
            check_size(size, self._max_message)
        if size > FRAGMENT_BYTES:
            if self._queued_large and self._queued_large + size > self._max_queued:
                raise OverflowLinkError
            self._queued_large += size
        elif self._queued_small + size > self._max_queued:
            raise OverflowLinkError
        else:
            self._queued_small += size
        waiting = self._streams.get(stream)
        if waiting is None:
            waiting = self._streams[stream] = deque()
        waiting.append(item)

    def put_urgent(self, item: Outgoing) -> None:
        """Queue an envelope under 4 KiB ahead of everything, exempt from credits."""
        if item.size >= EXEMPT_BYTES:
            raise ValueError("only envelopes under 4 KiB may be urgent")
        if len(self._urgent) >= MAX_BATCH:
            raise OverflowLinkError
        self._urgent.append(item)

    def put_credit(self, consumed: int) -> None:
        """Queue the count of consumed bytes for the peer; only the newest is sent."""
        self._credit_due = consumed

    def on_credit(self, consumed: int) -> None:
        """Apply the peer's count of consumed bytes, at most the number that was sent."""
        self._consumed = max(self._consumed, min(consumed, self._sent))

    def fit_window(self, round_trip_s: float) -> None:
        """Limit the bytes under way to what a path of this round trip needs.

        Args:
            round_trip_s: Shortest measured round trip of the path. Waiting bytes on a busy link make
                a measured one longer.
        """
        needed = max(_SHORT_WINDOW, int(round_trip_s * _FILL_BYTES_A_SECOND))
        self._window = min(needed, self._max_unconsumed)

    def frames(self, budget: int) -> Iterator[bytes]:
        """Yield inner frames to seal and send now, about ``budget`` bytes of them."""
        if self._credit_due is not None:
            due, self._credit_due = self._credit_due, None
            yield credit_frame(due)
        while self._urgent:
            item = self._urgent.popleft()
            frame = b"".join(envelope_chunks(item.canonical, item.sig(self._sign), item.buffers))
            budget -= len(frame)
            yield frame
        while budget > 0:
            progress = False
            for step in (self._next_batch, self._next_fragment):
                ready = step()
                if ready is not None:
                    progress = True
                    budget -= len(ready)
                    yield ready
            if not progress:
                return

    def _room(self) -> int:
        return self._window - (self._sent - self._consumed)

    def _next_batch(self) -> bytes | None:
        """Pop all small messages at the heads of the streams that fit into one frame."""
        if not self._streams:
            return None
        room = min(FRAGMENT_BYTES, self._room())
        taken: list[Outgoing] = []
        blocked = {large.stream for large in self._large}
        done: list[str] = []
        is_full = False
        for stream, waiting in self._streams.items():
            if stream in blocked:
                continue
            while waiting:
                item = waiting[0]
                size = item.size
                if size > FRAGMENT_BYTES:
                    self._begin_large(stream, waiting)
                    break
                if not taken:
                    is_full = size > room  # a single one goes as an envelope frame
                    if not is_full:
                        room -= BATCH_FIXED_BYTES
                else:
                    # an envelope that was signed for other viewers is cheapest in a frame of its own
                    is_full = (
                        size - BATCH_SAVES_BYTES > room
                        or item.own_sig is not None
                        or len(taken) == MAX_BATCH
                    )
                if is_full:
                    break
                waiting.popleft()
                taken.append(item)
                room -= size - BATCH_SAVES_BYTES
                if item.own_sig is not None:
                    is_full = True
                    break
            if not waiting:
                done.append(stream)
            if is_full:
                break
        if is_full and taken and waiting:
            # its turn is over; a stream that never empties would starve those behind it
            del self._streams[stream]
            self._streams[stream] = waiting
        for stream in done:
            del self._streams[stream]
        return self._pack(taken) if taken else None

    def _pack(self, taken: list[Outgoing]) -> bytes:
        self._queued_small -= sum([item.size for item in taken])
        if len(taken) == 1:
            item = taken[0]
            frame = b"".join(envelope_chunks(item.canonical, item.sig(self._sign), item.buffers))
            if len(frame) >= EXEMPT_BYTES:
                self._sent += len(frame)
            return frame
        sig = self._sign(batch_digest([item.canonical for item in taken]))
        frame = batch_frame(sig, [batch_part(item.canonical, item.buffers) for item in taken])
        self._sent += len(frame)
        return frame

    def _begin_large(self, stream: str, waiting: deque[Outgoing]) -> None:
        """Start to fragment the large message at the head of a stream, and others right behind it."""
        held = self._large_bytes
        first = waiting[0]
        if len(self._large) >= MAX_IN_PROGRESS or (held and held + first.size > self._max_message):
            return
        limit = min(_BATCH_BYTES, self._max_message - held)
        taken = [waiting.popleft()]
        size = BATCH_FIXED_BYTES + first.size
        while waiting and first.own_sig is None:
            item = waiting[0]
            size += item.size
            if size > limit or item.own_sig is not None or len(taken) == MAX_BATCH:
                break
            taken.append(waiting.popleft())
            if item.size <= FRAGMENT_BYTES:
                self._queued_small -= item.size
                self._queued_large += item.size
        large = self._cut_for_all(first, stream) or self._cut(taken, stream)
        self._large_bytes += large.size
        self._large.append(large)

    def _cut_for_all(self, item: Outgoing, stream: str) -> _Large | None:
        """Return a message that was cut for many viewers; None to cut it for this link alone."""
        if item.own_sig is None or item.size > _CUT_ONCE_BYTES:
            return None
        number, cut = item.fragments()
        if not self._is_free(number):
            return None
        return _Large(cut, item.size, number, stream, item.size)

    def _cut(self, taken: Sequence[Outgoing], stream: str) -> _Large:
        if len(taken) == 1:
            item = taken[0]
            chunks = envelope_chunks(item.canonical, item.sig(self._sign), item.buffers)
        else:
            sig = self._sign(batch_digest([item.canonical for item in taken]))
            chunks = batch_chunks(sig, [(item.canonical, item.buffers) for item in taken])
        while not self._is_free(self._next_number):
            self._next_number = (self._next_number + 1) & 0xFFFFFFFF
        number = self._next_number
        self._next_number = (number + 1) & 0xFFFFFFFF
        size = sum(memoryview(chunk).nbytes for chunk in chunks)
        queued = sum(item.size for item in taken)
        return _Large(fragments(chunks, number), size, number, stream, queued)

    def _is_free(self, number: int) -> bool:
        """Whether no message in progress has this number."""
        return all(large.number != number for large in self._large)

    def _next_fragment(self) -> bytes | None:
        needed = FRAGMENT_BYTES + FRAGMENT_HEADER_BYTES + _KEPT_FOR_SMALL
        if not self._large or self._room() < needed:
            return None
        large = self._large.popleft()
        frame, is_last = large.take()
        self._sent += len(frame)
        settled = large.unsettled if is_last else len(frame) - FRAGMENT_HEADER_BYTES
        large.unsettled -= settled
        self._queued_large -= settled
        if is_last:
            self._large_bytes -= large.size
        else:
            self._large.append(large)
        return frame
