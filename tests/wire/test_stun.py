"""STUN answers, of servers that keep to the RFC and of those that do not."""

from __future__ import annotations

import contextlib
import ipaddress
import struct

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import BadAddressError, MalformedError
from jupyter_peer.wire.stun import (
    Mapped,
    binding_request,
    parse_server,
    read_response,
    transaction_of,
)

MAGIC = 0x2112A442
TRANSACTION = bytes(range(12))


def address(host: str, port: int, key: bytes | None = None) -> bytes:
    raw = ipaddress.ip_address(host).packed
    if key is not None:
        mask = MAGIC.to_bytes(4, "big") + key
        port ^= MAGIC >> 16
        raw = bytes(a ^ b for a, b in zip(raw, mask, strict=False))
    return struct.pack(">BBH", 0, 1 if len(raw) == 4 else 2, port) + raw


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def response(*attributes: bytes, kind: int = 0x0101, transaction: bytes = TRANSACTION) -> bytes:
    body = b"".join(attributes)
    return struct.pack(">HHI12s", kind, len(body), MAGIC, transaction) + body


def test_the_sample_of_the_rfc_is_read() -> None:
    # RFC 5769 section 2.2; its header and the attributes that come before the fingerprint
    sample = bytes.fromhex(
        "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
        "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
        "80280004c07d4c96"
    )
    transaction = bytes.fromhex("b7e7a701bc34d686fa87dfae")
    assert read_response(sample, transaction).address == ("192.0.2.1", 32853)


def test_a_request_is_a_header_alone() -> None:
    assert binding_request(TRANSACTION) == bytes.fromhex("000100002112a442") + TRANSACTION
    assert transaction_of(binding_request(TRANSACTION)) == TRANSACTION
    with pytest.raises(ValueError, match="12 bytes"):
        binding_request(b"")


@given(st.ip_addresses(), st.integers(0, 65535), st.binary(min_size=12, max_size=12))
def test_every_address_is_read(host, port, transaction):
    raw = response(attribute(0x20, address(str(host), port, transaction)), transaction=transaction)
    assert read_response(raw, transaction) == Mapped((str(host), port))


def test_a_second_address_of_the_server_is_read() -> None:
    mapped = attribute(0x20, address("192.0.2.1", 5, TRANSACTION))
    for kind in (0x802C, 0x0005):
        raw = response(mapped, attribute(kind, address("198.51.100.2", 3479)))
        assert read_response(raw, TRANSACTION).other == ("198.51.100.2", 3479)


def test_an_old_server_that_masks_nothing_is_understood() -> None:
    raw = response(attribute(0x0001, address("192.0.2.1", 5)))
    assert read_response(raw, TRANSACTION) == Mapped(("192.0.2.1", 5))


GOOD = attribute(0x20, address("192.0.2.1", 5, TRANSACTION))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        response(GOOD, kind=0x0111),
        response(GOOD, transaction=b"x" * 12),
        response(GOOD)[:-1],
        response(GOOD) + b"\0",
        response(),
        response(attribute(0x20, b"")),
        response(attribute(0x20, b"\0\3\0\0aaaa")),
        response(attribute(0x20, b"\0\1\0\0aaaaaaaa")),
        response(attribute(0x20, b"\0\2\0\0aaaa")),
        response(b"\0\x20\xff\xff"),
        response(GOOD, *[attribute(0x8022, b"x" * 100)] * 40),
    ],
)
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        read_response(raw, TRANSACTION)


@given(
    st.binary(max_size=200)
    | st.lists(
        st.builds(attribute, st.integers(0, 0xFFFF), st.binary(max_size=24)), max_size=5
    ).map(lambda attributes: response(*attributes))
)
def test_reading_anything_raises_nothing_but_our_errors(raw):
    with contextlib.suppress(MalformedError):
        assert read_response(raw, TRANSACTION).address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stun:stun.example", ("stun.example", 3478)),
        ("stun:stun.example:19302", ("stun.example", 19302)),
        (" 192.0.2.1:5 ", ("192.0.2.1", 5)),
        ("stun:[2001:db8::1]:5", ("2001:db8::1", 5)),
    ],
)
def test_servers_are_written_like_this(text, expected):
    assert parse_server(text) == expected


@pytest.mark.parametrize(
    "text", ["", "stun:", "turn:x", "x:0", "x:65536", "x:y", "stuns:x", "https://x", "x y", "x?a"]
)
def test_and_not_like_that(text):
    with pytest.raises(BadAddressError):
        parse_server(text)
