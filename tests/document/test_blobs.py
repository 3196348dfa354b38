"""Large strings beside the JSON."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.document.blobs import (
    LITERAL,
    REFERENCE,
    blob_hash,
    extract_strings,
    inline_strings,
)
from jupyter_peer.errors import MalformedError

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
keys = st.sampled_from([REFERENCE, LITERAL, "a", "b"]) | text
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=20,
)


@given(json_values, st.integers(0, 20))
def test_every_json_value_comes_back_as_it_was(value, over):
    extracted, blobs = extract_strings(value, over)
    assert inline_strings(extracted, blobs) == value


@given(json_values, st.dictionaries(text, st.binary(max_size=8), max_size=3))
def test_lowering_anything_raises_nothing_but_malformed(value, blobs):
    with contextlib.suppress(MalformedError):
        inline_strings(value, blobs)


def test_a_string_that_occurs_twice_travels_once():
    extracted, blobs = extract_strings({"a": ["x" * 50, "short"], "b": {"c": "x" * 50}}, over=10)
    assert blobs == {blob_hash(b"x" * 50): b"x" * 50}
    assert extracted["a"] == [{REFERENCE: blob_hash(b"x" * 50)}, "short"]


def test_an_object_that_looks_like_a_reference_stays_an_object():
    value = {"data": {REFERENCE: "ab"}, "more": {LITERAL: {LITERAL: {REFERENCE: 1}}}}
    extracted, blobs = extract_strings(value)
    assert extracted["data"] == {LITERAL: {REFERENCE: "ab"}}
    assert inline_strings(extracted, blobs) == value


def test_the_value_given_is_not_changed():
    value = {"a": ["x" * 50]}
    extract_strings(value, over=10)
    assert value == {"a": ["x" * 50]}


def test_a_lone_surrogate_becomes_a_question_mark():
    extracted, blobs = extract_strings("\ud800" + "x" * 10, over=5)
    assert inline_strings(extracted, blobs) == "?" + "x" * 10


@pytest.mark.parametrize(
    ("value", "blobs"),
    [
        ({REFERENCE: "missing"}, {}),
        ({REFERENCE: 5}, {}),
        ({REFERENCE: ["a"]}, {}),
        ({LITERAL: 5}, {}),
        ({LITERAL: {"a": 1}}, {}),
        ({REFERENCE: "a"}, {"a": b"\xff"}),
    ],
)
def test_what_lifting_never_writes_is_refused(value, blobs):
    with pytest.raises(MalformedError):
        inline_strings(value, blobs)


def test_depth_ends_in_an_error_of_ours():
    value: list[object] = []
    for _ in range(20_000):
        value = [value]
    with pytest.raises(MalformedError):
        extract_strings(value)
    with pytest.raises(MalformedError):
        inline_strings(value, {})
