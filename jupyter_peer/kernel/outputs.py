"""A foreign output as text and pictures, and nothing else.

Text is escaped; pictures become ``<img src="data:...">``, in which a browser runs no script and
loads nothing, SVG included.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from .markup import BAD, Html, clean, escape, faint, tag

#: Characters of one text that are shown; ``view.outputs`` has all.
MAX_TEXT = 100_000

_PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
_TEXTS = ("text/plain", "text/markdown", "text/latex")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
# ECMA-48: CSI sequences, OSC strings, and the two-character escapes.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_PRE = (
    "margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; background: none; "
    "font-family: var(--jp-code-font-family, monospace); font-size: var(--jp-code-font-size, 13px);"
)


def to_html(output: Mapping[str, Any]) -> Html:
    """Return one nbformat output as safe HTML."""
    kind = output.get("output_type")
    if kind == "stream":
        colour = BAD if output.get("name") == "stderr" else ""
        return _pre(as_text(output.get("text")), colour)
    if kind == "error":
        return _pre(_error(output), BAD)
    data = output.get("data")
    if not isinstance(data, Mapping):
        return faint("an output of an unknown kind is withheld")
    for mime in _PICTURES:
        if mime in data and (picture := _picture(mime, data, output.get("metadata"))):
            return tag("div", picture)
    for mime in _TEXTS:
        if mime in data:
            return _pre(as_text(data[mime]))
    return tag("div", faint(_withheld(data)))


def to_text(output: Mapping[str, Any]) -> str:
    """Return one nbformat output as plain text."""
    kind = output.get("output_type")
    if kind == "stream":
        return as_text(output.get("text")).rstrip("\n")
    if kind == "error":
        return _error(output)
    data = output.get("data")
    if not isinstance(data, Mapping):
        return "(an output of an unknown kind is withheld)"
    for mime in _TEXTS:
        if mime in data:
            return as_text(data[mime])
    shown = next((mime for mime in _PICTURES if mime in data), None)
    return f"({shown})" if shown else f"({_withheld(data)})"


def as_text(value: object) -> str:
    """Return the text of a nbformat string or list of lines, without terminal codes, bounded."""
    text = "".join(map(str, value)) if isinstance(value, list) else str(value or "")
    if len(text) > MAX_TEXT:
        text = f"(… {len(text) - MAX_TEXT} characters before this; view.outputs has them)\n{text[-MAX_TEXT:]}"
    return clean(_overwrite(_ANSI.sub("", text)))


def _overwrite(text: str) -> str:
    # A progress bar writes its line again after a carriage return; the last one counts.
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _error(output: Mapping[str, Any]) -> str:
    trace = output.get("traceback")
    if isinstance(trace, list) and trace:
        return as_text("\n".join(map(str, trace)))
    return as_text(f"{output.get('ename', 'Error')}: {output.get('evalue', '')}")


def _pre(text: str, colour: str = "") -> Html:
    return tag("pre", escape(text), style=_PRE + (f" color: {colour};" if colour else ""))


def _picture(mime: str, data: Mapping[str, Any], metadata: object) -> Html | None:
    value = data[mime]
    text = "".join(map(str, value)) if isinstance(value, list) else value
    if not isinstance(text, str):
        return None
    if mime == "image/svg+xml":
        encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    else:
        encoded = "".join(text.split())
        if not _BASE64.fullmatch(encoded):
            return None
    size = metadata.get(mime) if isinstance(metadata, Mapping) else None
    attributes = {
        side: str(int(size[side]))
        for side in ("width", "height")
        if isinstance(size, Mapping) and _is_length(size.get(side))
    }
    plain = data.get("text/plain")
    alt = as_text(plain)[:200] if plain else f"a picture ({mime})"
    return Html(
        tag(
            "img",
            src=f"data:{mime};base64,{encoded}",
            alt=alt,
            style="max-width: 100%;",
            **attributes,
        ).removesuffix("</img>")
    )


def _is_length(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 100_000


def _withheld(data: Mapping[str, Any]) -> str:
    kinds = ", ".join(sorted(clean(mime)[:60] for mime in data)[:5]) or "nothing"
    return f"{kinds} is withheld here: what a peer sends never runs in your notebook"
