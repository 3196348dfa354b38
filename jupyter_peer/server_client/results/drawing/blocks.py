"""The blocks a result is made of: each draws itself as HTML and as plain text."""

from __future__ import annotations

import re
import shutil
import unicodedata
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from .markup import (
    BAD,
    FAINT,
    GOOD,
    LINE,
    WARN,
    Html,
    clean,
    code,
    coloured,
    escape,
    join,
    line,
    strong,
    table,
    tag,
    text_table,
)

Look = Literal["", "strong", "name", "code", "faint", "good", "warn", "bad"]
_COLOURS = {"faint": FAINT, "good": GOOD, "warn": WARN, "bad": BAD}
_PROSE = "white-space: pre-wrap; overflow-wrap: anywhere;"
# In the order of its characters, whatever their direction: nothing can be read for another.
_EXACT = (
    "white-space: pre-wrap; overflow-wrap: anywhere; margin: 2px 0 6px; "
    "direction: ltr; unicode-bidi: bidi-override;"
)
_MARK = "  │ "
_COLUMNS = 96
_LIMIT = 600
# Magics that exist only in notebooks (``%%peer share``, ``%peer panel``) stay as they are.
_WHOLE = re.compile(r": %peer(?! panel)( [a-z][^;\n]*)(?=;|$)", re.MULTILINE)
# An argument is known from the prose after it: a fixed word, a placeholder, an option, an id or a code.
_MAGIC = re.compile(
    r"(?<!%)%peer(?! panel)((?: [a-z]+)?(?: (?:"
    r"allow|create|join|leave|local|network|off|on|relay|status|webrtc|who|[A-Z]{2,}|--mode ask|--[a-z]+|[\w-]*\d[\w-]*)\b)*)"
)


def for_terminals(text: str) -> str:
    """Return a text of this project with commands of ``jupyter peer`` in place of magics."""
    return _MAGIC.sub(r"`jupyter peer\1`", _WHOLE.sub(r": jupyter peer\1", text))


class Text(NamedTuple):
    """A piece of one line, with its look in HTML."""

    text: object
    look: Look = ""

    def html(self) -> Html:
        """Return it as HTML; a name cannot turn the text around it."""
        if self.look == "name":
            return tag("bdi", strong(self.text))
        if self.look in ("strong", "code"):
            return (strong if self.look == "strong" else code)(self.text)
        return coloured(self.text, _COLOURS[self.look]) if self.look else escape(self.text)


Piece = str | Text


def _html(piece: Piece) -> Html:
    return piece.html() if isinstance(piece, Text) else escape(piece)


def _plain(piece: Piece) -> str:
    return str(piece.text) if isinstance(piece, Text) else piece


class Block:
    """One part of a result.

    Attributes:
        is_note: Whether it is a remark about the result.
    """

    is_note = False

    @abstractmethod
    def html(self) -> Html:
        """Return it as HTML."""

    @abstractmethod
    def text(self) -> str:
        """Return it as plain text."""

    def terminal_text(self) -> str:
        """Return it as a terminal shows it; texts of other people stay unchanged."""
        return self.text()


class Line(Block):
    """One sentence or heading.

    Args:
        *pieces: Its words.
        is_note: Whether it is a remark about the result.
        is_head: Whether a rule separates it from the next block.
    """

    def __init__(self, *pieces: Piece, is_note: bool = False, is_head: bool = False) -> None:
        self.pieces = pieces
        self.is_note = is_note
        self._style = f"border-bottom: 1px solid {LINE}; margin-bottom: 4px;" if is_head else ""

    def html(self) -> Html:
        return tag("div", *map(_html, self.pieces), style=self._style)

    def text(self) -> str:
        return line("".join(map(_plain, self.pieces)), _LIMIT)

    def terminal_text(self) -> str:
        return for_terminals(self.text())


def note(*pieces: Piece) -> Line:
    """Return a remark about the result."""
    faint = (piece if isinstance(piece, Text) else Text(piece, "faint") for piece in pieces)
    return Line(*faint, is_note=True)


class Facts(Block):
    """Named values, one a line."""

    def __init__(self, rows: Iterable[tuple[str, Piece]]) -> None:
        self._rows = list(rows)

    def html(self) -> Html:
        return join(
            tag("div", Text(f"{name}: ", "faint").html(), _html(value))
            for name, value in self._rows
        )

    def text(self) -> str:
        width = max(len(name) for name, _ in self._rows) + 2
        return "\n".join(f"{name + ':':<{width}}{line(_plain(v))}" for name, v in self._rows)


class Table(Block):
    """Rows under heads.

    Args:
        heads: Heads of the columns.
        rows: One piece a column.
        caption: Name of the rows.
        is_titled: Whether plain text shows the caption too.
    """

    def __init__(
        self,
        heads: Sequence[str],
        rows: Iterable[Sequence[Piece]],
        caption: str,
        *,
        is_titled: bool = False,
    ) -> None:
        self._heads = heads
        self._rows = list(rows)
        self._caption = caption
        self._title = caption if is_titled else ""

    def html(self) -> Html:
        return table(self._caption, self._heads, [tuple(map(_html, row)) for row in self._rows])

    def text(self) -> str:
        rows = text_table(self._heads, [tuple(map(_plain, row)) for row in self._rows])
        return f"{line(self._title)}\n{rows}" if self._title else rows


class Prose(Block):
    """A text of several lines by somebody else: escaped, never formatted."""

    def __init__(self, words: str) -> None:
        self._words = words

    def html(self) -> Html:
        return tag("div", escape(self._words), style=_PROSE)

    def text(self) -> str:
        return clean(self._words)


class Exact(Block):
    """The exact text of another person on which a decision depends.

    In plain text each row has a mark in front, so no row can be taken for one of this program.
    """

    def __init__(self, words: str) -> None:
        self._words = words

    def html(self) -> Html:
        return tag("pre", escape(self._words), style=_EXACT)

    def text(self) -> str:
        # A row that the terminal itself wraps would begin without its mark.
        columns = max(20, min(_COLUMNS, shutil.get_terminal_size().columns)) - len(_MARK)
        rows = (row for line in clean(self._words).split("\n") for row in _rows(line, columns))
        return "\n".join(f"{_MARK}{row}" for row in rows)


def _rows(text: str, columns: int) -> Iterator[str]:
    row, used = "", 0
    for character in text:
        width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used + width > columns:
            yield row
            row, used = "", 0
        row, used = row + character, used + width
    yield row


class Preformatted(Block):
    """A text whose columns are aligned."""

    def __init__(self, words: str) -> None:
        self._words = words

    def html(self) -> Html:
        return tag("pre", escape(self._words), style="margin: 0; white-space: pre-wrap;")

    def text(self) -> str:
        return clean(self._words)


def text_of(blocks: Iterable[Block], *, in_terminal: bool = False) -> str:
    """Return blocks as plain text; empty lines separate tables from other blocks."""
    drawn = ""
    before: Block | None = None
    for block in blocks:
        is_apart = isinstance(block, Table) or isinstance(before, Table)
        drawn += "" if before is None else "\n\n" if is_apart else "\n"
        drawn += block.terminal_text() if in_terminal else block.text()
        before = block
    return drawn
