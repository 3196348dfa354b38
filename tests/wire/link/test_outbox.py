"""The order in which one link sends, and what it keeps back."""

from __future__ import annotations

from struct import unpack_from

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import OverflowLinkError, TooLargeError
from jupyter_peer.wire.link.envelope import MAX_BUFFERS
from jupyter_peer.wire.link.frames import (
    BATCH,
    CREDIT,
    ENVELOPE,
    EXEMPT_BYTES,
    FRAGMENT,
    FRAGMENT_BYTES,
    MAX_BATCH,
    MAX_IN_PROGRESS,
    Assembler,
    read_batch,
    read_credit,
    read_envelope,
)
from jupyter_peer.wire.link.identity import verify
from jupyter_peer.wire.link.outbox import MIN_UNCONSUMED, Outbox, Outgoing
from tests.wire.makers import ADA

EVERYTHING = 1 << 40
MIB = 1 << 20


class CountingSigner:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, data: bytes) -> bytes:
        self.count += 1
        return ADA.sign(data)


def unconsumed(outbox):
    """Return the bytes sent that the peer has not confirmed yet."""
    return outbox._sent - outbox._consumed


def an_outbox(sign=ADA.sign, **changes: int) -> Outbox:
    limits = {"max_unconsumed": 4 * MIB, "max_queued": 16 * MIB, "max_message": 64 * MIB}
    return Outbox(sign, **{**limits, **changes})


def sized(size: int, mark: int = 0) -> Outgoing:
    """Return an envelope whose frame has exactly ``size`` bytes."""
    return Outgoing(b"%06d" % mark + bytes(size - 74 - 6))


def mark_of(canonical: bytes) -> int:
    return int(canonical[:6])


def marks(frames) -> list[int]:
    """Return what arrives, in order; a fragmented message counts when its last part comes."""
    pieces: dict[int, bytes] = {}
    arrived = []
    for frame in frames:
        if frame[0] == FRAGMENT:
            number, is_last = unpack_from(">IB", frame, 1)
            whole = pieces.pop(number, b"") + frame[6:]
            if not is_last:
                pieces[number] = whole
                continue
            frame = whole
        if frame[0] == ENVELOPE:
            arrived.append(mark_of(read_envelope(frame)[1].canonical))
        elif frame[0] == BATCH:
            arrived.extend(mark_of(part.canonical) for part in read_batch(frame)[1])
    assert not pieces
    return arrived


def drain(outbox: Outbox) -> list[bytes]:
    """Return all frames, with a peer that consumes everything at once."""
    frames: list[bytes] = []
    while True:
        step = list(outbox.frames(EVERYTHING))
        if not step:
            return frames
        frames += step
        outbox.on_credit(EVERYTHING)


def test_what_is_ready_goes_as_one_batch_under_one_signature():
    sign = CountingSigner()
    outbox = an_outbox(sign)
    for mark in range(200):
        outbox.put(sized(200, mark), "odd" if mark % 2 else "even")
    (frame,) = drain(outbox)
    assert frame[0] == BATCH
    assert sign.count == 1
    assert marks([frame]) == [*range(0, 200, 2), *range(1, 200, 2)]


def test_a_single_envelope_goes_alone_under_its_own_signature():
    outbox = an_outbox()
    item = sized(500)
    outbox.put(item)
    (frame,) = drain(outbox)
    sig, part = read_envelope(frame)
    verify(ADA.public_key, sig, part.canonical)
    assert (len(frame), outbox.queued) == (500, 0)


def test_large_ones_of_one_stream_that_wait_together_share_a_signature():
    sign = CountingSigner()
    outbox = an_outbox(sign)
    for mark in range(8):
        outbox.put(sized(65_536 if mark != 5 else 300, mark), "bulk")
    outbox.put(sized(65_536, 8), "other")
    frames = drain(outbox)
    assert sorted(marks(frames)) == list(range(9))
    assert [mark for mark in marks(frames) if mark != 8] == list(range(8))
    assert sign.count == 3  # four large ones, three and what is between them, the other stream's
    assert all(len(frame) <= FRAGMENT_BYTES + 6 for frame in frames)
    assert (outbox.queued, outbox._large_bytes) == (0, 0)


