"""A line after ``%peer``: split into words, matched with a command, and run."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..results.drawing.shown import Overview, Shown
from .command import WIDTH, Command, HelpAskedError, MisuseError, Values
from .surface import Surface
from .table import COMMANDS

if TYPE_CHECKING:
    from ..client import Client

_WORD = re.compile(r"""\s*(?:(?P<mark>["'])(?P<quoted>.+?)(?P=mark)(?!\S)|(?P<plain>\S+))""")
#: What stands before a comment. A ``#`` within a word or in quotes begins none: links have one.
_BEFORE_COMMENT = re.compile(
    r"""((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\]|\s(?!\#))*)\s+\#.*""", re.DOTALL
)
_SUMMARY_AT = 44
_HEAD = "Share this output, not your server."
_FOOT = (
    "Each command has --help. A peer is named by its alias, node name, node id, or a unique prefix "
    "of one."
)


def split(line: str) -> list[str]:
    """Return the words of a line, quoted as in a shell, without the comment at its end.

    The text of ``ask`` and ``chat`` is one word, as it is written: people write apostrophes and ``#``.

    Raises:
        MisuseError: A quotation mark is not closed.
    """
    name, *rest = line.split(maxsplit=1)[:2] or [""]
    command = _command(name)
    if command is not None and any(each.verbatim for each in command.positionals):
        return [name, *_split_text(command, "".join(rest))]
    commented = _BEFORE_COMMENT.fullmatch(line)
    try:
        return shlex.split(commented[1] if commented else line)
    except ValueError:
        raise _unclosed() from None


def parse(words: Sequence[str]) -> tuple[Command, Values]:
    """Return the command of a line and the values of its arguments.

    Raises:
        MisuseError: No command has this name, or the words do not fit it.
        HelpAskedError: Help was asked for, or the line is empty.
    """
    if not words or words[0] in ("--help", "-h", "help"):
        raise HelpAskedError(overview())
    command = _command(words[0])
    if command is None:
        raise MisuseError(f"unknown command: {words[0][:40]!r}", hint="%peer lists the commands")
    return command, command.parse(words[1:])


def run(
    client: Callable[[], Client], words: Sequence[str], surface: Surface | None = None
) -> Shown:
    """Run a line and return its result.

    Args:
        client: Returns the client; called once the words are known to fit.
        words: As :func:`split` returns them.
        surface: Where the command runs.

    Raises:
        PeerError: The words do not fit, or the command failed.
    """
    try:
        command, values = parse(words)
    except HelpAskedError as asked:
        return asked.help
    return command.run(client(), values, surface or Surface())


def overview() -> Overview:
    """Return the list of commands."""
    rows = [
        (f"{row.magic} {row.name} {row.usage}".rstrip(), row.summary) for row in COMMANDS.values()
    ]
    text = "\n".join((_HEAD, "", *_columns(rows), "", *textwrap.wrap(_FOOT, WIDTH)))
    return Overview(text, _HEAD, rows, _FOOT)


def _command(name: str) -> Command | None:
    also = (row for row in COMMANDS.values() if row.also == name)
    return COMMANDS.get(name) or (next(also, None) if name else None)


def _columns(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    for usage, summary in rows:
        beside = textwrap.wrap(summary, WIDTH - _SUMMARY_AT)
        if len(usage) + 2 < _SUMMARY_AT:
            yield f"  {usage:<{_SUMMARY_AT - 2}}{beside.pop(0)}"
        else:
            yield from textwrap.wrap(
                usage,
                WIDTH,
                initial_indent="  ",
                subsequent_indent="      ",
                break_on_hyphens=False,
            )
        yield from (f"{'':<{_SUMMARY_AT}}{rest}" for rest in beside)


def _split_text(command: Command, rest: str) -> list[str]:
    """Return options and words before the text, and the text as it is written."""
    options = command.options
    named: list[str] = []
    placed: list[str] = []
    while (match := _WORD.match(rest)) is not None:
        word = match["quoted"] or match["plain"]
        flag, is_joined, _ = word.partition("=")
        # Of what follows the last name, only an option of the command is not yet text.
        is_option = flag in options and not match["quoted"]
        if len(placed) == len(command.positionals) - 1 and not is_option:
            break
        word, rest = _value(match), rest[match.end() :]
        if not word.startswith("-") or match["quoted"]:
            placed.append(word)
        elif word != "--":
            named.append(word)
            if flag in options and options[flag].takes_value and not is_joined:
                value = _WORD.match(rest)
                if value is not None:
                    named.append(_value(value))
                    rest = rest[value.end() :]
    text = rest.strip()
    # Quotation marks around the whole text are not part of it.
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0] and text[0] not in text[1:-1]:
        text = text[1:-1]
    return [*named, "--", *placed, *([text] if text else [])]


def _value(match: re.Match[str]) -> str:
    word: str = match["quoted"] or match["plain"]
    if match["quoted"] is None and word[0] in "'\"":
        raise _unclosed()
    return word


def _unclosed() -> MisuseError:
    return MisuseError(
        "a quotation mark is not closed", hint="put a name with an apostrophe in double quotes"
    )
