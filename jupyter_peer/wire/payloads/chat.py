"""Lines that peers write to each other (SPEC section 6.5): plain text, never markup."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ...errors import BadRequestError, MalformedError, TooLargeError
from .hub import convert

CAPABILITY = "chat"
#: UTF-8 bytes of one line.
MAX_TEXT = 16 * 1024

# C0 and C1 controls except tab and newline; bidirectional marks, overrides and isolates; surrogates,
# which have no UTF-8. They could move a terminal's cursor or fake a line of another person.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Chat(msgspec.Struct, frozen=True):
    """``chat``: one line of text."""

    text: str


def clean_text(text: str) -> str:
    """Return a text that is safe to show: lines end in a newline, and no character is invisible."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", lines).strip("\n")


def check_text(text: str) -> str:
    """Return a user's text in the form in which it is sent.

    Raises:
        BadRequestError: The text is empty.
        TooLargeError: It is longer than 16 KiB.
    """
    cleaned = clean_text(text)
    if not cleaned.strip():
        raise BadRequestError("the message is empty", hint="write something")
    if _is_too_long(cleaned):
        raise TooLargeError(
            f"a message has up to {MAX_TEXT // 1024} KiB", hint="share a pane for more"
        )
    return cleaned


def read_chat(data: dict[str, Any]) -> str:
    """Return the text of a payload, made safe to show.

    Raises:
        MalformedError: The payload is not a line of text.
        TooLargeError: It is longer than 16 KiB.
    """
    text = convert(data, Chat).text
    # checked before the text is cleaned, because a replaced character may take more bytes
    if len(text) > MAX_TEXT or _is_too_long(text):
        raise TooLargeError(f"a message has up to {MAX_TEXT // 1024} KiB")
    cleaned = clean_text(text)
    if not cleaned.strip():
        raise MalformedError("the message is empty")
    return cleaned


def _is_too_long(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) > MAX_TEXT
