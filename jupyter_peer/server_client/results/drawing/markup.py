"""HTML and plain text for notebooks: escaped, and in the colours of the theme.

Names and texts of peers are strangers' input. In HTML they are escaped; in plain text control
characters and bidirectional controls are made visible, so that a name cannot move the cursor or
imitate another name.
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterable, Sequence
from typing import NewType

from ....document.plain_text import clean as clean
from ...durations import format_duration

Html = NewType("Html", str)

TEXT = "var(--jp-ui-font-color1, inherit)"
FAINT = "var(--jp-ui-font-color2, #767676)"
LINE = "var(--jp-border-color2, #bdbdbd)"
LAYER = "var(--jp-layout-color2, rgba(128, 128, 128, 0.12))"
GOOD = "var(--jp-success-color1, #2e7d32)"
WARN = "var(--jp-warn-color1, #b26a00)"
BAD = "var(--jp-error-color1, #c62828)"
_BOX = (
    "font-family: var(--jp-ui-font-family, sans-serif); font-size: var(--jp-ui-font-size1, 13px); "
    f"color: {TEXT}; line-height: 1.5;"
)
_CODE = (
    "font-family: var(--jp-code-font-family, monospace); overflow-wrap: anywhere; "
    f"background: {LAYER}; padding: 1px 4px; border-radius: 2px;"
)
_CELL = f"text-align: left; padding: 2px 12px 2px 0; border-bottom: 1px solid {LINE};"


def line(text: object, limit: int = 200) -> str:
    """Return a text as one line of at most ``limit`` characters."""
    words = " ".join(clean(text).split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


def escape(text: object) -> Html:
    """Return a text as escaped HTML."""
    return Html(html.escape(clean(text)))


def join(parts: Iterable[Html], between: str = "") -> Html:
    """Return pieces of HTML one after the other."""
    return Html(between.join(parts))


def tag(name: str, *inner: Html, style: str = "", **attributes: str) -> Html:
    """Return one element; attributes are escaped, ``class_`` stands for ``class``."""
    if style:
        attributes["style"] = style
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{written}>{''.join(inner)}</{name}>")


def box(*inner: Html) -> Html:
    """Return the frame every result is shown in."""
    return tag("div", *inner, class_="jp-Peer", style=_BOX)


def code(text: object) -> Html:
    """Return a text for copying: one click selects all of it."""
    return tag("code", escape(text), style=_CODE + " user-select: all;")


def faint(text: object) -> Html:
    """Return a remark."""
    return tag("span", escape(text), style=f"color: {FAINT};")


def coloured(text: object, colour: str) -> Html:
    """Return a word in the colour of its status."""
    return tag("span", escape(text), style=f"color: {colour};")


def strong(text: object) -> Html:
    """Return a name."""
    return tag("strong", escape(text))


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Html]]) -> Html:
    """Return a table with a caption and column heads, as screen readers need them."""
    head = join(tag("th", escape(text), scope="col", style=_CELL) for text in heads)
    body = join(
        tag("tr", *(tag("td", cell, style=_CELL) for cell in row), style="background: none;")
        for row in rows
    )
    return tag(
        "table",
        tag("caption", escape(caption), style=f"text-align: left; color: {FAINT};"),
        tag("thead", tag("tr", head)),
        tag("tbody", body),
        style="border-collapse: collapse; margin: 4px 0;",
    )


def text_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as aligned lines."""
    lines = [list(heads), *([line(cell, 60) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in lines) for i in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in lines
    )


def clock_time(when: float) -> str:
    """Return an epoch time as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))


def ago(when: float | None, now: float | None = None) -> str:
    """Return how long ago an epoch time was, ``never`` for None."""
    if when is None:
        return "never"
    passed = (time.time() if now is None else now) - when
    return "just now" if passed < 2 else f"{format_duration(passed)} ago"


def rtt(milliseconds: float | None) -> str:
    """Return a round-trip time: ``1.5 ms``, ``12 ms``; empty for None."""
    if milliseconds is None:
        return ""
    text = f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:.0f}"
    return f"{text.removesuffix('.0')} ms"
