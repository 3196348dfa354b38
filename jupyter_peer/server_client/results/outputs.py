"""A peer's output as text and pictures only.

Text is escaped; pictures become ``<img src="data:...">``, in which a browser runs no script and
loads nothing, SVG included.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from ...document.plain_text import (
    MAX_TEXT as MAX_TEXT,
    PICTURES,
    TEXTS,
    as_text as as_text,
    error_text,
    to_text as to_text,
    withheld,
)
from .drawing.blocks import Block
from .drawing.markup import BAD, Html, escape, faint, tag

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_PRE = (
    "margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; background: none; "
    "font-family: var(--jp-code-font-family, monospace); font-size: var(--jp-code-font-size, 13px);"
)


class Foreign(Block):
    """An output that somebody else made, as text and pictures."""

    def __init__(self, output: Mapping[str, Any]) -> None:
        self._output = output

    def html(self) -> Html:
        return to_html(self._output)

    def text(self) -> str:
        return to_text(self._output)


def to_html(output: Mapping[str, Any]) -> Html:
    """Return one nbformat output as safe HTML."""
    kind = output.get("output_type")
    if kind == "stream":
        colour = BAD if output.get("name") == "stderr" else ""
        return _pre(as_text(output.get("text"), keep="end"), colour)
    if kind == "error":
        return _pre(error_text(output), BAD)
    data = output.get("data")
    if not isinstance(data, Mapping):
        return faint("an output of an unknown kind is withheld")
    for mime in PICTURES:
        if mime in data and (picture := _picture(mime, data, output.get("metadata"))):
            return tag("div", picture)
    for mime in TEXTS:
        if mime in data:
            return _pre(as_text(data[mime]))
    return tag("div", faint(withheld(data)))


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
