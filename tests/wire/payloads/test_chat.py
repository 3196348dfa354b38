"""Lines of chat: what may be said, and what is made of anything else."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import BadRequestError, MalformedError, TooLargeError
from jupyter_peer.wire.payloads.chat import MAX_TEXT, check_text, clean_text, read_chat

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_text_goes_through_as_it_is():
    for text in (
        "hello",
        "<b>hi</b> & **bold**",
        "one\n  two\tthree",
        "\N{WOMAN}\u200d\N{MICROSCOPE}",
        "שלום",
    ):
        assert check_text(text) == text
        assert read_chat({"text": text, "more": 1}) == text


def test_what_could_act_on_a_terminal_or_pose_as_another_is_made_visible():
    assert clean_text("a\x1b[2Jb\u202ec\x00d") == "a\ufffd[2Jb\ufffdc\ufffdd"
    assert clean_text("one\r\ntwo\rthree\n\n") == "one\ntwo\nthree"
    assert clean_text("\ud800") == "\ufffd"


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t \n"])
def test_nothing_is_no_message(text):
    with pytest.raises(BadRequestError):
        check_text(text)
    with pytest.raises(MalformedError):
        read_chat({"text": text})


@pytest.mark.parametrize("text", ["x" * (MAX_TEXT + 1), "\N{WOMAN}" * (MAX_TEXT // 4 + 1)])
def test_more_than_16_kib_is_refused_and_16_kib_are_not(text):
    assert check_text(text[:-1]) == read_chat({"text": text[:-1]}) == text[:-1]
    for refuse in (check_text, lambda said: read_chat({"text": said})):
        with pytest.raises(TooLargeError, match="16 KiB"):
            refuse(text)


@pytest.mark.parametrize("data", [{}, {"text": None}, {"text": 1}, {"text": ["x"]}, {"Text": "x"}])
def test_what_is_no_text_is_malformed(data):
    with pytest.raises(MalformedError):
        read_chat(data)


@given(st.dictionaries(st.text() | st.just("text"), ANYTHING))
def test_whatever_comes_is_printable_text_or_refused(data):
    try:
        text = read_chat(data)
    except (MalformedError, TooLargeError):
        return
    assert text == clean_text(text)
    assert all(char.isprintable() or char in "\n\t" or ord(char) > 0x9F for char in text)


@given(st.text())
def test_what_one_side_sends_the_other_takes_unchanged(text):
    try:
        said = check_text(text)
    except BadRequestError:
        assert not clean_text(text).strip()
    else:
        assert read_chat({"text": said}) == said
