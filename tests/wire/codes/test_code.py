"""Codes that people say, and the exchange by one."""

from __future__ import annotations

import pytest

from jupyter_peer.errors import CodeMalformedError, CodeWrongError, MalformedError
from jupyter_peer.wire.codes.code import Code, CodeGuest, CodeOwner
from jupyter_peer.wire.codes.words import FIRST, SECOND

CODE = Code(7, "adult", "amulet")
INVITE = "jpeer1:abc"
ONE, OTHER = bytes(range(64)), bytes(range(64, 128))


def test_the_lists_have_each_word_once_and_sixteen_bits() -> None:
    assert len(FIRST) == len(SECOND) == 256
    assert len({*FIRST, *SECOND}) == 512
    assert all(word.isascii() and word.isalpha() and word.islower() for word in FIRST + SECOND)


def test_each_pair_of_bytes_is_another_code() -> None:
    texts = {Code.of(7, bytes([one, two])).text for one in range(256) for two in range(256)}
    assert len(texts) == 65536
    assert CODE.text in texts


@pytest.mark.parametrize(
    "text",
    [
        "7-adult-amulet",
        " 7 adult amulet\n",
        "7 - Adult - AMULET.",
        "`7-adult-amulet`",
        "%peer pair 7-adult-amulet",
        "7adultamulet",
        "jupyter peer pair 7_adult_amulet",
    ],
)
def test_a_code_is_read_however_it_was_typed(text: str) -> None:
    assert Code.from_text(text) == CODE


@pytest.mark.parametrize("text", ["", "jpeer1:abc", "7-adult", "adult-amulet", "7-adult-amulet-x"])
def test_what_does_not_look_like_a_code_is_none(text: str) -> None:
    assert Code.from_text(text) is None


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("7-adlt-amulet", "adult"),
        ("7-adult-amulett", "amulet"),
        ("7-zzz-amulet", "ask for the code"),
        ("0-adult-amulet", "such as 7-adult-amulet"),
    ],
)
def test_a_word_of_no_code_is_told_before_the_one_guess_is_spent(text: str, hint: str) -> None:
    with pytest.raises(CodeMalformedError) as caught:
        Code.from_text(text)
    assert hint in caught.value.hint


def test_an_invite_goes_from_one_side_to_the_other() -> None:
    owner, guest = CodeOwner(CODE, ONE), CodeGuest(CODE, OTHER)
    confirmation = guest.on_answer(owner.on_share(guest.share))
    sealed = owner.on_confirmation(confirmation, INVITE)
    assert INVITE.encode() not in sealed
    assert guest.on_invite(sealed) == INVITE


@pytest.mark.parametrize("wrong", [Code(7, "adult", "alkali"), Code(8, "adult", "amulet")])
def test_with_another_code_both_sides_notice(wrong: Code) -> None:
    owner, guest = CodeOwner(CODE, ONE), CodeGuest(wrong, OTHER)
    answer = owner.on_share(guest.share)
    with pytest.raises(CodeWrongError):
        guest.on_answer(answer)
    assert guest._keys is not None
    with pytest.raises(CodeWrongError):
        owner.on_confirmation(guest._keys.confirm_b, INVITE)


def test_the_answer_of_the_owner_is_no_confirmation_of_the_guest() -> None:
    owner, guest = CodeOwner(CODE, ONE), CodeGuest(CODE, OTHER)
    answer = owner.on_share(guest.share)
    with pytest.raises(CodeWrongError):
        owner.on_confirmation(answer[32:], INVITE)


def test_an_invite_that_was_changed_is_refused() -> None:
    owner, guest = CodeOwner(CODE, ONE), CodeGuest(CODE, OTHER)
    sealed = bytearray(owner.on_confirmation(guest.on_answer(owner.on_share(guest.share)), INVITE))
    sealed[0] ^= 1
    with pytest.raises(MalformedError):
        guest.on_invite(bytes(sealed))


def test_nothing_is_handed_over_out_of_order() -> None:
    with pytest.raises(MalformedError):
        CodeOwner(CODE, ONE).on_confirmation(bytes(32), INVITE)
    with pytest.raises(MalformedError):
        CodeGuest(CODE, ONE).on_invite(bytes(64))
