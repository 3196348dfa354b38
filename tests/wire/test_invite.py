"""Invites as people paste them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import textwrap

import pytest
from hypothesis import example, given, strategies as st

from jupyter_peer.errors import InviteMalformedError
from jupyter_peer.wire.invite import (
    MAX_ADDRESS,
    MAX_ADDRESSES,
    PREFIX,
    Invite,
    make_token,
    token_hash,
)
from tests.wire.makers import ADA, BOB, NOW, TOKEN, json_values

FIELDS = {
    "v": 1,
    "id": ADA.node_id,
    "pk": ADA.public_key_b64,
    "t": TOKEN,
    "a": ["ws://192.0.2.1:8888/peer-ws", "198.51.100.7:9797"],
    "x": NOW,
    "n": "ada's laptop",
    "r": "wss://relay.example/relay-ws",
    "l": "wss://relay.example/lobby-ws",
}


def text_of(fields: object) -> str:
    raw = json.dumps(fields).encode()
    return PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


urls = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=MAX_ADDRESS)


@given(
    st.binary(min_size=16, max_size=16),
    st.lists(urls, max_size=MAX_ADDRESSES),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none() | urls,
    st.none() | urls,
)
def test_an_invite_comes_back_as_it_was(token, addresses, expiry, relay, lobby):
    invite = Invite(
        v=1,
        id=ADA.node_id,
        pk=ADA.public_key_b64,
        t=make_token(token),
        a=addresses,
        x=expiry,
        n="Ada Ω",
        r=relay,
        l=lobby,
    )
    assert Invite.from_text(invite.to_text()) == invite


def test_the_largest_invite_is_read():
    invite = Invite(
        v=1,
        id=ADA.node_id,
        pk=ADA.public_key_b64,
        t=TOKEN,
        a=["x" * MAX_ADDRESS] * MAX_ADDRESSES,
        x=NOW,
        n="n" * 64,
        r="r" * MAX_ADDRESS,
        l="l" * MAX_ADDRESS,
    )
    assert Invite.from_text(invite.to_text()) == invite


def test_the_fields_are_those_of_the_wire():
    invite = Invite.from_text(text_of(FIELDS))
    assert {name: getattr(invite, name) for name in FIELDS} == FIELDS
    assert invite.public_key == ADA.public_key


def test_white_space_line_breaks_and_padding_do_not_matter():
    text = text_of(FIELDS)
    pasted = "\r\n  " + "\n".join(textwrap.wrap(text, 50)) + "== \t\n"
    assert Invite.from_text(pasted) == Invite.from_text(text)


@pytest.mark.parametrize(
    "pasted",
    [
        '"{}"',
        "\u201c{}\u201d",
        "<{}>.",
        "`{}`",
        "%peer pair {}",
        "Here it is:\n\n{}\n",
        "({}),\ufeff",
    ],
)
def test_what_people_copy_around_it_does_not_matter(pasted):
    text = text_of(FIELDS)
    assert Invite.from_text(pasted.format(text)) == Invite.from_text(text)


def test_neither_do_the_marks_of_a_quoted_mail():
    text = text_of(FIELDS)
    quoted = "> " + "\u200b\n> ".join(textwrap.wrap(text, 60))
    assert Invite.from_text(quoted) == Invite.from_text(text)


def test_two_invites_at_once_are_refused():
    with pytest.raises(InviteMalformedError, match="foreign"):
        Invite.from_text(f"{text_of(FIELDS)}, {text_of(FIELDS)}")


def test_unknown_fields_are_ignored():
    assert Invite.from_text(text_of({**FIELDS, "zz": [1]})) == Invite.from_text(text_of(FIELDS))


def test_a_name_is_shown_only_in_printable_characters():
    assert Invite.from_text(text_of({**FIELDS, "n": "a\x1b[2Jb\u202e "})).n == "a[2Jb"


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": 0},
        {"v": "1"},
        {"id": BOB.node_id},
        {"id": "x"},
        {"pk": BOB.public_key_b64},
        {"pk": "x"},
        {"t": ""},
        {"t": TOKEN[:-1]},
        {"t": TOKEN + "A"},
        {"t": TOKEN[:-1] + "!"},
        {"a": "ws://host"},
        {"a": [1]},
        {"a": [""]},
        {"a": ["x" * (MAX_ADDRESS + 1)]},
        {"a": ["ws://host\x1b[2J"]},
        {"a": ["x"] * (MAX_ADDRESSES + 1)},
        {"x": "soon"},
        {"x": None},
        {"n": "x" * 65},
        {"n": None},
        {"r": ""},
        {"l": "x" * (MAX_ADDRESS + 1)},
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_refused(change):
    with pytest.raises(InviteMalformedError):
        Invite.from_text(text_of({**FIELDS, **change}))


@pytest.mark.parametrize("name", ["v", "id", "pk", "t", "a", "x"])
def test_a_missing_field_is_refused(name):
    fields = {key: value for key, value in FIELDS.items() if key != name}
    with pytest.raises(InviteMalformedError):
        Invite.from_text(text_of(fields))


def test_a_newer_version_says_to_update():
    with pytest.raises(InviteMalformedError, match="version 2") as caught:
        Invite.from_text(text_of({**FIELDS, "v": 2}))
    assert caught.value.hint == "update jupyter-peer"


@given(st.integers(0, 400))
def test_an_invite_that_was_cut_off_is_refused(length):
    text = text_of(FIELDS)
    with pytest.raises(InviteMalformedError):
        Invite.from_text(text[: min(length, len(text) - 1)])


@given(st.data())
def test_an_invite_with_one_changed_character_is_refused_or_still_names_its_own_key(data):
    text = text_of(FIELDS)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters(exclude_categories=[])) + text[at + 1 :]
    with contextlib.suppress(InviteMalformedError):
        assert Invite.from_text(changed).id == ADA.node_id


@given(
    st.none() | st.integers() | st.binary() | st.text(st.characters(exclude_categories=[])),
    st.booleans(),
)
@example("A", True)
@example("x" * 100_000, True)
@example("W" * 16_000, True)
@example("!" * 30_000 + "a", True)
def test_reading_anything_raises_nothing_but_invite_malformed(value, has_prefix):
    if has_prefix and isinstance(value, str):
        value = PREFIX + value
    with pytest.raises(InviteMalformedError):
        Invite.from_text(value)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), json_values))
def test_fields_of_any_type_raise_nothing_but_invite_malformed(changes):
    with contextlib.suppress(InviteMalformedError):
        Invite.from_text(text_of({**FIELDS, **changes}))


@given(st.binary(max_size=200))
def test_any_bytes_inside_raise_nothing_but_invite_malformed(raw):
    with pytest.raises(InviteMalformedError):
        Invite.from_text(PREFIX + base64.urlsafe_b64encode(raw).decode())


def test_deep_nesting_inside_is_refused():
    with pytest.raises(InviteMalformedError):
        Invite.from_text(PREFIX + base64.urlsafe_b64encode(b"[" * 8000).decode())


def test_a_token_is_16_bytes_and_only_its_hash_is_stored():
    assert make_token(bytes(16)) == TOKEN
    assert token_hash(TOKEN) == hashlib.sha256(TOKEN.encode()).hexdigest()
    assert len(token_hash("\ud800")) == 64
    with pytest.raises(ValueError):
        make_token(b"short")


def test_tokens_that_differ_have_other_hashes():
    assert len({token_hash(token) for token in (TOKEN, TOKEN[:-1] + "B", "\ud800")}) == 3
