"""Envelopes, their canonical bytes, and the plain JSON of the unsealed wire."""

from __future__ import annotations

import contextlib
import gc
import json
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from jupyter_peer.errors import BadIdentityError, MalformedError, PeerError, TooLargeError
from jupyter_peer.wire.link import envelope as module
from jupyter_peer.wire.link.envelope import (
    DEFAULT_TTL,
    MAX_BUFFERS,
    Envelope,
    canonical_bytes,
    from_canonical,
    from_text,
    to_text,
)
from jupyter_peer.wire.link.json_bounds import MAX_DEPTH, MAX_PARTS, MAX_VALUES, check_depth
from tests.wire.makers import ADA, BOB, NOW, arrived, canonical, json_objects, json_values

MSG_ID = "0123456789abcdef" * 2
SIG = bytes(range(64))
LIMIT = 1 << 20


def dumps(fields: object, *, sort_keys: bool = True) -> str:
    return json.dumps(fields, sort_keys=sort_keys, separators=(",", ":"))


def nested(levels: int) -> dict:
    value: object = 1
    for level in range(levels - 1):
        value = [value] if level % 2 else {"k": value}
    return {"k": value}


# Canonical bytes.


@given(
    json_objects,
    st.none() | st.just(MSG_ID),
    st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300),
    st.booleans(),
)
def test_canonical_bytes_are_what_json_dumps_writes(data, answered, ts, keep_order):
    written = canonical_bytes(
        type="note",
        msg_id=MSG_ID,
        re=answered,
        src=ADA.node_id,
        ts=ts,
        data=data,
        keep_order=keep_order,
    )
    fields = {
        "data": data,
        "msg_id": MSG_ID,
        "re": answered,
        "src": ADA.node_id,
        "ts": ts,
        "type": "note",
        "v": 1,
    }
    assert written == dumps(fields, sort_keys=not keep_order).encode("ascii")


def test_a_python_without_the_c_encoder_writes_the_same(monkeypatch):
    monkeypatch.setattr("json.encoder.c_make_encoder", None)
    data = {"b": [1, 2.5, None], "a": "é\x7f\ud800"}
    assert module._make_encode(sort_keys=False)(data) == module._encode(data)
    assert module._make_encode(sort_keys=True)(data) == module._encode_sorted(data)


@given(json_objects, st.sampled_from([0, 5_000, 600_000]))
def test_a_payload_is_read_with_its_keys_in_the_order_in_which_it_was_written(data, beside):
    raw = canonical({"z": data, "pad": "x" * beside, "a": 1}, keep_order=True)
    read = from_canonical(raw).data
    assert dumps(read, sort_keys=False) == dumps(
        arrived({"z": data, "pad": "x" * beside, "a": 1}), sort_keys=False
    )


@given(json_objects)
def test_an_envelope_comes_back_from_its_canonical_bytes(data):
    read = from_canonical(canonical(data), SIG, 3, (b"x",), src=ADA.node_id)
    assert read == Envelope(
        type="note",
        msg_id="0" * 31 + "1",
        re=None,
        src=ADA.node_id,
        ts=NOW,
        data=arrived(data),
        ttl=3,
        sig=SIG,
        buffers=(b"x",),
        signed=canonical(data),
    )


@pytest.mark.parametrize(
    "data",
    [
        {"x": float("nan")},
        {"x": float("inf")},
        {"x": -float("inf")},
        {"x": b"bytes"},
        {"x": {1, 2}},
        {"x": object()},
        {1: "a", "b": 2},
        {(1, 2): 3},
    ],
)
def test_what_is_not_json_cannot_be_sent(data):
    with pytest.raises(MalformedError):
        canonical(data)


def test_a_payload_that_holds_itself_cannot_be_sent():
    data: dict = {}
    data["self"] = [data]
    with pytest.raises(MalformedError):
        canonical(data)


@pytest.mark.parametrize(
    "change",
    [{"type": kind} for kind in ("", "A", "1a", "a b", "a" * 65, "a\n", 'a"', "é")]
    + [{"ts": ts} for ts in (float("nan"), float("inf"))],
)
def test_a_field_of_the_wrong_form_cannot_be_sent(change):
    with pytest.raises(MalformedError):
        canonical({}, **change)


# Reading canonical bytes.


FIELDS = {
    "data": {"a": 1},
    "msg_id": MSG_ID,
    "re": None,
    "src": ADA.node_id,
    "ts": NOW,
    "type": "note",
    "v": 1,
}

