from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, strategies as st

from jupyter_peer.wire.payloads.validation import misfit


class One(msgspec.Struct, tag_field="kind", tag="one"):
    few: Literal["view", "interact"]


class Two(msgspec.Struct, tag_field="kind", tag="two"):
    keys: dict[Annotated[str, msgspec.Meta(max_length=8)], Annotated[int, msgspec.Meta(le=9)]]


def why(value: Any) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, One | Two)
    return misfit(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"kind": "a secret"}, "Invalid value - at `$.kind`"),
        ({"kind": "one", "few": "a secret"}, "Invalid value - at `$.few`"),
        ({"kind": "one", "few": "a ' - at `$.` secret"}, "Invalid value - at `$.few`"),
        ({"kind": "one"}, "Object missing required field `few`"),
        ({"kind": "two", "keys": {"a secret key": 1}}, "Expected `str` of length <= 8"),
        ({"kind": "two", "keys": {"key": "a secret"}}, "Expected `int`, got `str`"),
    ],
)
def test_the_field_is_named_and_not_what_is_in_it(value, text):
    assert why(value).startswith(text)


@given(st.text(min_size=5))
def test_no_value_is_in_the_words(secret):
    for value in ({"kind": f"x{secret}"}, {"kind": "one", "few": f"x{secret}"}):
        assert why(value) in ("Invalid value - at `$.kind`", "Invalid value - at `$.few`")


def test_what_else_can_be_wrong_has_words_too():
    assert misfit(RecursionError()) == "it is nested too deeply"
    with pytest.raises(UnicodeEncodeError) as caught:
        "\ud800".encode()
    assert misfit(caught.value) == "a key is not UTF-8"
    assert len(misfit(ValueError("x" * 1000))) == 200
