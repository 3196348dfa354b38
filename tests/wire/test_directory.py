"""Directories as whoever publishes, carries or forges them sends them."""

from __future__ import annotations

import base64
import contextlib
import json

import msgspec
import pytest
from hypothesis import example, given, strategies as st

from jupyter_peer.errors import BadSignatureError, MalformedError, PeerError, TooLargeError
from jupyter_peer.wire.directory import (
    MAX_BYTES,
    MAX_GROUPS,
    MAX_MEMBERS,
    MAX_SERIAL,
    Directory,
    Member,
)
from jupyter_peer.wire.link.identity import Identity
from tests.wire.makers import ADA, BOB, EVE, NOW, json_objects, json_values

OFFICE = Identity.from_seed(b"o" * 32)
LATER = NOW + 3600.0


def member_of(identity: Identity, **fields) -> Member:
    return Member(id=identity.node_id, pk=identity.public_key_b64, **fields)


def a_directory(**changes) -> Directory:
    fields = {
        "serial": 7,
        "expires": LATER,
        "members": [
            member_of(ADA, name="ada", groups=("staff", "lab-1")),
            member_of(BOB, name="bob", expires=NOW + 60.0),
        ],
        "name": "Physics",
    }
    return Directory(**{**fields, **changes})


def signed(fields: object, key: Identity = OFFICE) -> bytes:
    """Return a document signed by hand, as the SPEC says it."""
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    signature = key.sign(b"jupyter-peer/1 directory" + canonical)
    return json.dumps({**fields, "sig": base64.b64encode(signature).decode()}).encode()


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
groups = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
members = st.builds(
    lambda seed, name, groups, expires: member_of(
        Identity.from_seed(seed), name=name, groups=tuple(groups), expires=expires
    ),
    st.binary(min_size=32, max_size=32),
    names,
    st.lists(groups, max_size=4),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
)


@given(
    st.integers(0, MAX_SERIAL),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(members, max_size=4, unique_by=lambda member: member.id),
    names,
)
def test_a_directory_comes_back_as_it_was(serial, expires, listed, name):
    sent = Directory(serial=serial, expires=expires, members=listed, name=name)
    got = Directory.from_bytes(sent.to_bytes(OFFICE), OFFICE.public_key)
    assert (got.serial, got.expires, got.name) == (serial, expires, sent.name)
    assert dict(got.members) == dict(sent.members)


# Membership


def test_a_listed_node_with_its_key_is_a_member():
    directory = a_directory()
    assert directory.is_member(ADA.node_id, ADA.public_key_b64, NOW)
    assert directory.is_member(ADA.node_id, ADA.public_key_b64, NOW, "staff")
    assert not directory.is_member(ADA.node_id, ADA.public_key_b64, NOW, "students")
    assert not directory.is_member(BOB.node_id, BOB.public_key_b64, NOW, "staff")


def test_an_unlisted_node_and_another_key_are_not():
    directory = a_directory()
    assert not directory.is_member(EVE.node_id, EVE.public_key_b64, NOW)
    assert not directory.is_member(ADA.node_id, EVE.public_key_b64, NOW)


@pytest.mark.parametrize("now", [LATER, LATER + 1, float("nan"), float("inf")])
def test_nobody_is_a_member_once_the_directory_has_expired(now):
    assert not a_directory().is_member(ADA.node_id, ADA.public_key_b64, now)


def test_a_membership_can_end_earlier_than_the_directory():
    directory = a_directory()
    assert directory.is_member(BOB.node_id, BOB.public_key_b64, NOW + 59)
    assert not directory.is_member(BOB.node_id, BOB.public_key_b64, NOW + 60)
    assert directory.is_member(ADA.node_id, ADA.public_key_b64, NOW + 60)
    assert directory.next_expiry(NOW) == NOW + 60
    assert directory.next_expiry(NOW + 60) == LATER


# Who signed it


def test_another_key_is_refused():
    with pytest.raises(BadSignatureError):
        Directory.from_bytes(a_directory().to_bytes(EVE), OFFICE.public_key)


@pytest.mark.parametrize("signature", [None, 7, "", "AAAA", "no base64!", "A" * 88])
def test_a_document_without_a_signature_is_refused(signature):
    raw = json.dumps({**a_directory().to_fields(), "sig": signature}).encode()
    with pytest.raises(BadSignatureError):
        Directory.from_bytes(raw, OFFICE.public_key)


@given(st.data())
def test_a_document_changed_on_the_way_is_refused_or_says_the_same(data):
    raw = bytearray(a_directory().to_bytes(OFFICE))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))
    try:
        got = Directory.from_bytes(bytes(raw), OFFICE.public_key)
    except PeerError:
        return
    # white space between tokens, or another way to write the very same text
    assert got.to_fields() == a_directory().to_fields()


def test_a_signature_by_the_same_key_for_something_else_is_refused():
    fields = a_directory().to_fields()
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    for label in (b"", b"jupyter-peer/1 batch", b"jupyter-peer/1 directory "):
        signature = base64.b64encode(OFFICE.sign(label + canonical)).decode()
        with pytest.raises(BadSignatureError):
            Directory.from_bytes(
                json.dumps({**fields, "sig": signature}).encode(), OFFICE.public_key
            )


