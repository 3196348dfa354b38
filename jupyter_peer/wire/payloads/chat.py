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
# which have no UTF-8. They could move a terminal's cursor or make a line look like another's.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Chat(msgspec.Struct, frozen=True):
    """``chat``: one line of text."""

    text: str


def clean_text(text: str) -> str:
    """Return a text as it may be shown: its lines end in a newline, and nothing in it is unseen."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", lines).strip("\n")


def check_text(text: str) -> str:
    """Return a user's text in the form that is sent.

    Raises:
        BadRequestError: It is empty.
        TooLargeError: It is longer than 16 KiB.
    """
    cleaned = clean_text(text)
    if not cleaned.strip():
        raise BadRequestError("there is nothing in this message", hint="write something")
    if _is_too_long(cleaned):
        raise TooLargeError(
            f"a message has up to {MAX_TEXT // 1024} KiB", hint="share a pane for more"
        )
    return cleaned


def read_chat(data: dict[str, Any]) -> str:
    """Return the text of a payload, safe to be shown.

    Raises:
        MalformedError: It is not a line of text.
        TooLargeError: It is longer than 16 KiB.
    """
    text = convert(data, Chat).text
    # before it is worked on; a character that is replaced may take more bytes than before
    if len(text) > MAX_TEXT or _is_too_long(text):
        raise TooLargeError(f"a message has up to {MAX_TEXT // 1024} KiB")
    cleaned = clean_text(text)
    if not cleaned.strip():
        raise MalformedError("there is nothing in this message")
    return cleaned


def _is_too_long(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) > MAX_TEXT
