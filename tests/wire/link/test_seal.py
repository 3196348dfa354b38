"""Keys of a session, and frames sealed with them."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, strategies as st

from jupyter_peer.errors import (
    BadSignatureError,
    MalformedError,
    PeerError,
    SealBrokenError,
    TooLargeError,
)
from jupyter_peer.wire.link import seal as module
from jupyter_peer.wire.link.buffers import check_buffers, check_digests, check_size
from jupyter_peer.wire.link.frames import TAG_BYTES
from jupyter_peer.wire.link.seal import Opener, Sealer, SealKeys, x25519_public_b64, x25519_shared
from tests.wire.makers import b64, json_values

KEY = b"k" * 32


@given(st.lists(st.binary(max_size=100), max_size=8))
def test_frames_come_back_in_order(plaintexts):
    sealer, opener = Sealer(KEY), Opener(KEY)
    assert [opener.open(sealer.seal(plain)) for plain in plaintexts] == plaintexts


def test_the_nonce_is_four_zero_bytes_and_a_counter():
    sealer = Sealer(KEY)
    sealer.seal(b"first")
    nonce = bytes(4) + (1).to_bytes(8, "big")
    assert sealer.seal(b"second") == AESGCM(KEY).encrypt(nonce, b"second", None)


@given(st.binary(max_size=50), st.data())
def test_one_changed_bit_breaks_the_seal(plain, data):
    frame = bytearray(Sealer(KEY).seal(plain))
    bit = data.draw(st.integers(0, 8 * len(frame) - 1))
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBrokenError):
        Opener(KEY).open(bytes(frame))


@pytest.mark.parametrize(
    "order", [[1], [0, 0], [0, 2], [1, 0], [0, 1, 0]], ids=["late", "twice", "gap", "swap", "again"]
)
def test_frames_that_are_dropped_repeated_or_reordered_break_the_seal(order):
    sealer, opener = Sealer(KEY), Opener(KEY)
    frames = [sealer.seal(bytes((number,))) for number in range(3)]
    with pytest.raises(SealBrokenError):
        [opener.open(frames[number]) for number in order]


def test_after_a_broken_frame_the_right_one_does_not_open_either():
    sealer, opener = Sealer(KEY), Opener(KEY)
    frame = sealer.seal(b"x")
    with pytest.raises(SealBrokenError):
        opener.open(bytes(len(frame)))
    with pytest.raises(SealBrokenError):
        opener.open(frame)


@given(st.binary(max_size=TAG_BYTES + 4))
def test_frames_of_any_length_raise_nothing_but_seal_broken(frame):
    with pytest.raises(SealBrokenError):
        Opener(KEY).open(frame)


def test_a_key_seals_a_bounded_number_of_frames():
    sealer = Sealer(KEY)
    sealer._counter = module._MAX_COUNTER
    with pytest.raises(SealBrokenError):
        sealer.seal(b"x")


def test_both_sides_agree_on_three_different_secrets():
    here, there = b"1" * 32, b"2" * 32
    left = x25519_shared(here, x25519_public_b64(there))
    assert left == x25519_shared(there, x25519_public_b64(here))
    keys = SealKeys(left, b"hello", b"hello_ack")
    assert len({keys.dialer, keys.acceptor, bytes.fromhex(keys.session)}) == 3
    assert [len(keys.dialer), len(keys.acceptor), len(keys.session)] == [32, 32, 64]


def test_the_keys_depend_on_every_byte_of_the_handshake_and_where_it_stands():
    sessions = {
        SealKeys(shared, hello, ack).session
        for shared, hello, ack in [
            (b"s" * 32, b"ab", b"cd"),
            (b"S" * 32, b"ab", b"cd"),
            (b"s" * 32, b"aB", b"cd"),
            (b"s" * 32, b"ab", b"cD"),
            (b"s" * 32, b"abc", b"d"),
            (b"s" * 32, b"cd", b"ab"),
        ]
    }
    assert len(sessions) == 6


@pytest.mark.parametrize("public", [bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_a_key_of_low_order_is_refused(public):
    with pytest.raises(MalformedError):
        x25519_shared(b"1" * 32, b64(public))


@given(st.none() | st.text() | st.binary() | st.binary(min_size=32, max_size=32).map(b64))
def test_exchanging_with_anything_raises_nothing_but_malformed(public):
    with contextlib.suppress(MalformedError):
        assert len(x25519_shared(b"1" * 32, public)) == 32


# Buffers and the hashes that are signed.

HASH = hashlib.sha256(b"x").hexdigest()


def test_listed_buffers_pass():
    check_buffers([HASH], [b"x"])
    check_buffers([HASH, HASH], [memoryview(b"x"), bytearray(b"x")])
    check_buffers([], [])
    check_buffers(None, [])
    check_buffers("the payload's own", [])


@pytest.mark.parametrize("listed", [None, [], [HASH, HASH], HASH, {"0": HASH}])
def test_a_list_that_does_not_fit_the_buffers_is_malformed(listed):
    with pytest.raises(MalformedError):
        check_buffers(listed, [b"x"])


def test_listed_buffers_that_did_not_come_are_malformed():
    with pytest.raises(MalformedError):
        check_buffers([HASH], [])


@pytest.mark.parametrize("listed", [[HASH.upper()], [HASH[:-1] + "0"], [None], [[HASH]]])
def test_a_buffer_that_was_not_signed_is_refused(listed):
    with pytest.raises(BadSignatureError):
        check_buffers(listed, [b"x"])


@given(json_values, st.lists(st.just(HASH), max_size=3))
def test_lists_of_any_form_raise_nothing_but_peer_errors(listed, digests):
    with contextlib.suppress(PeerError):
        check_digests(listed, digests)


def test_a_size_over_the_limit_is_too_large():
    check_size(5, 5)
    with pytest.raises(TooLargeError):
        check_size(6, 5)
