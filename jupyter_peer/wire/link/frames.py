"""The inner frames of a sealed link: envelope, fragment, batch, credit (SPEC section 4.2).

Writers return bytes or lists of chunks, so large buffers are never joined. Readers check every
length before they slice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from struct import Struct, error as StructError

import msgspec

from ...errors import MalformedError, ProtocolError, TooLargeError
from .envelope import DEFAULT_TTL, MAX_BUFFERS, Buffer
from .identity import SIGNATURE_BYTES

ENVELOPE, FRAGMENT, BATCH, CREDIT = 0, 1, 2, 3
FRAGMENT_BYTES = 60 * 1024
FRAGMENT_HEADER_BYTES = 6
TAG_BYTES = 16
EXEMPT_BYTES = 4096
MAX_IN_PROGRESS = 16
MAX_BATCH = 4096
BATCH_LABEL = b"jupyter-peer/1 batch"

_U32 = Struct(">I")
_KIND_U32 = Struct(">BI")
_KIND_U64 = Struct(">BQ")
_FRAGMENT = Struct(">BIB")
_TTL_COUNT = Struct(">BI")
_BATCH = bytes((BATCH,))
_NO_BUFFERS = _TTL_COUNT.pack(DEFAULT_TTL, 0)

ENVELOPE_FIXED_BYTES = _KIND_U32.size + SIGNATURE_BYTES + _TTL_COUNT.size
"""An envelope frame without canonical bytes and buffers."""
BATCH_FIXED_BYTES = 1 + SIGNATURE_BYTES + _U32.size
"""A batch frame without its parts."""
BATCH_SAVES_BYTES = 1 + SIGNATURE_BYTES
"""Bytes that an envelope saves in a batch: the kind and the signature of its own frame."""


class Part(msgspec.Struct, gc=False):
    """One envelope inside a frame.

    Attributes:
        canonical: The signed bytes.
        ttl: The routing header.
        buffers: Raw buffers.
        digests: SHA-256 of each buffer in hex.
    """

    canonical: bytes
    ttl: int
    buffers: Sequence[Buffer]
    digests: Sequence[str]


def _trailer(buffers: Sequence[Buffer]) -> bytes:
    if not buffers:
        return _NO_BUFFERS
    lengths = Struct(f">{len(buffers)}Q").pack(*(_size(buffer) for buffer in buffers))
    return _TTL_COUNT.pack(DEFAULT_TTL, len(buffers)) + lengths


def _size(buffer: Buffer) -> int:
    return buffer.nbytes if isinstance(buffer, memoryview) else len(buffer)


def envelope_chunks(canonical: bytes, sig: bytes, buffers: Sequence[Buffer]) -> list[Buffer]:
    """Return the chunks of an envelope frame: a header, then each buffer untouched."""
    head = _KIND_U32.pack(ENVELOPE, len(canonical)) + canonical + sig + _trailer(buffers)
    return [head, *buffers]


def envelope_size(canonical: bytes, buffers: Sequence[Buffer]) -> int:
    """Return the number of bytes that :func:`envelope_chunks` will have."""
    if not buffers:
        return ENVELOPE_FIXED_BYTES + len(canonical)
    return ENVELOPE_FIXED_BYTES + len(canonical) + sum([8 + _size(buffer) for buffer in buffers])


def batch_part(canonical: bytes, buffers: Sequence[Buffer]) -> bytes:
    """Return one envelope in its form inside a batch."""
    if not buffers:
        return _U32.pack(len(canonical)) + canonical + _NO_BUFFERS
    return b"".join((_U32.pack(len(canonical)), canonical, _trailer(buffers), *buffers))


def batch_frame(sig: bytes, parts: Sequence[bytes]) -> bytes:
    """Return the batch frame of some :func:`batch_part` results."""
    return b"".join((_BATCH, sig, _U32.pack(len(parts)), *parts))


def batch_chunks(sig: bytes, items: Sequence[tuple[bytes, Sequence[Buffer]]]) -> list[Buffer]:
    """Return the chunks of a batch frame of canonical bytes and buffers, each buffer untouched."""
    chunks: list[Buffer] = [b"".join((_BATCH, sig, _U32.pack(len(items))))]
    for canonical, buffers in items:
        chunks.append(_U32.pack(len(canonical)) + canonical + _trailer(buffers))
        chunks += buffers
    return chunks


def batch_digest(canonicals: Sequence[bytes]) -> bytes:
    """Return the bytes that the signature of a batch covers: label and SHA-256 of each envelope."""
    sha256 = hashlib.sha256
    return BATCH_LABEL + b"".join([sha256(canonical).digest() for canonical in canonicals])


def credit_frame(consumed: int) -> bytes:
    """Return a credit frame with the bytes of fragments and batches consumed on this link so far."""
    return _KIND_U64.pack(CREDIT, consumed)


def read_credit(frame: bytes) -> int:
    """Return the count of a credit frame.

    Raises:
        MalformedError: The frame has a wrong length.
    """
    if len(frame) != _KIND_U64.size:
        raise MalformedError("a credit frame has 9 bytes")
    return int(_KIND_U64.unpack(frame)[1])


def fragment_header(number: int, is_last: bool) -> bytes:
    """Return the 6-byte header of a fragment."""
    return _FRAGMENT.pack(FRAGMENT, number & 0xFFFFFFFF, is_last)


def fragments(chunks: Sequence[Buffer], number: int) -> Iterator[bytes]:
    """Yield the fragments of a frame that is given in chunks; each is made when it is needed."""
    views = [memoryview(chunk).cast("B") for chunk in chunks]
    left = sum(map(len, views))
    at = offset = 0
    while left:
        room = min(FRAGMENT_BYTES, left)
        left -= room
        pieces: list[Buffer] = [fragment_header(number, not left)]
        while room:
            piece = views[at][offset : offset + room]
            pieces.append(piece)
            room -= len(piece)
            offset += len(piece)
            if offset == len(views[at]):
                at += 1
                offset = 0
        yield b"".join(pieces)


def read_envelope(frame: bytes) -> tuple[bytes, Part]:
    """Return signature and content of a whole envelope frame.

    Raises:
        MalformedError: A length does not fit.
    """
    try:
        (size,) = _U32.unpack_from(frame, 1)
        end = 5 + size
        canonical, sig = frame[5:end], frame[end : end + SIGNATURE_BYTES]
        part, offset = _read_trailer(frame, end + SIGNATURE_BYTES, canonical)
    except StructError as error:
        raise MalformedError("the envelope frame is cut off") from error
    if offset != len(frame):
        raise MalformedError("the envelope frame has bytes left over")
    return sig, part


def read_batch(frame: bytes) -> tuple[bytes, list[Part]]:
    """Return signature and envelopes of a batch.

    Raises:
        MalformedError: A length does not fit, or the batch has not 1 to 4,096 envelopes.
    """
    parts: list[Part] = []
    try:
        sig = frame[1 : 1 + SIGNATURE_BYTES]
        (count,) = _U32.unpack_from(frame, 1 + SIGNATURE_BYTES)
        if not 0 < count <= MAX_BATCH:
            raise MalformedError("a batch holds 1 to 4096 envelopes")
        offset = BATCH_FIXED_BYTES
        end_of_frame = len(frame)
        unpack = _U32.unpack_from
        for _ in range(count):
            start = offset + 4
            end = start + unpack(frame, offset)[0]
            # the common part has no buffers: one comparison instead of a general parse
            if frame[end + 1 : end + 5] == b"\0\0\0\0":
                parts.append(Part(frame[start:end], frame[end], (), ()))
                offset = end + 5
                continue
            part, offset = _read_trailer(frame, end, frame[start:end])
            parts.append(part)
    except (StructError, IndexError) as error:
        raise MalformedError("the batch is cut off") from error
    if offset != end_of_frame:
        raise MalformedError("the batch has bytes left over")
    return sig, parts


def _read_trailer(frame: bytes, offset: int, canonical: bytes) -> tuple[Part, int]:
    ttl, count = _TTL_COUNT.unpack_from(frame, offset)
    offset += _TTL_COUNT.size
    if count == 0:
        return Part(canonical, ttl, (), ()), offset
    if count > MAX_BUFFERS:
        raise TooLargeError(f"a message has at most {MAX_BUFFERS} buffers")
    lengths = Struct(f">{count}Q").unpack_from(frame, offset)
    offset += 8 * count
    if offset + sum(lengths) > len(frame):
        raise MalformedError("a buffer is cut off")
    buffers = []
    for length in lengths:
        buffers.append(frame[offset : offset + length])
        offset += length
    digests = [hashlib.sha256(buffer).hexdigest() for buffer in buffers]
    return Part(canonical, ttl, buffers, digests), offset


class Assembler:
    """Puts fragments together again; messages may interleave.

    At most 16 messages and ``max_message`` bytes are in progress at once. So a peer cannot fill the
    memory of a node.
    """

    def __init__(self, max_message: int) -> None:
        self._max_message = max_message
        self._open: dict[int, _Assembly] = {}
        self._held = 0

    def add(self, fragment: bytes) -> _Assembly | None:
        """Add one fragment; return the message when it is complete.

        Raises:
            MalformedError: The fragment is malformed.
            TooLargeError: More is in progress than allowed.
            ProtocolError: The message has a kind that may not be fragmented.
        """
        if len(fragment) <= FRAGMENT_HEADER_BYTES:
            raise MalformedError("a fragment is cut off")
        _, number, is_last = _FRAGMENT.unpack_from(fragment)
        if is_last > 1:
            raise MalformedError("the last-mark of a fragment is 0 or 1")
        assembly = self._open.get(number)
        if assembly is None:
            if len(self._open) >= MAX_IN_PROGRESS:
                raise TooLargeError(f"more than {MAX_IN_PROGRESS} messages are in progress")
            if fragment[FRAGMENT_HEADER_BYTES] not in (ENVELOPE, BATCH):
                raise ProtocolError("only envelopes and batches may be fragmented")
            assembly = self._open[number] = _Assembly(self._max_message)
        self._held += len(fragment) - FRAGMENT_HEADER_BYTES
        if self._held > self._max_message:
            raise TooLargeError(f"more than {self._max_message} bytes are in progress")
        assembly.feed(memoryview(fragment)[FRAGMENT_HEADER_BYTES:])
        if not is_last:
            return None
        del self._open[number]
        self._held -= assembly.size
        return assembly


class _Assembly:
    """One message that is being assembled.

    The header is parsed as soon as it is complete, and each buffer is hashed as it arrives. So
    little work is left for the last fragment, and a 50 MB message never stops the loop for longer
    than one fragment takes.
    """

    def __init__(self, max_message: int) -> None:
        self.size = 0
        self._max_message = max_message
        self._head = bytearray()
        self._pieces: list[memoryview] | None = None
        self._need = 5
        self._canonical = b""
        self._sig = b""
        self._ttl = DEFAULT_TTL
        self._lengths: Sequence[int] | None = None
        self._buffers: list[bytearray] = []
        self._hashes: list[hashlib._Hash] = []

    @property
    def is_batch(self) -> bool:
        """Whether this is a batch; :meth:`frame` then returns the whole batch."""
        return self._pieces is not None

    @property
    def json_bytes(self) -> int:
        """How much there is to read beside the buffers; of a batch, with them."""
        return self.size if self.is_batch else len(self._canonical)

    def feed(self, chunk: memoryview) -> None:
        if not self.size and chunk[0] == BATCH:
            self._pieces = []
        self.size += len(chunk)
        if self._pieces is not None:
            self._pieces.append(chunk)
        elif self._lengths is None:
            self._head += chunk
            if self._read_head():
                rest = bytes(self._head[self._need :])
                del self._head[self._need :]
                self._fill(memoryview(rest))
        else:
            self._fill(chunk)

    def _read_head(self) -> bool:
        head = self._head
        if len(head) < self._need:
            return False
        canonical_end = 5 + int(_U32.unpack_from(head, 1)[0])
        trailer = canonical_end + SIGNATURE_BYTES
        self._need = trailer + _TTL_COUNT.size
        if self._need > self._max_message:
            raise TooLargeError(f"a message is over the limit of {self._max_message} bytes")
        if len(head) < self._need:
            return False
        ttl, count = _TTL_COUNT.unpack_from(head, trailer)
        if count > MAX_BUFFERS:
            raise TooLargeError(f"a message has at most {MAX_BUFFERS} buffers")
        self._need += 8 * count
        if len(head) < self._need:
            return False
        lengths = Struct(f">{count}Q").unpack_from(head, trailer + _TTL_COUNT.size)
        if self._need + sum(lengths) > self._max_message:
            raise TooLargeError(f"a message is over the limit of {self._max_message} bytes")
        self._canonical = bytes(head[5:canonical_end])
        self._sig = bytes(head[canonical_end:trailer])
        self._ttl, self._lengths = ttl, lengths
        self._buffers = [bytearray() for _ in lengths]
        self._hashes = [hashlib.sha256() for _ in lengths]
        self._at = 0
        return True

    def _fill(self, chunk: memoryview) -> None:
        assert self._lengths is not None
        while True:
            while (
                self._at < len(self._lengths)
                and len(self._buffers[self._at]) == self._lengths[self._at]
            ):
                self._at += 1
            if not len(chunk):
                return
            if self._at == len(self._lengths):
                raise MalformedError("the message has bytes left over")
            buffer = self._buffers[self._at]
            piece = chunk[: self._lengths[self._at] - len(buffer)]
            buffer += piece
            self._hashes[self._at].update(piece)
            chunk = chunk[len(piece) :]

    def frame(self) -> bytes:
        """Return the whole batch frame."""
        return b"".join(self._pieces or ())

    def envelope(self) -> tuple[bytes, Part]:
        """Return signature and content of the whole envelope.

        Raises:
            MalformedError: The last fragment came too early.
        """
        if self._lengths is None or self._at < len(self._lengths):
            raise MalformedError("the message ended before it was whole")
        digests = [state.hexdigest() for state in self._hashes]
        return self._sig, Part(self._canonical, self._ttl, self._buffers, digests)
