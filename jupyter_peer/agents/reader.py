"""The built-in agent: finds lines in the panes that the asker may see. No language model, no tools.

Its answers say that it is not a language model. It reads only the current outputs of panes that were
granted to the asker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from ..document.plain_text import clean, to_text
from .tools import Tool
from .turn import Turn

NAME = "reader"
LINES_FOUND = 12
LINES_SHOWN = 6
LINE_LENGTH = 300

_INTRODUCTION = (
    "I am the built-in reader, not a language model: I look for the words of your question in what "
    "the panes shared with you show now."
)
_WORD = re.compile(r"\w+")
# Common words of questions, which are not searched for.
_EMPTY = frozenset(
    [
        "a",
        "about",
        "all",
        "an",
        "and",
        "any",
        "are",
        "at",
        "be",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "get",
        "give",
        "had",
        "has",
        "have",
        "hello",
        "hi",
        "how",
        "i",
        "in",
        "is",
        "it",
        "its",
        "last",
        "latest",
        "me",
        "my",
        "of",
        "on",
        "or",
        "please",
        "say",
        "show",
        "tell",
        "that",
        "the",
        "them",
        "there",
        "these",
        "this",
        "those",
        "to",
        "up",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)


class GrantedPane(msgspec.Struct, frozen=True):
    """A pane as a peer with a grant sees it.

    Attributes:
        name, title: Name and title.
        status: ``live``, or ``ended`` with its kernel.
        since: Time when it was shared, epoch seconds.
        rev: Revision of its state.
        outputs: Outputs in the form of nbformat; do not change them.
    """

    name: str
    title: str
    status: str
    since: float
    rev: int
    outputs: list[dict[str, Any]]


class PaneReader:
    """Answers from panes.

    Args:
        panes: Returns the panes that were granted to a node.
    """

    name = NAME
    description = "Finds the lines with the words of your question in the panes you may see."

    def __init__(self, panes: Callable[[str], Iterable[GrantedPane]]) -> None:
        self._panes = panes
        self.tools: dict[str, Tool] = {}

    async def answer(self, turn: Turn) -> None:
        """Write the list of panes, and their lines that contain words of the question."""
        await turn.write(f"{_INTRODUCTION}\n")
        panes = sorted(self._panes(turn.peer), key=lambda pane: pane.name)
        if not panes:
            await turn.write("\nNo pane is shared with you.\n")
        wanted = words_of(turn.prompt)
        for pane in panes:
            await turn.write(_report(pane, wanted))


def words_of(text: str) -> set[str]:
    """Return the words of a question to search for."""
    words = {word.casefold() for word in _WORD.findall(text)}
    return words - _EMPTY


def _report(pane: GrantedPane, wanted: set[str]) -> str:
    title = f" - {clean(pane.title)}" if pane.title and pane.title != pane.name else ""
    head = f"\n{pane.name}{title} ({pane.status})"
    lines = [line for output in pane.outputs for line in _lines(output)]
    if not lines:
        return f"{head} shows no text.\n"
    found = _find(lines, wanted)
    if found:
        shown = [f"  line {number}: {_cut(text)}" for number, text in found]
        return "\n".join((f"{head}, lines with words of your question:", *shown, ""))
    last = [f"  {_cut(text)}" for text in lines[-LINES_SHOWN:]]
    return "\n".join((f"{head}, the end of what it shows:", *last, ""))


def _lines(output: Mapping[str, Any]) -> list[str]:
    return [line.rstrip() for line in to_text(output).splitlines() if line.strip()]


def _find(lines: list[str], wanted: set[str]) -> list[tuple[int, str]]:
    """Return the lines with the most of these words, numbered from 1; later lines go first."""
    scored = []
    for number, line in enumerate(lines, 1):
        folded = line.casefold()
        score = sum(word in folded for word in wanted)
        if score:
            scored.append((score, number, line))
    if not scored:
        return []
    best = max(score for score, _, _ in scored)
    kept = [(number, line) for score, number, line in scored if score == best]
    return kept[-LINES_FOUND:]


def _cut(line: str) -> str:
    return line if len(line) <= LINE_LENGTH else line[: LINE_LENGTH - 1] + "…"
