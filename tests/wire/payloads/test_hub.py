"""Payloads as typed structs."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import MalformedError
from jupyter_peer.wire.payloads import agents as agent_messages, hub as messages
from jupyter_peer.wire.payloads.hub import Addresses, Auth, AuthResult, ErrorReply, Hello, convert
from tests.wire.makers import ADA, json_keys, json_values

STRUCTS = [
    value
    for value in (vars(messages) | vars(agent_messages)).values()
    if isinstance(value, type) and issubclass(value, msgspec.Struct) and value is not msgspec.Struct
]
NAMES = sorted({name for struct in STRUCTS for name in struct.__struct_fields__})
HELLO = {
    "public_key": ADA.public_key_b64,
    "node_name": "ada",
    "capabilities": ["panes"],
    "nonce": "0" * 32,
    "seal": {"x25519": ADA.public_key_b64},
}


def test_unknown_keys_are_ignored():
    hello = convert({**HELLO, "later": 1, "seal": {**HELLO["seal"], "more": 2}}, Hello)
    assert hello.node_name == "ada"
    assert hello.seal is not None


@pytest.mark.parametrize(
    ("struct", "data"),
    [
        (Hello, {key: value for key, value in HELLO.items() if key != "nonce"}),
        (Hello, {key: value for key, value in HELLO.items() if key != "public_key"}),
        (Hello, {**HELLO, "nonce": "0" * 33}),
        (Hello, {**HELLO, "node_name": "x" * 257}),
        (Hello, {**HELLO, "capabilities": ["x"] * 65}),
        (Hello, {**HELLO, "capabilities": ["x" * 65]}),
        (Hello, {**HELLO, "seal": {}}),
        (Hello, {**HELLO, "seal": "x"}),
        (Auth, {}),
        (Auth, {"echo": "0" * 32, "token": "x" * 129}),
        (Auth, {"echo": "0" * 32, "session": 1}),
        (AuthResult, {}),
        (AuthResult, {"ok": "yes"}),
        (AuthResult, {"ok": 1}),
        (ErrorReply, {"message": "x" * 2001}),
        (Addresses, {"addresses": ["x"] * 17}),
        (Addresses, {"addresses": [""]}),
        (Addresses, {"addresses": ["x" * 513]}),
    ],
)
def test_a_payload_out_of_bounds_is_malformed(struct, data):
    with pytest.raises(MalformedError):
        convert(data, struct)


def test_the_error_names_the_field_and_not_its_value():
    with pytest.raises(MalformedError, match="token") as caught:
        convert({"echo": "0" * 32, "token": "secret" * 100}, Auth)
    assert "secret" not in str(caught.value)


@given(
    st.sampled_from(STRUCTS),
    st.dictionaries(st.sampled_from(NAMES) | json_keys, json_values, max_size=6),
)
def test_any_payload_raises_nothing_but_malformed(struct, data):
    with contextlib.suppress(MalformedError):
        assert isinstance(convert(data, struct), struct)