def test_together_they_stay_within_what_a_receiver_takes():
    sign = CountingSigner()
    outbox = an_outbox(sign, max_message=150_000)
    for mark in range(4):
        outbox.put(sized(70_000, mark))
    receiver = Assembler(150_000)
    whole = [receiver.add(frame) for frame in drain(outbox)]
    assert sum(len(read_batch(batch.frame())[1]) for batch in whole if batch is not None) == 4
    assert sign.count == 2


def test_what_is_signed_for_others_too_is_sent_under_that_signature_however_large():
    sign = CountingSigner()
    outbox = an_outbox(sign)
    items = [sized(70_000, mark) for mark in range(3)]
    items[1].sig(sign)
    for item in items:
        outbox.put(item)
    assert marks(drain(outbox)) == [0, 1, 2]
    assert sign.count == 3


def test_one_envelope_to_many_is_signed_once():
    sign = CountingSigner()
    item, large = sized(500), sized(100_000)
    for each in (item, large):
        each.sig(sign)
    frames = []
    for _ in range(5):
        outbox = an_outbox(sign)
        outbox.put(item)
        outbox.put(large)
        frames.append(tuple(drain(outbox)))
    assert sign.count == 2
    assert len(set(frames)) == 1


def test_a_large_one_for_many_is_cut_once_whatever_else_each_of_them_gets():
    item = sized(100_000, 7)
    item.sig(ADA.sign)
    cut = []
    for before in range(3):
        outbox = an_outbox()
        for mark in range(before):
            outbox.put(sized(70_000, mark), str(mark))
        outbox.put(item, "pane")
        frames = drain(outbox)
        assert sorted(marks(frames)) == [*range(before), 7]
        cut.append([id(frame) for frame in frames if frame in item.fragments()[1]])
    assert len(cut[0]) == 2
    assert cut[0] == cut[1] == cut[2]


@pytest.mark.parametrize("size", [100_000, MIB + 1])
def test_one_that_is_sent_twice_at_once_arrives_twice(size):
    item = sized(size, 3)
    item.sig(ADA.sign)
    outbox = an_outbox()
    for stream in ("pane", "another"):
        outbox.put(item, stream)
    assert marks(drain(outbox)) == [3, 3]


def test_numbers_of_its_own_keep_clear_of_that_of_a_message_for_many():
    item = Outgoing(bytes(100_000))
    item.own_sig = bytes(64)
    outbox = an_outbox()
    outbox.put(item, "pane")
    outbox.put(sized(100_000, 1), "bulk")
    numbers = {unpack_from(">I", frame, 1)[0] for frame in drain(outbox)}
    assert numbers == {0, 1}


def test_what_is_signed_already_goes_alone_and_in_its_place():
    outbox = an_outbox()
    items = [sized(200, mark) for mark in range(6)]
    for mark in (0, 3):
        items[mark].sig(ADA.sign)
    for item in items:
        outbox.put(item)
    frames = drain(outbox)
    assert [frame[0] for frame in frames] == [ENVELOPE, BATCH, ENVELOPE, BATCH]
    assert marks(frames) == list(range(6))


@given(
    st.lists(st.integers(-70, 70).map(FRAGMENT_BYTES.__add__) | st.integers(80, 70_000)),
    st.integers(1, 3),
)
def test_messages_of_every_size_leave_in_the_order_of_their_stream(sizes, streams):
    outbox = an_outbox()
    for mark, size in enumerate(sizes):
        outbox.put(sized(size, mark), str(mark % streams))
    frames = drain(outbox)
    assert all(len(frame) <= FRAGMENT_BYTES + 6 for frame in frames)
    arrived = marks(frames)
    assert sorted(arrived) == list(range(len(sizes)))
    for stream in range(streams):
        assert [mark for mark in arrived if mark % streams == stream] == list(
            range(stream, len(sizes), streams)
        )
    assert (outbox.queued, outbox._streams, outbox._large_bytes) == (0, {}, 0)


@pytest.mark.parametrize("size", range(FRAGMENT_BYTES - 75, FRAGMENT_BYTES + 3))
def test_no_size_near_the_limit_of_a_frame_is_stuck(size):
    outbox = an_outbox()
    outbox.put(sized(100, 1))
    outbox.put(sized(size, 2))
    outbox.put(sized(size, 3))
    assert marks(drain(outbox)) == [1, 2, 3]


