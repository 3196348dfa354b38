"""A peer's output as plain text: bounded, and without terminal codes.

Names and texts of peers are untrusted input. Control characters and bidirectional controls are made
visible, so that none can move the cursor or imitate another text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal

#: The part of a long text that stays: the start of a value, the end of a log, both of an error.
Keep = Literal["start", "end", "ends"]

#: Most characters of one text; ``view.outputs`` has all.
MAX_TEXT = 100_000

PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
TEXTS = ("text/plain", "text/markdown", "text/latex")

# C0 and C1 controls except tab and newline; bidirectional marks, overrides and isolates.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Printable as Unicode has it, and drawn as nothing: joiners, fillers, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
_MARKS = 2
# ECMA-48: CSI sequences, OSC strings, and the two-character escapes.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


def clean(text: object) -> str:
    """Return a text without characters that could control a terminal or a line."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", str(text))


def to_text(output: Mapping[str, Any]) -> str:
    """Return one nbformat output as plain text."""
    kind = output.get("output_type")
    if kind == "stream":
        return as_text(output.get("text"), keep="end").rstrip("\n")
    if kind == "error":
        return error_text(output)
    data = output.get("data")
    if not isinstance(data, Mapping):
        return "(an output of an unknown kind is withheld)"
    for mime in TEXTS:
        if mime in data:
            return as_text(data[mime])
    shown = next((mime for mime in PICTURES if mime in data), None)
    return f"({shown})" if shown else f"({withheld(data)})"


def visible(text: str) -> str:
    """Return a text in which every character that cannot be seen is written as its code.

    A right-to-left override becomes ``⟨U+202E⟩``, so a text reads as it is. Newlines stay; so do
    two combining marks on one letter, since more of them can cover other lines.
    """
    marks = 0
    shown = []
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        is_seen = character.isprintable() and character not in _BLANK and marks <= _MARKS
        shown.append(character if is_seen or character == "\n" else f"⟨U+{ord(character):04X}⟩")
    return "".join(shown)


def as_text(value: object, *, keep: Keep = "start") -> str:
    """Return the text of a nbformat string or list of lines, without terminal codes, bounded.

    Args:
        value: The text.
        keep: The part of a text over :data:`MAX_TEXT` that stays. A remark names the number of
            omitted characters.
    """
    text = "".join(map(str, value)) if isinstance(value, list) else str(value or "")
    return clean(_overwrite(_ANSI.sub("", shortened(text, MAX_TEXT, keep))))


def shortened(text: str, limit: int, keep: Keep) -> str:
    """Return a text of about ``limit`` characters at most, with a remark in place of the rest."""
    left_out = len(text) - limit
    if left_out <= 0:
        return text
    remark = f"(… {left_out} characters are left out here; view.outputs has them)"
    if keep == "start":
        return f"{text[:limit]}\n{remark}"
    if keep == "end":
        return f"{remark}\n{text[-limit:]}"
    half = limit // 2
    return f"{text[:half]}\n{remark}\n{text[-(limit - half) :]}"


def _overwrite(text: str) -> str:
    # A progress bar rewrites its line after a carriage return; the last text counts.
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def error_text(output: Mapping[str, Any]) -> str:
    """Return the traceback of an error output, or name and message without one."""
    trace = output.get("traceback")
    if isinstance(trace, list) and trace:
        return as_text("\n".join(map(_frame, trace)), keep="ends")
    return as_text(f"{output.get('ename', 'Error')}: {output.get('evalue', '')}")


def _frame(part: object) -> str:
    # One long frame or message must not displace the others.
    return shortened(str(part), MAX_TEXT // 8, "start")


def withheld(data: Mapping[str, Any]) -> str:
    """Return a remark about data that is neither text nor a picture."""
    kinds = ", ".join(sorted(clean(mime)[:60] for mime in data)[:5]) or "nothing"
    return f"{kinds} is withheld here: what a peer sends never runs in your notebook"
