from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import MalformedError, OverflowLinkError
from jupyter_peer.wire.relay.frames import RelayFrame
from jupyter_peer.wire.relay.link import (
    BINARY,
    CREDIT,
    FRAME_COST,
    HEAD_BYTES,
    OPEN,
    TEXT,
    Flow,
    Payload,
    head,
    limit_payload,
    read_payload,
)

ADA, BOB, LINK = b"a" * 16, b"b" * 16, bytes(8)


def payload_of(form: int, rest: bytes) -> bytes | memoryview:
    """What the other side finds in the relay's frame."""
    data = head(form, 8, BOB, ADA, LINK) + rest
    assert len(data) == HEAD_BYTES + len(rest)
    frame = RelayFrame.from_bytes(data)
    assert (frame.dst, frame.src, frame.link, frame.ttl) == ("b" * 16, "a" * 16, LINK, 8)
    return frame.payload


@given(st.binary(max_size=300))
def test_binary_frames_arrive_as_they_are(frame):
    assert read_payload(payload_of(BINARY, frame)) == Payload(BINARY, frame)


@given(st.text(max_size=300))
def test_text_frames_arrive_as_they_are(frame):
    try:
        raw = frame.encode()
    except UnicodeEncodeError:
        return
    assert read_payload(payload_of(TEXT, raw)) == Payload(TEXT, frame)


@given(st.sampled_from([CREDIT, OPEN]), st.integers(0, 2**64 - 1))
def test_limits_arrive_as_they_are(form, limit):
    assert read_payload(payload_of(form, limit_payload(limit))) == Payload(form, limit=limit)


@given(st.binary(max_size=40))
def test_any_payload_is_read_or_malformed(data):
    try:
        payload = read_payload(data)
    except MalformedError:
        return
    assert payload.form == data[0]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x04", b"\xff" * 9, b"\x02", b"\x02" + bytes(7), b"\x03" + bytes(9), b"\x01\xff"],
)
def test_what_is_no_payload_is_malformed(data):
    with pytest.raises(MalformedError):
        read_payload(data)


def test_nothing_may_be_sent_before_the_first_credit():
    flow = Flow(1000)
    assert flow.is_exhausted
    flow.on_credit(1000)
    assert flow.may_send(1000 - FRAME_COST)
    assert not flow.may_send(1001 - FRAME_COST)


def test_a_limit_never_shrinks():
    flow = Flow()
    flow.on_credit(1000)
    flow.on_credit(10)
    assert flow.may_send(500)


def test_more_than_was_granted_is_refused_also_as_empty_frames():
    flow = Flow(10 * FRAME_COST)
    for _ in range(10):
        flow.on_received(0)
    with pytest.raises(OverflowLinkError):
        flow.on_received(0)


@given(st.lists(st.integers(0, 50_000), max_size=200))
def test_two_sides_that_count_the_same_never_stand_still_and_never_overflow(sizes):
    sender, receiver = Flow(), Flow(window=100_000 + FRAME_COST)
    sender.on_credit(receiver.granted)
    unread: list[int] = []
    for size in sizes:
        while not sender.may_send(size):
            taken = unread.pop(0)
            if receiver.on_consumed(taken):
                sender.on_credit(receiver.granted)
        sender.sent(size)
        receiver.on_received(size)
        unread.append(size)
