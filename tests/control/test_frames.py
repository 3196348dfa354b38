"""Frames of the control socket."""

from __future__ import annotations

import contextlib
import json
import struct

import msgspec
import pytest
from hypothesis import example, given, strategies as st

from jupyter_peer.control.fields import NoParams
from jupyter_peer.control.frames import (
    MAX_ID,
    PLAIN_UP_TO,
    Event,
    Failure,
    Progress,
    Reply,
    Request,
    decode_message,
    decode_request,
    encode_event,
    encode_failure,
    encode_progress,
    encode_reply,
    encode_request,
    request_id,
)
from jupyter_peer.control.rows import peers
from jupyter_peer.control.table import OPERATIONS, operation
from jupyter_peer.errors import BadRequestError, InviteUsedError, MalformedError

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(text, json_values, max_size=4)


def sent(frame):
    """What arrives at the other side: text messages as str, binary ones as bytes."""
    return frame.payload if frame.is_binary else frame.payload.decode()


def binary(header: object, *buffers: bytes) -> bytes:
    raw = json.dumps(header).encode()
    return struct.pack(">I", len(raw)) + raw + b"".join(buffers)


@given(text, objects, st.none() | st.integers(0, MAX_ID))
def test_a_request_arrives_as_it_was_sent(op, params, id):
    frame = encode_request(op, params, id)
    assert decode_request(sent(frame)) == Request(op, id, params)


@given(st.integers(0, MAX_ID), objects)
def test_replies_progress_and_events_arrive_as_they_were_sent(id, value):
    assert decode_message(sent(encode_reply(id, value))) == Reply(id, value)
    assert decode_message(sent(encode_progress(id, value))) == Progress(id, value)
    assert decode_message(sent(encode_event("panes", value))) == Event("panes", value)


def test_an_error_arrives_as_its_own_class():
    message = decode_message(sent(encode_failure(3, InviteUsedError())))
    assert isinstance(message, Failure)
    assert (message.id, type(message.error)) == (3, InviteUsedError)
    assert message.error.hint == InviteUsedError.advice


def test_an_error_without_a_request_has_no_id():
    message = decode_message(sent(encode_failure(None, BadRequestError())))
    assert isinstance(message, Failure)
    assert message.id is None


def test_a_foreign_exception_keeps_its_text_to_itself():
    message = decode_message(sent(encode_failure(3, ValueError("/home/ada/secret"))))
    assert isinstance(message, Failure)
    assert "secret" not in str(message.error)


def test_long_strings_make_a_binary_frame_and_come_back():
    value = {"outputs": [{"image/png": "A" * PLAIN_UP_TO}, {"$buffer": "mine"}], "é": "ü" * 5000}
    frame = encode_event("pane", value)
    assert frame.is_binary
    assert decode_message(sent(frame)) == Event("pane", value)


@pytest.mark.parametrize(
    "value",
    [
        {"outputs": [{"image/png": "A" * PLAIN_UP_TO}], "\ud800": "\ud800b"},
        {"rows": ["abc" * 10] * 5000},
        {"a": ["\ud800b"]},
        {},
    ],
)
def test_what_is_said_of_its_weight_changes_nothing_in_a_frame(value):
    heavy, light = encode_event("pane", value, PLAIN_UP_TO + 1), encode_event("pane", value)
    assert heavy.is_binary == light.is_binary
    assert decode_message(sent(heavy)) == decode_message(sent(light))


def test_a_long_frame_of_short_strings_stays_text():
    value = {"rows": ["abc" * 10] * 5000}
    frame = encode_reply(1, value)
    assert not frame.is_binary
    assert decode_message(sent(frame)) == Reply(1, value)


def test_a_text_frame_is_taken_literally():
    value = {"a": {"$buffer": "f" * 64}, "b": {"$object": 1}}
    assert decode_message(sent(encode_reply(1, value))) == Reply(1, value)


def test_lone_surrogates_do_not_stop_a_frame():
    assert decode_message(sent(encode_event("pane", {"a": ["\ud800b"]}))) == Event(
        "pane", {"a": ["?b"]}
    )


def test_a_struct_is_sent_by_its_wire_names():
    me = peers.SelfModel(
        node_id="a",
        public_key="b",
        fingerprint="c",
        node_name="d",
        capabilities=[],
        addresses=[],
        version="1",
    )
    message = decode_message(sent(encode_reply(1, peers.PeersResult(me, []))))
    assert isinstance(message, Reply)
    assert message.result["self"]["node_id"] == "a"