# Any value in place of a field, and the fields that must be refused.
WRONG = [
    *[{"v": value} for value in (0, 2, None, "1", True, [1], 1.5)],
    *[{"type": value} for value in ("", "A", "a" * 65, None, 1, "a\u0000")],
    *[{"msg_id": value} for value in ("", MSG_ID[:-1], MSG_ID + "0", MSG_ID.upper(), None, 1)],
    *[{"re": value} for value in ("", MSG_ID[:-1], "g" * 32, 1, False, [])],
    *[{"src": value} for value in ("", "a" * 15, "A" * 16, "1" * 16, None, 7)],
    *[{"ts": value} for value in ("1", None, True, [], 10**400)],
    *[{"data": value} for value in (None, [], "x", 1, True)],
]


@pytest.mark.parametrize("change", WRONG, ids=str)
def test_a_field_that_is_not_what_it_should_be_is_malformed(change):
    fields = {**FIELDS, **change}
    with pytest.raises(MalformedError):
        from_canonical(dumps(fields).encode())
    with pytest.raises(MalformedError):
        from_text(dumps({**fields, "sig": "A" * 86 + "=="}), max_bytes=LIMIT)


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "re"])
def test_a_missing_field_is_malformed(name):
    fields = {key: value for key, value in FIELDS.items() if key != name}
    with pytest.raises(MalformedError):
        from_canonical(dumps(fields).encode())
    with pytest.raises(MalformedError):
        from_text(dumps({**fields, "sig": "A" * 86 + "=="}), max_bytes=LIMIT)


def test_an_envelope_of_another_node_is_told_apart():
    with pytest.raises(BadIdentityError):
        from_canonical(canonical({}), src=BOB.node_id)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_not_json_are_malformed_and_no_envelope_of_the_original_system(number):
    text = dumps(FIELDS).replace('{"a":1}', f'{{"a":[{number},"\\ud800"]}}')
    with pytest.raises(MalformedError):
        from_canonical(text.encode())
    assert from_text(text, max_bytes=LIMIT) is None


@pytest.mark.parametrize("more", [{"ttl": 99}, {"dst": "x"}, {"sig": 1}, {"z": []}])
def test_unknown_fields_are_ignored_in_plain_text_and_refused_in_canonical_bytes(more):
    with pytest.raises(MalformedError):
        from_canonical(dumps({**FIELDS, **more}).encode())
    text = to_text(canonical({"a": 1}), SIG)
    read = from_text(f'{text[:-1]},"z":[]}}', max_bytes=LIMIT)
    assert (read.ttl, read.dst, read.sig) == (DEFAULT_TTL, None, SIG)


def test_integers_of_any_length_are_read_and_lone_surrogates_become_question_marks():
    data = {"\ud800": ["a\udfff", "\U0001f600"], "n": 10**100, "m": -(2**64)}
    read = from_canonical(canonical(data)).data
    assert read == {"?": ["a?", "\U0001f600"], "n": 10**100, "m": -(2**64)}


@given(st.binary(max_size=300))
@example(b"\xff")
@example(b"[" * 300)
@example(b'{"data":' * 40)
@example(b'"' * 300)
@example(b"\\" * 301)
def test_reading_any_bytes_raises_nothing_but_malformed(raw):
    with contextlib.suppress(MalformedError):
        from_canonical(raw)


@given(st.data())
def test_reading_damaged_canonical_bytes_raises_nothing_but_malformed(data):
    raw = bytearray(canonical(data.draw(json_objects)))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(MalformedError):
        from_canonical(bytes(raw))


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), json_values))
def test_fields_of_any_type_raise_nothing_but_malformed(changes):
    fields = {**FIELDS, **changes}
    with contextlib.suppress(MalformedError):
        from_canonical(dumps(fields).encode())
    with contextlib.suppress(MalformedError):
        from_text(dumps({**fields, "sig": "A" * 86 + "=="}), max_bytes=LIMIT)


# Depth and number of values.


