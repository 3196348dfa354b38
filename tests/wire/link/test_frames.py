"""Inner frames: what is written is read back, and nothing else passes."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import random
import tracemalloc
from struct import Struct, pack

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import MalformedError, PeerError, ProtocolError, TooLargeError
from jupyter_peer.wire.link.envelope import DEFAULT_TTL, MAX_BUFFERS
from jupyter_peer.wire.link.frames import (
    BATCH,
    BATCH_LABEL,
    BATCH_SAVES_BYTES,
    CREDIT,
    ENVELOPE,
    FRAGMENT,
    MAX_BATCH,
    MAX_IN_PROGRESS,
    Assembler,
    batch_digest,
    batch_frame,
    batch_part,
    credit_frame,
    envelope_chunks,
    envelope_size,
    fragment_header,
    read_batch,
    read_credit,
    read_envelope,
)

SIG = bytes(range(64))
LIMIT = 1 << 20

canonicals = st.binary(max_size=40)
buffer_lists = st.lists(st.binary(max_size=30), max_size=4)


def whole(canonical: bytes, buffers=(), sig: bytes = SIG) -> bytes:
    return b"".join(envelope_chunks(canonical, sig, buffers))


def digests(buffers) -> list[str]:
    return [hashlib.sha256(buffer).hexdigest() for buffer in buffers]


def fragments(frame: bytes, number: int, sizes: list[int]) -> list[bytes]:
    """Cut a frame into pieces of the given sizes; the last takes the rest."""
    cuts = [0]
    for size in sizes:
        if cuts[-1] + size < len(frame):
            cuts.append(cuts[-1] + size)
    cuts.append(len(frame))
    return [
        fragment_header(number, end == len(frame)) + frame[start:end]
        for start, end in itertools.pairwise(cuts)
    ]


def test_the_bytes_are_those_of_the_protocol():
    canonical, buffers = b'{"a":1}', [b"one", b"four"]
    lengths = pack(">BIQQ", 8, 2, 3, 4)
    assert whole(canonical, buffers) == b"\0" + pack(">I", 7) + canonical + SIG + lengths + (
        b"onefour"
    )
    part = pack(">I", 7) + canonical
    assert batch_frame(SIG, [batch_part(canonical, buffers), batch_part(canonical, ())]) == (
        b"\2" + SIG + pack(">I", 2) + part + lengths + b"onefour" + part + pack(">BI", 8, 0)
    )
    assert fragment_header(7, is_last=True) == b"\1\0\0\0\7\1"
    assert credit_frame(258) == b"\3" + bytes(6) + b"\1\2"
    assert batch_digest([b"a", b"b"]) == (
        BATCH_LABEL + hashlib.sha256(b"a").digest() + hashlib.sha256(b"b").digest()
    )


@given(canonicals, buffer_lists)
def test_an_envelope_is_read_as_it_was_written(canonical, buffers):
    frame = whole(canonical, buffers)
    assert len(frame) == envelope_size(canonical, buffers)
    sig, part = read_envelope(frame)
    assert (sig, part.canonical, part.ttl) == (SIG, canonical, DEFAULT_TTL)
    assert list(part.buffers) == buffers
    assert list(part.digests) == digests(buffers)


@given(st.lists(st.tuples(canonicals, buffer_lists), min_size=1, max_size=6))
def test_a_batch_is_read_as_it_was_written(messages):
    parts = [batch_part(canonical, buffers) for canonical, buffers in messages]
    for part, (canonical, buffers) in zip(parts, messages, strict=True):
        assert len(part) == envelope_size(canonical, buffers) - BATCH_SAVES_BYTES
    sig, read = read_batch(batch_frame(SIG, parts))
    assert sig == SIG
    assert [(part.canonical, list(part.buffers)) for part in read] == messages
    assert [list(part.digests) for part in read] == [digests(buffers) for _, buffers in messages]


@given(st.integers(0, 2**64 - 1))
def test_a_credit_is_read_as_it_was_written(consumed):
    assert read_credit(credit_frame(consumed)) == consumed


@pytest.mark.parametrize("length", [1, 8, 10])
def test_a_credit_of_another_length_is_malformed(length):
    with pytest.raises(MalformedError):
        read_credit(bytes((CREDIT,)) * length)


@given(canonicals, buffer_lists, st.data())
def test_a_cut_or_lengthened_frame_is_malformed(canonical, buffers, data):
    frame = whole(canonical, buffers)
    batch = batch_frame(SIG, [batch_part(canonical, buffers)] * 2)
    for read, right in ((read_envelope, frame), (read_batch, batch)):
        cut = data.draw(st.integers(1, len(right) - 1))
        for wrong in (right[:cut], right + b"x"):
            with pytest.raises(PeerError):
                read(wrong)


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1, 2**32 - 1])
def test_a_batch_of_none_or_too_many_is_malformed(count):
    with pytest.raises(MalformedError):
        read_batch(b"\2" + SIG + pack(">I", count) + batch_part(b"{}", ()))


@pytest.mark.parametrize("count", [MAX_BUFFERS + 1, 2**32 - 1])
def test_more_buffers_than_allowed_are_too_large(count):
    trailer = b"\0" + pack(">I", 2) + b"{}" + SIG + pack(">BI", 8, count) + bytes(8 * 5000)
    with pytest.raises(TooLargeError):
        read_envelope(trailer)
    with pytest.raises(TooLargeError):
        Assembler(LIMIT).add(fragment_header(0, is_last=True) + trailer)


@pytest.mark.parametrize("lengths", [(1,), (2**64 - 1,), (2**63, 2**63), (0, 0, 5)])
def test_buffers_that_reach_beyond_the_frame_are_malformed(lengths):
    trailer = pack(">BI", 8, len(lengths)) + Struct(f">{len(lengths)}Q").pack(*lengths)
    head = b"\0" + pack(">I", 2) + b"{}" + SIG
    with pytest.raises(MalformedError):
        read_envelope(head + trailer)


@given(st.binary(max_size=200), st.booleans())
def test_reading_any_bytes_raises_nothing_but_peer_errors(raw, has_count):
    for kind, read in ((ENVELOPE, read_envelope), (BATCH, read_batch), (CREDIT, read_credit)):
        middle = SIG + pack(">I", 2) if kind == BATCH and has_count else b""
        with contextlib.suppress(PeerError):
            read(bytes((kind,)) + middle + raw)


@given(st.lists(st.tuples(canonicals, buffer_lists), min_size=1, max_size=3), st.data())
def test_reading_damaged_frames_raises_nothing_but_peer_errors(messages, data):
    for read, frame in (
        (read_envelope, whole(*messages[0])),
        (read_batch, batch_frame(SIG, [batch_part(*message) for message in messages])),
    ):
        raw = bytearray(frame)
        at = data.draw(st.integers(1, len(raw)))
        raw[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        with contextlib.suppress(PeerError):
            read(bytes(raw))


# Fragments.


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=60),
            st.lists(st.binary(max_size=60), max_size=4),
            st.lists(st.integers(1, 50), max_size=30),
            st.booleans(),
        ),
        min_size=1,
        max_size=MAX_IN_PROGRESS,
    ),
    st.randoms(use_true_random=False),
)
def test_interleaved_fragments_become_the_messages_they_were(messages, chance: random.Random):
    queues = []
    for number, (canonical, buffers, sizes, is_batch) in enumerate(messages):
        frame = whole(canonical, buffers)
        if is_batch:
            frame = batch_frame(SIG, [batch_part(canonical, buffers)])
        queues.append(fragments(frame, number * 1000, sizes))
    assembler = Assembler(LIMIT)
    done = 0
    while queues:
        queue = chance.choice(queues)
        fragment = queue.pop(0)
        assembled = assembler.add(fragment)
        assert (assembled is None) == bool(queue)
        if assembled is None:
            continue
        queues.remove(queue)
        done += 1
        canonical, buffers, _, is_batch = messages[Struct(">xI").unpack_from(fragment)[0] // 1000]
        if is_batch:
            sig, (part,) = read_batch(assembled.frame())
        else:
            sig, part = assembled.envelope()
        assert (sig, part.canonical) == (SIG, canonical)
        assert [bytes(buffer) for buffer in part.buffers] == buffers
        assert list(part.digests) == digests(buffers)
    assert done == len(messages)
    assert (len(assembler._open), assembler._held) == (0, 0)


@given(canonicals, buffer_lists, st.lists(st.integers(1, 40), max_size=10), st.data())
def test_a_message_that_ends_early_or_late_is_malformed(canonical, buffers, sizes, data):
    frame = whole(canonical, buffers)
    cut = data.draw(st.integers(1, len(frame) - 1))
    for wrong in (frame[:cut], frame + b"x"):
        assembler = Assembler(LIMIT)

        def read(wrong=wrong, assembler=assembler):
            for fragment in fragments(wrong, 1, sizes):
                assembled = assembler.add(fragment)
            assert assembled is not None
            assembled.envelope()

        with pytest.raises(PeerError):
            read()


def test_at_most_16_messages_are_in_progress():
    assembler = Assembler(LIMIT)
    frame = whole(b"{}", (b"x" * 10,))
    for number in range(MAX_IN_PROGRESS):
        assembler.add(fragment_header(number, is_last=False) + frame[:20])
    with pytest.raises(TooLargeError):
        assembler.add(fragment_header(99, is_last=False) + frame[:20])
    assert len(assembler._open) == MAX_IN_PROGRESS
    assert assembler.add(fragment_header(3, is_last=True) + frame[20:]) is not None
    assembler.add(fragment_header(99, is_last=False) + frame[:20])


@pytest.mark.parametrize("kind", [FRAGMENT, CREDIT, 4, 255])
def test_only_envelopes_and_batches_may_be_cut_up(kind):
    with pytest.raises(ProtocolError):
        Assembler(LIMIT).add(fragment_header(0, is_last=True) + bytes((kind,)) * 20)


@pytest.mark.parametrize("fragment", [b"\1", b"\1\0\0\0\0\0", b"\1\0\0\0\0\2x", b"\1\0\0\0\0\xffx"])
def test_a_fragment_without_bytes_or_with_another_mark_is_malformed(fragment):
    with pytest.raises(MalformedError):
        Assembler(LIMIT).add(fragment)


@pytest.mark.parametrize(
    "head",
    [
        pack(">BI", ENVELOPE, 2**32 - 1),
        pack(">BI", ENVELOPE, LIMIT - 10),
        pack(">BI", ENVELOPE, 2) + b"{}" + SIG + pack(">BIQ", 8, 1, LIMIT),
        pack(">BI", ENVELOPE, 2) + b"{}" + SIG + pack(">BIQQ", 8, 2, 2**63, 2**63),
    ],
)
def test_a_message_that_announces_too_much_is_refused_at_once(head):
    with pytest.raises(TooLargeError):
        Assembler(LIMIT).add(fragment_header(0, is_last=False) + head)


@pytest.mark.parametrize("kind", [ENVELOPE, BATCH])
def test_all_messages_in_progress_together_are_bounded(kind):
    head = pack(">BI", kind, 2) + b"{}" + SIG + pack(">BIQ", 8, 1, LIMIT - 200)
    assembler = Assembler(LIMIT)
    tracemalloc.start()
    try:
        for number in range(4):
            assembler.add(fragment_header(number, is_last=False) + head)
        more = [fragment_header(number, is_last=False) + bytes(50_000) for number in range(4)]
        with pytest.raises(TooLargeError):
            [assembler.add(piece) for piece in more * 1000]
        assert tracemalloc.get_traced_memory()[1] < 3 * LIMIT
    finally:
        tracemalloc.stop()


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.booleans(), st.binary(max_size=90), st.booleans()),
        max_size=40,
    )
)
def test_any_fragments_raise_nothing_but_peer_errors(pieces):
    assembler = Assembler(5000)
    with contextlib.suppress(PeerError):
        for number, is_last, raw, is_like_one in pieces:
            if is_like_one:
                raw = b"\0\0\0\0\2{}" + SIG + raw
            assembled = assembler.add(fragment_header(number, is_last) + raw)
            assert assembler._held <= 5000
            if assembled is not None and not assembled.is_batch:
                assembled.envelope()
            elif assembled is not None:
                read_batch(assembled.frame())