def test_a_document_written_by_hand_from_the_specification_is_read():
    raw = signed(a_directory().to_fields())
    assert Directory.from_bytes(raw, OFFICE.public_key).serial == 7


def test_unknown_keys_are_signed_and_ignored():
    raw = signed({**a_directory().to_fields(), "since": 1, "motto": "\u00e9\ud800"})
    assert Directory.from_bytes(raw, OFFICE.public_key).serial == 7
    changed = raw.replace(b'"since": 1', b'"since": 2')
    assert changed != raw
    with pytest.raises(BadSignatureError):
        Directory.from_bytes(changed, OFFICE.public_key)


# Strict limits, also for what the right key signed


def one(**changes):
    node = msgspec.to_builtins(member_of(ADA))
    return {"nodes": [{**node, **changes}]}


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": True},
        {"v": None},
        {"v": 10**40},
        {"serial": -1},
        {"serial": MAX_SERIAL + 1},
        {"serial": 1.5},
        {"serial": "7"},
        {"serial": None},
        {"expires": None},
        {"expires": "tomorrow"},
        {"expires": 10**400},
        {"name": "n" * 65},
        {"name": 7},
        {"nodes": None},
        {"nodes": {}},
        {"nodes": [7]},
        {"nodes": [{}]},
        {"nodes": 2 * [msgspec.to_builtins(member_of(ADA))]},
        one(id=BOB.node_id),
        one(id="a"),
        one(pk=EVE.public_key_b64),
        one(pk="AAAA"),
        one(pk=None),
        one(name="n" * 65),
        one(groups=["a group"]),
        one(groups=[""]),
        one(groups=["g" * 65]),
        one(groups="staff"),
        one(groups=[f"g{i}" for i in range(MAX_GROUPS + 1)]),
        one(expires="never"),
        one(expires=10**400),
    ],
    ids=str,
)
def test_a_field_that_is_not_as_specified_is_refused(changes):
    raw = signed({**a_directory().to_fields(), **changes})
    with pytest.raises(MalformedError):
        Directory.from_bytes(raw, OFFICE.public_key)


def test_infinities_are_no_json():
    raw = a_directory().to_bytes(OFFICE)
    for word in (b"NaN", b"Infinity", b"1e999"):
        forged = raw.replace(b'"serial": 7', b'"serial": ' + word)
        assert forged != raw
        with pytest.raises(MalformedError):
            Directory.from_bytes(forged, OFFICE.public_key)
    with pytest.raises(MalformedError):
        a_directory(expires=float("inf"))


def test_oversized_and_deeply_nested_documents_are_refused_before_they_are_parsed():
    with pytest.raises(TooLargeError):
        Directory.from_bytes(b" " * (MAX_BYTES + 1), OFFICE.public_key)
    with pytest.raises(MalformedError):
        Directory.from_bytes(b"[" * 100_000, OFFICE.public_key)


def test_there_is_a_highest_number_of_nodes():
    node = msgspec.to_builtins(member_of(ADA))
    raw = signed({**a_directory().to_fields(), "nodes": [node] * (MAX_MEMBERS + 1)})
    with pytest.raises((MalformedError, TooLargeError)):
        Directory.from_bytes(raw, OFFICE.public_key)


def test_a_directory_nobody_would_read_is_not_written():
    crowd = [
        member_of(
            Identity.from_seed(number.to_bytes(32, "big")),
            groups=tuple(f"{'g' * 60}{i}" for i in range(MAX_GROUPS)),
        )
        for number in range(MAX_BYTES // 2000)
    ]
    with pytest.raises(TooLargeError):
        a_directory(members=crowd).to_bytes(OFFICE)


def test_names_are_made_fit_to_be_shown():
    directory = a_directory(name="Physics\x1b[2J", members=[member_of(ADA, name="a\u202eda\n")])
    assert directory.name == "Physics[2J"
    assert directory.members[ADA.node_id].name == "ada"


# Anything at all


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
@example(b"\xff")
@example(b"")
@example(b'{"v": 1')
def test_reading_anything_raises_nothing_but_our_errors(raw):
    with pytest.raises(PeerError):
        Directory.from_bytes(raw, OFFICE.public_key)


@pytest.mark.parametrize("key", ["\ud800", "a\udfff"])
def test_lone_surrogates_anywhere_do_no_harm(key):
    node = msgspec.to_builtins(member_of(ADA))
    fields = {**a_directory().to_fields(), key: key, "name": key, "nodes": [{**node, key: key}]}
    directory = Directory.from_bytes(signed(fields), OFFICE.public_key)
    assert directory.is_member(ADA.node_id, ADA.public_key_b64, NOW)
    directory.name.encode()


@given(json_objects, st.sampled_from(["serial", "expires", "name", "nodes", "v"]), json_values)
def test_reading_what_the_right_key_signed_raises_nothing_but_our_errors(extra, key, value):
    fields = {**extra, **a_directory().to_fields(), key: value}
    with contextlib.suppress(PeerError):
        Directory.from_bytes(signed(fields), OFFICE.public_key)