@pytest.mark.parametrize("levels", [MAX_DEPTH - 1, MAX_DEPTH, 200, 100_000])
def test_nesting_is_bounded_where_it_is_sent_and_where_it_is_read(levels):
    inner = "[" * (levels - 1) + "]" * (levels - 1)
    # strings before it, with brackets and escapes that must not count
    text = dumps(FIELDS).replace('"a":1', '"a":"]]]}\\"[","b\\\\":' + inner)
    if levels < MAX_DEPTH:  # the envelope itself is one level
        data = from_canonical(text.encode()).data
        assert canonical(data)
        return
    for read in (lambda: from_canonical(text.encode()), lambda: from_text(text, max_bytes=LIMIT)):
        with pytest.raises(MalformedError):
            read()
    with pytest.raises(MalformedError):
        canonical(nested(levels))


@given(json_values, st.integers(0, 8))
def test_nesting_is_counted_as_a_parser_would(value, wrapped):
    def depth(part):
        if isinstance(part, dict):
            part = list(part.values())
        return 1 + max(map(depth, part), default=0) if isinstance(part, list) else 0

    for _ in range(wrapped):
        value = {"]\\": [value, '"']}
    # more brackets than may pass without a closer look
    text = dumps([value, ["[" * 70]])
    levels = depth(json.loads(text))
    for _ in range(levels, MAX_DEPTH):
        text = f"[{text}]"
    check_depth(text.encode())
    with pytest.raises(MalformedError):
        check_depth(f'{{"\\"[":{text}}}'.encode())


@pytest.mark.parametrize(
    "unit", [b"[],", b"{},", b"0,", b'{"":0},', b'"",', b'"\\"",', b'"a":1,', b"[[[[]]]],"]
)
def test_the_number_of_values_is_bounded_without_much_memory_or_time(unit):
    text = b"[" + unit * ((20 << 20) // len(unit)) + b"0]"
    tracemalloc.start()
    start = time.process_time()
    try:
        with contextlib.suppress(MalformedError):
            check_depth(text)
            assert text.count(b",") + text.count(b"[") <= MAX_VALUES
            assert text.count(b":") + text.count(b"[") + text.count(b"{") <= MAX_PARTS
        spent = time.process_time() - start
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(text)
    assert spent < 20


def test_brackets_commas_and_colons_in_a_long_string_do_not_count():
    check_depth(dumps({"html": "[{,:" * 2_000_000 + '"\\'}).encode())


@pytest.mark.parametrize(
    "value",
    [
        [0] * (MAX_VALUES - 20),
        [{"x": 0.5, "y": 0.25}] * (MAX_PARTS // 3 - 10),
        {str(number): None for number in range(MAX_PARTS - 20)},
    ],
    ids=["numbers", "rows", "keys"],
)
def test_large_data_of_every_form_is_read_up_to_its_bound_and_no_further(value):
    data = {"value": value}
    assert from_canonical(canonical(data)).data == data
    with pytest.raises(MalformedError, match="too many values"):
        canonical({"value": [value, value]})


# What is not canonical.

ODD = json.loads((Path(__file__).parents[2] / "vectors" / "canonical.json").read_text())
BESIDE = [b"", b"long" * 2000]  # above a size another encoder is used


@pytest.mark.parametrize("beside", BESIDE, ids=["small", "large"])
@pytest.mark.parametrize("odd", ODD["refused"], ids=[odd["why"] for odd in ODD["refused"]])
def test_an_envelope_that_is_not_in_its_canonical_form_is_refused(odd, beside):
    text = odd["text"].encode().replace(b'"pad":"', b'"pad":"' + beside)
    with pytest.raises(MalformedError):
        from_canonical(text)


@pytest.mark.parametrize("beside", BESIDE, ids=["small", "large"])
@pytest.mark.parametrize("text", ODD["accepted"])
def test_every_number_and_string_has_one_form_that_is_accepted(text, beside):
    raw = text.encode().replace(b'"pad":"', b'"pad":"' + beside)
    assert from_canonical(raw)
    assert dumps(json.loads(raw), sort_keys=False).encode() == raw


@given(json_objects, st.booleans(), st.data())
def test_a_change_that_is_read_as_the_same_value_is_refused(data, is_large, draw):
    raw = canonical({"data": data, **({"pad": "x" * 5000} if is_large else {})})
    assert from_canonical(raw).canonical() == canonical(from_canonical(raw).data)
    at = draw.draw(st.integers(0, len(raw)))
    changed = raw[:at] + draw.draw(st.sampled_from([b" ", b"0", b".0", b"e0", b"+"])) + raw[at:]
    with contextlib.suppress(PeerError):
        from_canonical(changed)
        assert dumps(json.loads(changed), sort_keys=False).encode() == changed


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(), min_size=1))
def test_both_encoders_write_the_numbers_that_one_of_them_may_check(numbers):
    raw = canonical({"numbers": numbers, "pad": "x" * 5000})
    assert from_canonical(raw).data["numbers"] == numbers


