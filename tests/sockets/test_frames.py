"""WebSocket frames however they are cut, and bytes that are none."""

from __future__ import annotations

from hypothesis import given, strategies as st

from jupyter_peer.errors import MalformedError, TooLargeError
from jupyter_peer.sockets.frames import (
    BINARY,
    CONTINUATION,
    PING,
    TEXT,
    MessageReader,
    frame_head,
    xor,
)

MASK = b"\x00\x01\xfe\xff"


def masked(opcode, payload, *, is_last=True):
    head = bytearray(frame_head(opcode, len(payload), MASK))
    if not is_last:
        head[0] &= 0x7F
    return bytes(head) + xor(MASK, payload)


payloads = st.binary(max_size=300) | st.integers(65_530, 65_540).map(bytes)
messages = st.tuples(st.sampled_from([TEXT, BINARY]), st.lists(payloads, min_size=1, max_size=3))


@given(st.lists(messages, max_size=6), st.lists(st.integers(1, 70_000), min_size=1), st.booleans())
def test_messages_are_read_whole_and_in_order_however_they_are_cut(sent, cuts, has_pings):
    data = b""
    expected = []
    for opcode, pieces in sent:
        for number, piece in enumerate(pieces):
            is_last = number == len(pieces) - 1
            data += masked(opcode if number == 0 else CONTINUATION, piece, is_last=is_last)
            if has_pings:
                data += masked(PING, b"?")
        expected.append((opcode, b"".join(pieces)))
    reader = MessageReader(1 << 20)
    got = []
    at = turn = 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        got += [(opcode, bytes(load)) for opcode, load in reader.feed(data[at : at + size])]
        at, turn = at + size, turn + 1
    assert [message for message in got if message[0] != PING] == expected


@given(st.lists(st.binary(max_size=200), max_size=5), st.integers(0, 100))
def test_any_bytes_are_messages_within_the_limit_or_refused(reads, limit):
    reader = MessageReader(limit)
    try:
        for data in reads:
            for opcode, payload in reader.feed(data):
                assert len(payload) <= (limit if opcode in (TEXT, BINARY) else 125)
    except (MalformedError, TooLargeError):
        pass


def test_what_follows_a_frame_that_was_cut_off_is_not_moved():
    reader = MessageReader(1 << 20, from_client=False)
    frames = [frame_head(BINARY, 1000) + bytes([number]) * 1000 for number in range(3)]
    assert list(reader.feed(frames[0][:500])) == []
    read = b"".join((frames[0][500:], *frames[1:]))
    messages = list(reader.feed(read))
    assert [bytes(payload[:1]) for _, payload in messages] == [b"\0", b"\1", b"\2"]
    assert [payload.obj is read for _, payload in messages] == [False, True, True]
