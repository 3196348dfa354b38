"""Completion with Tab after ``%peer``."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import PeerError
from .command import Argument, Command, Completion
from .table import COMMANDS


def candidates(text: str, symbol: str) -> list[str]:
    """Return the words that fit at the cursor.

    Args:
        text: The line up to the cursor.
        symbol: The word at the cursor, as far as it is written.
    """
    words = text[: len(text) - len(symbol)].split()[1:]
    if not words:
        return [*COMMANDS, "--help"]
    command = COMMANDS.get(words[0])
    if command is None:
        return []
    argument, options = _expected(command, words[1:])
    if symbol.startswith("-"):
        return options
    completes = (argument.completes or argument.choices) if argument is not None else ()
    return [*_values(completes), *(options if not symbol else ())]


def _expected(command: Command, words: list[str]) -> tuple[Argument | None, list[str]]:
    """Return the argument at the cursor after these words, and the options that can follow."""
    options, places = command.options, command.positionals
    awaited: Argument | None = None
    placed = 0
    for word in words:
        if awaited is not None:
            awaited = None
        elif word in options:
            awaited = options[word] if options[word].takes_value else None
        elif not word.startswith("-"):
            placed += 1
    if awaited is not None:
        return awaited, []
    again = [flag for flag, each in options.items() if flag not in words or each.repeats]
    return places[placed] if placed < len(places) else None, [*again, "--help"]


def _values(completes: Completion) -> Iterable[str]:
    if not callable(completes):
        return completes
    from ..client import kernel_client

    try:
        return completes(kernel_client().glance())
    except PeerError:
        return ()