@pytest.mark.parametrize("text", ["é", "😀", "\\u0001", 1e-07, 10**40, 12345678901234567890])
def test_a_large_envelope_may_have_any_character_and_number(text):
    data = {"odd": text, "pad": "x" * 100_000}
    assert from_canonical(canonical(data)).data == data


def test_lone_surrogates_are_replaced_before_a_large_envelope_is_signed():
    data = {"odd": ["\ud800", {"\udfff": "😀"}], "pad": "x" * 100_000}
    raw = canonical(data)
    assert from_canonical(raw).data == {**data, "odd": ["?", {"?": "😀"}]}
    # The parser that knows them would take too long.
    with pytest.raises(MalformedError):
        from_canonical(raw.replace(b'"?"', b'"\\ud800"'))


def test_the_collector_runs_again_after_a_large_envelope_good_or_bad():
    raw = canonical({"pad": "x" * 5000})
    from_canonical(raw)
    with pytest.raises(MalformedError):
        from_canonical(raw[:-1])
    assert gc.isenabled()


# The unsealed wire.


@given(json_objects, st.none() | st.just(BOB.node_id), st.lists(st.binary(max_size=9), max_size=3))
def test_an_envelope_comes_back_from_its_text(data, dst, buffers):
    text = to_text(canonical(data), SIG, dst=dst, ttl=5, buffers=buffers)
    read = from_text(text, max_bytes=LIMIT)
    assert (read.data, read.dst, read.ttl, read.sig) == (data, dst, 5, SIG)
    assert list(read.buffers) == buffers
    assert read.canonical() == canonical(data)


def test_the_text_is_the_whole_envelope_of_the_original_system():
    fields = json.loads(to_text(canonical({"a": 1}), SIG, dst=BOB.node_id))
    assert set(fields) == {*FIELDS, "dst", "ttl", "sig"}
    assert fields["ttl"] == 8


def test_missing_routing_headers_have_their_defaults():
    read = from_text(dumps({**FIELDS, "sig": "A" * 86 + "=="}), max_bytes=LIMIT)
    assert (read.dst, read.ttl, read.buffers) == (None, DEFAULT_TTL, ())


@pytest.mark.parametrize(
    "change",
    [
        {"dst": 1},
        {"dst": ["x"]},
        {"ttl": "8"},
        {"ttl": True},
        {"ttl": 1.5},
        {"sig": None},
        {"sig": ""},
        {"sig": "A" * 85},
        {"sig": "A" * 84 + "!!=="},
        {"sig": "é" * 88},
        {"sig": ["A"]},
        {"raw": "x"},
        {"raw": [1]},
        {"raw": ["!"]},
        {"raw": ["="]},
        {"raw": [""] * (MAX_BUFFERS + 1)},
        {"raw": {}},
    ],
    ids=str,
)
def test_a_routing_header_that_is_not_what_it_should_be_is_malformed(change):
    fields = {**FIELDS, "sig": "A" * 86 + "==", **change}
    with pytest.raises(MalformedError):
        from_text(dumps(fields), max_bytes=LIMIT)


def test_a_text_over_the_limit_is_too_large():
    text = to_text(canonical({}), SIG)
    assert from_text(text, max_bytes=len(text))
    with pytest.raises(TooLargeError):
        from_text(text, max_bytes=len(text) - 1)


@given(st.text(st.characters(exclude_categories=[])))
@example("[" * 100_000)
@example("1" * 10_000)
@example('{"ts":' + "1" * 5000 + "}")
@example("null")
def test_reading_any_text_raises_nothing_but_peer_errors(text):
    with contextlib.suppress(PeerError):
        from_text(text, max_bytes=LIMIT)


@given(st.data())
def test_reading_damaged_text_raises_nothing_but_malformed(data):
    text = to_text(canonical(data.draw(json_objects)), SIG, buffers=(b"x",))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text)))
        piece = data.draw(st.text(st.characters(exclude_categories=[]), max_size=3))
        text = text[:at] + piece + text[at + data.draw(st.integers(0, 3)) :]
    with contextlib.suppress(MalformedError):
        envelope = from_text(text, max_bytes=LIMIT)
        # A piece such as "NaN" makes it one to drop.
        assert envelope is None or envelope.canonical()
