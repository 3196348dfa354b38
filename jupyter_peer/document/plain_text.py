"""A foreign output as plain text: bounded, and without what could act on a terminal or a line.

Names and texts of peers are strangers' input. Control characters and the ones that turn the
direction of writing are made visible, so that none can move the cursor or pose as another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

#: Which part of a long text stays: of a value its start, of a log its end, of an error both.
Keep = Literal["start", "end", "ends"]

#: Characters of one text that are shown; ``view.outputs`` has all.
MAX_TEXT = 100_000

PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
TEXTS = ("text/plain", "text/markdown", "text/latex")

# C0 and C1 controls except tab and newline; bidirectional marks, overrides and isolates.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# ECMA-48: CSI sequences, OSC strings, and the two-character escapes.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


def clean(text: object) -> str:
    """Return a text without characters that could act on the reader's terminal or line."""
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


def as_text(value: object, *, keep: Keep = "start") -> str:
    """Return the text of a nbformat string or list of lines, without terminal codes, bounded.

    Args:
        value: The text.
        keep: Which part of a text over :data:`MAX_TEXT` stays. A remark says what was left out.
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
    # A progress bar writes its line again after a carriage return; the last one counts.
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def error_text(output: Mapping[str, Any]) -> str:
    """Return the traceback of an error output, or what there is of it."""
    trace = output.get("traceback")
    if isinstance(trace, list) and trace:
        return as_text("\n".join(map(_frame, trace)), keep="ends")
    return as_text(f"{output.get('ename', 'Error')}: {output.get('evalue', '')}")


def _frame(part: object) -> str:
    # One frame, or a message of many megabytes, must not push out the others.
    return shortened(str(part), MAX_TEXT // 8, "start")


def withheld(data: Mapping[str, Any]) -> str:
    """Return a remark on data that is neither text nor a picture."""
    kinds = ", ".join(sorted(clean(mime)[:60] for mime in data)[:5]) or "nothing"
    return f"{kinds} is withheld here: what a peer sends never runs in your notebook"