@given(st.binary(max_size=60) | text)
@example(b"\0\0\0\2{}")
@example(b"\xff\xff\xff\xff")
@example("[" * 5000)
@example('"\\ud800"')
@example("1e400")
def test_any_bytes_are_refused_with_our_errors_alone(raw):
    with pytest.raises(BadRequestError):
        decode_request(raw)
    with pytest.raises(MalformedError):
        decode_message(raw)
    assert request_id(raw) is None


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": json_values,
            "op": json_values,
            "params": json_values,
            "event": json_values,
            "data": json_values,
            "result": json_values,
            "error": json_values,
            "progress": json_values,
            "buffers": json_values,
            "lengths": json_values,
        },
    ),
    st.binary(max_size=10),
)
def test_any_object_is_read_or_refused(fields, rest):
    for frame in (json.dumps(fields), binary(fields, rest)):
        for decode, refusal in (
            (decode_request, BadRequestError),
            (decode_message, MalformedError),
        ):
            with contextlib.suppress(refusal):
                decode(frame)


@pytest.mark.parametrize(
    "frame",
    [
        binary({"op": "x", "buffers": ["a" * 64], "lengths": [4]}, b"abc"),
        binary({"op": "x", "buffers": ["a" * 64], "lengths": [2]}, b"abc"),
        binary({"op": "x", "buffers": ["a" * 64], "lengths": []}),
        binary({"op": "x", "buffers": ["a"], "lengths": [0]}),
        binary({"op": "x", "buffers": ["a" * 64], "lengths": [-1]}),
        binary({"op": "x", "buffers": 5, "lengths": []}),
        binary({"op": "x"}, b"abc"),
        binary({"op": "x"})[:-1],
        binary({"op": "x", "params": {"a": {"$buffer": "a" * 64}}}),
    ],
)
def test_buffers_that_do_not_add_up_are_refused(frame):
    with pytest.raises(BadRequestError):
        decode_request(frame)


@pytest.mark.parametrize("id", [-1, 2**53, 1.5, "1", True, [], {}])
def test_an_id_is_a_number_that_javascript_can_hold(id):
    frame = json.dumps({"id": id, "op": "x"})
    with pytest.raises(BadRequestError):
        decode_request(frame)
    assert request_id(frame) is None


def test_the_id_of_a_bad_request_is_found_for_the_answer():
    assert request_id('{"id": 7, "op": 5}') == 7


def test_unknown_keys_are_ignored():
    assert decode_request('{"op": "peers", "later": 1}') == Request("peers")
    assert operation("peers").read({"later": 1}) == NoParams()


@given(
    st.sampled_from([*OPERATIONS, "nothing"]),
    objects
    | st.dictionaries(
        st.sampled_from(["name", "peer", "ttl_s", "id", "invite", "watch", "rev", "with", "limit"]),
        json_values,
    ),
)
def test_params_become_their_struct_or_a_bad_request(op, params):
    with contextlib.suppress(BadRequestError):
        assert isinstance(operation(op).read(params), OPERATIONS[op].params)


@pytest.mark.parametrize(
    ("op", "params"),
    [
        ("invite", {"ttl_s": "60"}),
        ("invite", {"ttl_s": True}),
        ("invite", {"ttl_s": 0}),
        ("invite", {"ttl_s": 10**400}),
        ("invite", {"note": "n" * 513}),
        ("pair", {}),
        ("pair", {"invite": None}),
        ("connect", {}),
        ("connect", {"node_id": "a", "address": "b"}),
        ("share", {"name": "a"}),
        ("share", {"name": "a", "cell": "b", "display": "c"}),
        ("share", {"name": "", "cell": "b"}),
        ("share", {"name": "a", "cell": "b", "grant": "run"}),
        ("share", {"name": "a", "cell": "b", "with": "ada"}),
        ("alias", {"peer": "ada"}),
        ("grant", {"name": "a", "peer": "b", "grant": "all"}),
        ("audit", {"limit": 0}),
        ("ack", {"watch": 1, "rev": -1}),
    ],
)
def test_params_that_do_not_fit_are_refused_in_words(op, params):
    with pytest.raises(BadRequestError) as refused:
        operation(op).read(params)
    assert refused.value.message != BadRequestError.text


def test_a_result_is_read_back_by_its_struct():
    result = peers.PingResult(rtt_ms=1.5)
    message = decode_message(sent(encode_reply(1, result)))
    assert isinstance(message, Reply)
    assert msgspec.convert(message.result, peers.PING.result) == result
