"""Bounds on JSON that are checked before it is parsed (SPEC section 2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ...errors import MalformedError

MAX_DEPTH = 64
MAX_VALUES = 1024 * 1024
"""Commas and opening brackets outside strings: a bound on the values in a payload."""
MAX_PARTS = 192 * 1024
"""Colons and opening brackets outside strings. Keys, lists and objects take ten to sixty times as
long to read as numbers."""
HEAVY = 512 * 1024
"""Bytes of JSON, or of a batch, that would stop an event loop; this program sends no such batch."""


def has_parts(values: Iterable[Any]) -> bool:
    """Return whether any of these JSON values is a list or an object, as quickly as Python can."""
    return not _PARTS.isdisjoint(map(type, values))


def check_depth(text: bytes) -> None:
    """Refuse JSON that is nested deeper than 64 or has too many values, before it is parsed.

    Values take up to 30 times the memory of their JSON, so a bound on bytes alone is not enough.
    Every step is a scan in C that needs no more memory than the text. Text that is not JSON may
    pass here, because the parser refuses it later.

    Raises:
        MalformedError: The text exceeds a bound.
    """
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH and len(text) <= MAX_PARTS:
        return
    # Without escapes, each quote begins or ends a string. Without strings, each bracket and comma
    # is structure.
    marks = text.replace(b"\\\\", b"").replace(b'\\"', b"").translate(_BRACKETS, _NO_MARKS)
    if marks.count(b'"') <= 4 * MAX_VALUES:
        nest = _without_strings(marks)
        brackets = nest.count(b"[")
        are_few = nest.count(b",") + brackets <= MAX_VALUES
        if are_few and nest.count(b":") + brackets <= MAX_PARTS:
            nest = nest.translate(None, b",:")
            for _ in range(MAX_DEPTH):
                nest = nest.replace(b"[]", b"")  # removes the innermost level of every branch
                if not nest:
                    return
            raise MalformedError("the payload is nested too deeply")
    raise MalformedError("the payload has too many values")


def _without_strings(marks: bytes) -> bytes:
    # piece by piece, because a substitution keeps an object for every string that it finds
    kept = []
    is_inside = False
    for at in range(0, len(marks), 1 << 18):
        piece = marks[at : at + (1 << 18)]
        kept.append(_STRING.sub(b"", b'"' + piece if is_inside else piece))
        is_inside ^= piece.count(b'"') % 2 == 1
    return b"".join(kept)


_PARTS = frozenset({dict, list})
_STRING = re.compile(rb'"[^"]*"?')
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_MARKS = bytes(set(range(256)) - set(b'"[]{},:'))