def test_a_small_message_overtakes_a_large_one_of_another_stream():
    outbox = an_outbox(max_unconsumed=64 * MIB)
    outbox.put(sized(10 * MIB, 1), "bulk")
    sending = outbox.frames(EVERYTHING)
    assert next(sending)[0] == FRAGMENT
    outbox.put(sized(100, 2), "pane")
    outbox.put(sized(100, 3), "bulk")
    assert marks([next(sending)]) == [2]
    rest = list(sending)
    assert rest[-1][0] == ENVELOPE  # what follows in the same stream waits
    assert mark_of(read_envelope(rest[-1])[1].canonical) == 3


def test_large_messages_take_turns():
    outbox = an_outbox(max_unconsumed=64 * MIB)
    for number in range(3):
        outbox.put(sized(1 * MIB, number), str(number))
    numbers = [unpack_from(">I", frame, 1)[0] for frame in outbox.frames(EVERYTHING)]
    assert numbers[:9] == [0, 1, 2] * 3


def test_an_urgent_message_goes_first_and_needs_no_credit():
    outbox = an_outbox()
    outbox.put(sized(10 * MIB, 1))
    sent = list(outbox.frames(EVERYTHING))
    assert list(outbox.frames(EVERYTHING)) == []
    outbox.put_urgent(sized(100, 2))
    outbox.put_urgent(sized(EXEMPT_BYTES - 1, 3))
    urgent = list(outbox.frames(EVERYTHING))
    assert marks(urgent) == [2, 3]
    outbox.on_credit(unconsumed(outbox))
    assert marks(sent + drain(outbox)) == [1]


def test_urgent_messages_are_small_and_few():
    outbox = an_outbox()
    with pytest.raises(ValueError):
        outbox.put_urgent(sized(EXEMPT_BYTES))
    for _ in range(MAX_BATCH):
        outbox.put_urgent(sized(100))
    with pytest.raises(OverflowLinkError):
        outbox.put_urgent(sized(100))


def test_a_stream_that_is_never_empty_does_not_starve_the_others():
    outbox = an_outbox(max_unconsumed=64 * MIB)
    for _ in range(3):
        outbox.put(sized(50_000, 1), "busy")
    outbox.put(sized(50_000, 2), "calm")
    arrived = []
    for frame in outbox.frames(EVERYTHING):
        arrived += marks([frame])
        if len(arrived) == 20 or 2 in arrived:
            break
        outbox.put(sized(50_000, 1), "busy")
    assert 2 in arrived[:3]


# Credits.


@given(
    st.integers(0, 3 * MIB),
    st.lists(st.sampled_from([100, 3000, 5000, 50_000, 200_000, 3 * MIB]), max_size=40),
    st.data(),
)
def test_credits_bound_what_is_under_way(window, sizes, data):
    outbox = an_outbox(max_unconsumed=window, max_queued=256 * MIB)
    bound = max(window, MIN_UNCONSUMED)
    waiting = list(enumerate(sizes))
    frames, counted = [], 0
    while waiting or outbox.queued:
        for mark, size in waiting[:8]:
            outbox.put(sized(size, mark), str(mark % 5))
        del waiting[:8]
        step = list(outbox.frames(EVERYTHING))
        frames += step
        counted += sum(
            len(frame) for frame in step if frame[0] != ENVELOPE or len(frame) >= EXEMPT_BYTES
        )
        assert unconsumed(outbox) <= bound
        # as late as a receiver may tell
        outbox.on_credit(max(0, counted - data.draw(st.integers(0, 256 * 1024 - 1))))
    assert sorted(marks(frames)) == list(range(len(sizes)))


@pytest.mark.parametrize(
    ("round_trip_s", "most", "window"),
    [
        (0.0001, 4 * MIB, MIB),
        (0.01, 4 * MIB, 2 * MIB),
        (0.3, 4 * MIB, 4 * MIB),
        (0.3, 64 * MIB, 60 * MIB),
        (0.0001, 700_000, 700_000),
        (0.3, 700_000, 700_000),
    ],
)
def test_no_more_is_under_way_than_the_path_needs(round_trip_s, most, window):
    outbox = an_outbox(max_unconsumed=most, max_queued=256 * MIB, max_message=128 * MIB)
    outbox.fit_window(round_trip_s)
    outbox.put(sized(100 * MIB), "bulk")
    sent = sum(map(len, outbox.frames(EVERYTHING)))
    assert window - 200_000 < sent <= window


