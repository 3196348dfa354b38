"""One authenticated link as a sans-I/O object: envelopes in and out of frames (SPEC section 4).

A handshake yields a :class:`SealedChannel`. An :class:`UnsealedChannel` has the same methods and
speaks the plain JSON of the original system. Above is the hub's session, which moves the frames.
Tests connect both sides of a link in memory.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ...errors import (
    BadIdentityError,
    BadSignatureError,
    MalformedError,
    OverflowLinkError,
    ProtocolError,
    TooLargeError,
)
from .buffers import check_buffers, check_digests, check_size
from .envelope import Envelope, from_canonical, from_text, to_text, without_surrogates
from .frames import (
    BATCH,
    CREDIT,
    ENVELOPE,
    EXEMPT_BYTES,
    FRAGMENT,
    FRAGMENT_BYTES,
    FRAGMENT_HEADER_BYTES,
    MAX_BATCH,
    TAG_BYTES,
    Assembler,
    Part,
    batch_digest,
    read_batch,
    read_credit,
    read_envelope,
)
from .identity import Identity, verify
from .json_bounds import HEAVY
from .outbox import CREDIT_EVERY, Outbox, Outgoing
from .replay import check_age

if TYPE_CHECKING:
    from .seal import Opener, Sealer

log = logging.getLogger(__name__)

# A sealed frame fits one 64 KiB data-channel message.
MAX_SEALED_FRAME = 64 * 1024
assert FRAGMENT_BYTES + FRAGMENT_HEADER_BYTES + TAG_BYTES <= MAX_SEALED_FRAME


Frame = bytes | str

Reading = Callable[[], Sequence[Envelope]]
"""Reads large envelopes, and raises what :meth:`Channel.accept` does."""


class Limits(NamedTuple):
    """The limits of one link, in bytes.

    Attributes:
        max_message: The largest message; also the sum of all unfinished messages.
        max_unconsumed: Sent bytes that the peer has not consumed yet; 512 KiB at least.
        max_queued: Bytes that may wait to be sent; see :class:`.outbox.Outbox`.
        max_received: The largest message of the other side; also the sum of its unfinished messages.
            None for ``max_message``.
    """

    max_message: int = 64 * 1024 * 1024
    max_unconsumed: int = 4 * 1024 * 1024
    max_queued: int = 16 * 1024 * 1024
    max_received: int | None = None


DEFAULT_LIMITS = Limits()


class Channel(ABC):
    """The base of both kinds of channel.

    Attributes:
        peer_id: Node id of the other side.
        public_key: Its raw key.
        max_frame: Bytes of the largest frame that the peer may send.
        is_sealed: Whether frames are end-to-end sealed.
    """

    is_sealed: bool

    def __init__(self, identity: Identity, peer_id: str, public_key: bytes, max_frame: int) -> None:
        self._identity = identity
        self.peer_id = peer_id
        self.public_key = public_key
        self.max_frame = max_frame

    @property
    @abstractmethod
    def queued(self) -> int:
        """Bytes that wait to be sent."""

    @abstractmethod
    def put(self, item: Outgoing, stream: str = "") -> None:
        """Queue an envelope; see :meth:`.outbox.Outbox.put`."""

    @abstractmethod
    def put_urgent(self, item: Outgoing) -> None:
        """Queue a small envelope ahead of everything; see :meth:`.outbox.Outbox.put_urgent`."""

    def fit_window(self, round_trip_s: float) -> None:  # noqa: B027 - one kind has no window
        """Limit the bytes under way to what the path needs; see :meth:`.outbox.Outbox.fit_window`."""

    @abstractmethod
    def frames(self, budget: int) -> Iterator[Frame]:
        """Yield the frames to send now, about ``budget`` bytes of them."""

    @abstractmethod
    def accept(self, frame: Frame, now: float) -> Sequence[Envelope] | Reading:
        """Read a frame of the link, and return the verified envelopes that the frame completes.

        Where reading them takes long, what reads them is returned instead. It may be called in any
        thread, before the next frame is accepted.

        Raises:
            WireError: The frame breaks the protocol. The link must be closed.
        """

    def receive(self, frame: Frame, now: float) -> Sequence[Envelope]:
        """Read a frame as :meth:`accept` does, however long it takes."""
        read = self.accept(frame, now)
        return read() if callable(read) else read


class SealedChannel(Channel):
    """Envelopes in sealed binary frames."""

    is_sealed = True

    def __init__(
        self,
        identity: Identity,
        peer_id: str,
        public_key: bytes,
        sealer: Sealer,
        opener: Opener,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        super().__init__(identity, peer_id, public_key, MAX_SEALED_FRAME)
        self._sealer = sealer
        self._opener = opener
        self._outbox = Outbox(
            identity.sign,
            max_unconsumed=limits.max_unconsumed,
            max_queued=limits.max_queued,
            max_message=limits.max_message,
        )
        self._assembler = Assembler(limits.max_received or limits.max_message)
        self._consumed = 0
        self._told = 0

    @property
    def queued(self) -> int:
        return self._outbox.queued

    def put(self, item: Outgoing, stream: str = "") -> None:
        self._outbox.put(item, stream)

    def put_urgent(self, item: Outgoing) -> None:
        self._outbox.put_urgent(item)

    def fit_window(self, round_trip_s: float) -> None:
        self._outbox.fit_window(round_trip_s)

    def frames(self, budget: int) -> Iterator[Frame]:
        seal = self._sealer.seal
        for frame in self._outbox.frames(budget):
            yield seal(frame)

    def accept(self, frame: Frame, now: float) -> Sequence[Envelope] | Reading:
        if isinstance(frame, str):
            raise ProtocolError("a text frame on a sealed link")
        if len(frame) > MAX_SEALED_FRAME:
            raise TooLargeError(f"a sealed frame has at most {MAX_SEALED_FRAME} bytes")
        inner = self._opener.open(frame)
        if not inner:
            raise MalformedError("an empty frame")
        kind = inner[0]
        if kind == CREDIT:
            self._outbox.on_credit(read_credit(inner))
            return ()
        envelopes: Sequence[Envelope] | Reading = ()
        if kind == ENVELOPE:
            envelopes = self._one(*read_envelope(inner))
            if len(inner) < EXEMPT_BYTES:
                return envelopes
        elif kind == BATCH:
            envelopes = self._batch(inner)
        elif kind == FRAGMENT:
            whole = self._assembler.add(inner)
            if whole is not None:
                read = (
                    partial(self._batch, whole.frame())
                    if whole.is_batch
                    else partial(self._one, *whole.envelope())
                )
                envelopes = read if whole.json_bytes > HEAVY else read()
        else:
            raise MalformedError(f"a frame of unknown kind {kind}")
        self._consumed += len(inner)
        if self._consumed - self._told >= CREDIT_EVERY:
            self._told = self._consumed
            self._outbox.put_credit(self._consumed)
        return envelopes

    def _one(self, sig: bytes, part: Part) -> Sequence[Envelope]:
        verify(self.public_key, sig, part.canonical)
        return (self._read(part, sig),)

    def _batch(self, frame: bytes) -> Sequence[Envelope]:
        sig, parts = read_batch(frame)
        batch = batch_digest([part.canonical for part in parts])
        verify(self.public_key, sig, batch)
        read = self._read
        return [read(part, sig, batch) for part in parts]

    def _read(self, part: Part, sig: bytes, batch: bytes = b"") -> Envelope:
        """Read an envelope whose signature was verified."""
        envelope = from_canonical(
            part.canonical, sig, part.ttl, part.buffers, src=self.peer_id, batch=batch
        )
        if part.digests or "buffers" in envelope.data:
            check_digests(envelope.data.get("buffers"), part.digests)
        return envelope


def _has_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(_has_null, value)))


class UnsealedChannel(Channel):
    """Envelopes as signed JSON texts: the wire of the original system."""

    is_sealed = False

    def __init__(
        self,
        identity: Identity,
        peer_id: str,
        public_key: bytes,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        # base64 makes buffers a third larger, and the rest of the envelope needs room too
        max_frame = limits.max_message * 4 // 3 + 64 * 1024
        super().__init__(identity, peer_id, public_key, max_frame)
        self._limits = limits
        self._urgent: deque[Outgoing] = deque()
        self._waiting: deque[Outgoing] = deque()
        self._queued = 0

    @property
    def queued(self) -> int:
        return self._queued

    def put(self, item: Outgoing, stream: str = "") -> None:
        check_size(item.size, self._limits.max_message)
        if self._queued and self._queued + item.size > self._limits.max_queued:
            raise OverflowLinkError
        self._waiting.append(item)
        self._queued += item.size

    def put_urgent(self, item: Outgoing) -> None:
        if len(self._urgent) >= MAX_BATCH:
            raise OverflowLinkError
        self._urgent.append(item)
        self._queued += item.size

    def frames(self, budget: int) -> Iterator[Frame]:
        while (self._urgent or self._waiting) and budget > 0:
            item = (self._urgent or self._waiting).popleft()
            self._queued -= item.size
            sig = item.sig(self._identity.sign)
            text = to_text(item.canonical, sig, dst=self.peer_id, buffers=item.buffers)
            budget -= len(text)
            yield text

    def accept(self, frame: Frame, now: float) -> Sequence[Envelope] | Reading:
        if not isinstance(frame, str):
            raise ProtocolError("a binary frame on an unsealed link")
        if len(frame) > self.max_frame:
            raise TooLargeError
        read = partial(self._read, frame, now)
        return read if len(frame) > HEAVY else read()

    def _read(self, frame: str, now: float) -> Sequence[Envelope]:
        envelope = from_text(frame, max_bytes=self.max_frame)
        if envelope is None:
            log.debug("%s sent a number that is not finite: dropped", self.peer_id)
            return ()
        canonical = envelope.canonical()
        try:
            verify(self.public_key, envelope.sig, canonical)
        except BadSignatureError:
            # The original system signs NaN and sends null in its place.
            if not _has_null(envelope.data):
                raise
            log.debug("%s signed something else than it sent: dropped", self.peer_id)
            return ()
        if envelope.src != self.peer_id:
            raise BadIdentityError("the peer sent an envelope in another node's name")
        if envelope.buffers or "buffers" in envelope.data:
            check_buffers(envelope.data.get("buffers"), envelope.buffers)
        check_age(envelope.ts, now)
        if "\\ud" in frame or "\\uD" in frame:
            envelope = msgspec.structs.replace(envelope, data=without_surrogates(envelope.data))
        return (msgspec.structs.replace(envelope, signed=canonical),)
