"""Keys, node ids and signatures."""

from __future__ import annotations

import base64
import contextlib
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given, strategies as st

from jupyter_peer.errors import BadSignatureError, KeyFileError, MalformedError
from jupyter_peer.wire.link.identity import (
    Identity,
    clean_name,
    decode_public_key,
    fingerprint_of,
    is_node_id,
    node_id_of,
    verify,
)
from tests.wire.makers import ADA, BOB, b64

anything = st.none() | st.integers() | st.binary() | st.text() | st.lists(st.text())


def test_a_node_id_is_the_fingerprint_of_its_key():
    digest = hashlib.sha256(ADA.public_key).digest()
    assert ADA.node_id == base64.b32encode(digest).decode().lower()[:16]
    assert node_id_of(ADA.public_key) == ADA.node_id
    assert is_node_id(ADA.node_id)


@pytest.mark.parametrize(
    "text", ["", "a" * 15, "a" * 17, "A" * 16, "a" * 15 + "1", "a" * 16 + "\n", None, 16]
)
def test_other_texts_are_no_node_ids(text):
    assert not is_node_id(text)


def test_the_fingerprint_for_people_is_the_whole_digest_in_groups():
    assert (
        ADA.fingerprint.replace(" ", "")
        == hashlib.sha256(ADA.public_key).hexdigest()
        == (fingerprint_of(ADA.public_key).replace(" ", ""))
    )
    assert all(len(group) == 4 for group in ADA.fingerprint.split(" "))


@given(st.binary(min_size=32, max_size=32))
def test_a_seed_gives_the_same_identity_through_its_pem_file(seed):
    identity = Identity.from_seed(seed)
    again = Identity.from_pem(identity.to_pem())
    assert (again.node_id, again.public_key, again.to_pem()) == (
        identity.node_id,
        identity.public_key,
        identity.to_pem(),
    )


def test_a_seed_has_32_bytes():
    with pytest.raises(ValueError):
        Identity.from_seed(b"short")


def test_the_private_key_is_not_shown():
    assert repr(ADA) == f"<Identity {ADA.node_id}>"
    assert not hasattr(ADA, "__dict__")


def _pem(key, password=None):
    how = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def test_keys_that_other_programs_have_written_are_read_too():
    key = ed25519.Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    ours = Identity.from_seed(b"k" * 32)
    assert _pem(key) == ours.to_pem()
    for pem in (
        ours.to_pem().replace(b"\n", b"\r\n"),
        b"\n" + ours.to_pem() + b"\n",
        b"Bag Attributes: <none>\n" + ours.to_pem(),
    ):
        assert Identity.from_pem(pem).node_id == ours.node_id


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\n",
        ADA.to_pem()[:-30],
        ADA.to_pem().replace(b"M", b"N", 1),
        _pem(ed25519.Ed25519PrivateKey.from_private_bytes(b"k" * 32), b"password"),
        _pem(rsa.generate_private_key(65537, 2048)),
    ],
)
def test_anything_but_an_open_ed25519_key_is_refused(pem):
    with pytest.raises(KeyFileError):
        Identity.from_pem(pem)


@given(st.binary(max_size=300))
def test_signatures_verify_and_agree_with_another_implementation(data):
    sig = ADA.sign(data)
    verify(ADA.public_key, sig, data)
    assert sig == ed25519.Ed25519PrivateKey.from_private_bytes(b"a" * 32).sign(data)


@given(st.integers(0, 64 * 8 - 1), st.binary(min_size=1, max_size=50))
def test_one_changed_bit_breaks_a_signature(bit, data):
    sig = bytearray(ADA.sign(data))
    sig[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(BadSignatureError):
        verify(ADA.public_key, bytes(sig), data)
    with pytest.raises(BadSignatureError):
        verify(ADA.public_key, ADA.sign(data), data + b"x")
    with pytest.raises(BadSignatureError):
        verify(BOB.public_key, ADA.sign(data), data)


@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=10))
def test_keys_and_signatures_of_any_form_raise_nothing_but_bad_signature(key, sig, data):
    with pytest.raises(BadSignatureError):
        verify(key, sig, data)


def test_a_key_of_low_order_verifies_nothing():
    with pytest.raises(BadSignatureError):
        verify(bytes(32), bytes(64), b"anything")
    with pytest.raises(BadSignatureError):
        verify(b"\1" + bytes(31), b"\1" + bytes(63), b"anything")


@given(st.binary(min_size=32, max_size=32))
def test_a_public_key_comes_back_from_its_base64(key):
    assert decode_public_key(b64(key)) == key


@given(anything | st.text(alphabet="AZaz09+/=-_ \n", min_size=40, max_size=48))
def test_other_values_are_malformed_keys(value):
    with contextlib.suppress(MalformedError):
        assert len(decode_public_key(value)) == 32


@given(st.text(st.characters(exclude_categories=[])))
def test_a_clean_name_is_short_and_printable(name):
    clean = clean_name(name)
    assert len(clean) <= 64
    assert all(char.isprintable() for char in clean)
    assert clean_name(clean) == clean


def test_a_name_cannot_steer_a_terminal_or_turn_the_text_around():
    assert clean_name(" a\x1b[31mda\u202e\r\n") == "a[31mda"