def test_a_window_that_shrinks_while_more_is_under_way_opens_again_with_credits():
    outbox = an_outbox()
    outbox.put(sized(10 * MIB), "bulk")
    list(outbox.frames(EVERYTHING))
    before = unconsumed(outbox)
    outbox.fit_window(0.0001)
    assert list(outbox.frames(EVERYTHING)) == []
    outbox.on_credit(before - MIB // 2)
    assert list(outbox.frames(EVERYTHING))
    assert unconsumed(outbox) <= MIB


def test_bulk_leaves_room_for_small_messages():
    outbox = an_outbox()
    outbox.put(sized(10 * MIB, 1), "bulk")
    list(outbox.frames(EVERYTHING))
    for mark in range(20):
        outbox.put(sized(2000, mark), "pane")
    assert marks(outbox.frames(EVERYTHING)) == list(range(20))


def test_a_credit_that_cannot_be_true_changes_nothing_for_the_worse():
    outbox = an_outbox()
    outbox.put(sized(20 * MIB))
    list(outbox.frames(EVERYTHING))
    sent = unconsumed(outbox)
    outbox.on_credit(2**64 - 1)
    assert unconsumed(outbox) == 0
    outbox.on_credit(0)
    assert unconsumed(outbox) == 0
    list(outbox.frames(EVERYTHING))
    assert unconsumed(outbox) <= sent


def test_only_the_newest_credit_is_sent_and_first():
    outbox = an_outbox()
    outbox.put(sized(100))
    for consumed in (5, 70, 90):
        outbox.put_credit(consumed)
    sending = outbox.frames(EVERYTHING)
    frame = next(sending)
    assert (frame[0], read_credit(frame)) == (CREDIT, 90)
    outbox.put_credit(95)
    assert [frame[0] for frame in sending] == [ENVELOPE]
    assert [read_credit(frame) for frame in outbox.frames(1)] == [95]


# Bounds.


def test_at_most_16_large_messages_and_their_bytes_are_in_progress():
    outbox = an_outbox(max_unconsumed=64 * MIB, max_queued=64 * MIB)
    for number in range(40):
        outbox.put(sized(200_000, number), str(number))
    open_numbers: set[int] = set()
    for frame in outbox.frames(EVERYTHING):
        number, is_last = unpack_from(">IB", frame, 1)
        open_numbers.add(number)
        assert len(open_numbers) <= MAX_IN_PROGRESS
        if is_last:
            open_numbers.remove(number)

    outbox = an_outbox(max_unconsumed=64 * MIB, max_message=MIB)
    for number in range(4):
        outbox.put(sized(400_000, number), str(number))
    numbers = [unpack_from(">I", frame, 1)[0] for frame in outbox.frames(EVERYTHING)]
    assert set(numbers[:10]) == {0, 1}


def test_a_full_queue_takes_no_more_but_one_large_message_always_fits():
    outbox = an_outbox(max_queued=100_000)
    outbox.put(sized(5 * MIB, 0), "bulk")
    with pytest.raises(OverflowLinkError):
        outbox.put(sized(70_000), "bulk")
    for mark in range(1, 11):
        outbox.put(sized(10_000, mark))
    with pytest.raises(OverflowLinkError):
        outbox.put(sized(100))
    assert outbox.queued == 5 * MIB + 100_000
    assert sorted(marks(drain(outbox))) == list(range(11))
    assert outbox.queued == 0


def test_what_no_receiver_would_take_is_refused():
    outbox = an_outbox(max_message=MIB)
    with pytest.raises(TooLargeError):
        outbox.put(sized(MIB + 1))
    with pytest.raises(TooLargeError):
        Outgoing(b"{}", (b"",) * (MAX_BUFFERS + 1))
    assert outbox.queued == 0


def test_nothing_is_lost_when_sending_stops_at_any_frame():
    outbox = an_outbox()
    for mark in range(5):
        outbox.put(sized(150_000, mark), str(mark))
        outbox.put(sized(150, 10 + mark), "small")
    outbox.put_credit(7)
    frames = []
    while True:
        frame = next(outbox.frames(EVERYTHING), None)
        if frame is None:
            break
        frames.append(frame)
    assert frames[0][0] == CREDIT
    assert sorted(marks(frames)) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]


def test_a_budget_ends_a_turn():
    outbox = an_outbox()
    outbox.put(sized(3 * MIB))
    sizes = [len(frame) for frame in outbox.frames(200_000)]
    assert 200_000 <= sum(sizes) <= 200_000 + FRAGMENT_BYTES + 6
