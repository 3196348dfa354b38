"""One command of ``%peer`` and ``jupyter peer``: its arguments, its help, and the call it makes.

A notebook parses a whole line here (:meth:`Command.parse`). A terminal leaves the options to
traitlets and hands over the other words (:meth:`Command.bind`).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ...errors import BadRequestError
from ..results.drawing.shown import Help, Shown
from .surface import Surface

if TYPE_CHECKING:
    from ..client import Client

WIDTH = 96
_HELP_FLAGS = ("--help", "-h")
_KINDS = {int: "a whole number", float: "a number", str: "text"}
_SHELL = re.compile(r" [|<>] ")
_PROGRAM = re.compile(r"(?<!\S)peer ")

#: The values of a command's arguments, by their names.
Values = SimpleNamespace
#: Words that Tab offers: fixed ones, or names from the last report of the server.
Completion = Sequence[str] | Callable[[Any], Iterable[str]]


class MisuseError(BadRequestError):
    """The words do not fit the command."""


class HelpAskedError(Exception):
    """``--help`` was given.

    Attributes:
        help: The help to show.
    """

    def __init__(self, help: Help) -> None:
        self.help = help
        super().__init__(help.text)


@dataclass(frozen=True)
class Argument:
    """One argument of a command.

    Attributes:
        name: ``peer`` for a positional argument, ``--ttl`` for an option.
        help: One line.
        completes: Words that Tab offers; None offers the choices.
        kind: ``str``, ``int``, ``float``, or ``bool`` for an option without a value.
        default: The value when it is left out.
        choices: The allowed values; any value when empty.
        bounds: Smallest and largest allowed number.
        metavar: Its value in usage and help; without it the choices, or the name in capitals.
        dest: Attribute of :data:`Values` and trait of the terminal's class.
        optional: Whether a positional argument can be left out.
        rest: Joins all remaining words into this argument; None accepts one word.
        repeats: Whether an option can be given several times; its value is a list.
        verbatim: Whether it is the rest of the line, quotes and dashes included.
        stdin: How a terminal reads the value from stdin for ``-``, or when a required argument is
            missing: one ``line`` or a whole ``text``; empty for never.
    """

    name: str
    help: str
    completes: Completion = ()
    kind: type = str
    default: Any = None
    choices: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    metavar: str = ""
    dest: str = ""
    optional: bool = False
    rest: str | None = None
    repeats: bool = False
    verbatim: bool = False
    stdin: str = ""

    @property
    def is_option(self) -> bool:
        """Whether it is an option, which is given by name."""
        return self.name.startswith("--")

    @property
    def takes_value(self) -> bool:
        """Whether a value follows its name."""
        return self.kind is not bool

    @property
    def key(self) -> str:
        """Attribute of the values."""
        return self.dest or self.name.strip("-").replace("-", "_")

    @property
    def label(self) -> str:
        """Placeholder of its value in usage and help."""
        return self.metavar or "|".join(self.choices) or self.name.strip("-").upper()

    def usage(self, is_terminal: bool) -> str:
        """Return how it is written."""
        if self.is_option:
            word = f"[{self.name} {self.label}]" if self.takes_value else f"[{self.name}]"
            return word + "..." * self.repeats
        return f"[{self.label}]" if self.optional or (is_terminal and self.stdin) else self.label

    def convert(self, text: str) -> Any:
        """Convert a word to the value of this argument.

        Raises:
            MisuseError: The word is not such a value.
        """
        named = self.name if self.is_option else self.label
        if self.choices and text not in self.choices:
            raise MisuseError(
                f"{text[:40]!r} is not a value of {named}", hint=_one_of(self.choices)
            )
        try:
            value = self.kind(text)
        except ValueError:
            raise MisuseError(
                f"{text[:40]!r} is not a value of {named}", hint=f"give {_KINDS[self.kind]}"
            ) from None
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            least, most = self.bounds
            raise MisuseError(f"{named} cannot be {value}", hint=f"give {least} to {most}")
        return value


@dataclass(frozen=True)
class Command:
    """One row of the table.

    Attributes:
        name: The word after ``%peer`` or ``jupyter peer``.
        summary: One line for the list of commands, without a full stop.
        run: Makes the call and returns its result.
        arguments: Positional ones in their order, and options.
        details: Further sentences of the help.
        examples: Lines with ``peer`` for the program; those with a pipe or a file are for terminals.
        also: Another word for the same command.
        magic: ``%peer``, or ``%%peer`` for a command that runs the cell below it.
        in_terminal: Whether ``jupyter peer`` has it.
        json_key: Key of the result in a terminal's JSON; empty for the result without a key.
    """

    name: str
    summary: str
    run: Callable[[Client, Values, Surface], Shown]
    arguments: tuple[Argument, ...] = ()
    details: str = ""
    examples: tuple[str, ...] = ()
    also: str = ""
    magic: str = "%peer"
    in_terminal: bool = True
    json_key: str = ""

    @property
    def options(self) -> dict[str, Argument]:
        """The options by their names."""
        return {each.name: each for each in self.arguments if each.is_option}

    @property
    def positionals(self) -> list[Argument]:
        """The positional arguments in their order."""
        return [each for each in self.arguments if not each.is_option]

    @property
    def usage(self) -> str:
        """The words after the name in a notebook; a text with all remaining words comes last."""
        placed = [each.usage(False) for each in self.positionals]
        named = [each.usage(False) for each in self.options.values()]
        is_text = any(each.verbatim for each in self.positionals)
        return " ".join((*named, *placed) if is_text else (*placed, *named))

    @property
    def words(self) -> str:
        """The words after the name in a terminal, without options."""
        return " ".join(each.usage(True) for each in self.positionals)

    @property
    def description(self) -> str:
        """The description of the command, in sentences."""
        sentence = f"{self.summary[0].upper()}{self.summary[1:]}."
        return f"{sentence} {self.details}".strip()

    def argument_lines(self, arguments: Iterable[Argument]) -> list[str]:
        """Return the lines of the help about arguments."""
        named = [
            (
                f"{each.name} {each.label}"
                if each.is_option and each.takes_value
                else each.name
                if each.is_option
                else each.label,
                each.help,
            )
            for each in arguments
        ]
        width = min(28, max((len(text) for text, _ in named), default=0)) + 2
        lines = []
        for text, said in named:
            beside = textwrap.wrap(said, WIDTH - width - 2)
            head = [f"  {text}"] if len(text) >= width else [f"  {text:<{width}}{beside.pop(0)}"]
            lines += [*head, *(f"  {'':<{width}}{rest}" for rest in beside)]
        return lines

    def example_lines(self, is_terminal: bool) -> list[str]:
        """Return the examples as they are typed here."""
        program = "jupyter peer " if is_terminal else f"{self.magic} "
        return [
            _PROGRAM.sub(program, line, count=1)
            for line in self.examples
            if is_terminal or not _SHELL.search(line)
        ]

    def help(self) -> Help:
        """Return the help for a notebook."""
        asked = Argument("--help", "show this help", kind=bool)
        parts = [
            [f"usage: {self.magic} {self.name} {self.usage}".rstrip()],
            textwrap.wrap(self.description, WIDTH),
            self.argument_lines([*self.positionals, *self.options.values(), asked]),
        ]
        if examples := self.example_lines(is_terminal=False):
            parts.append(["examples:", *(f"  {line}" for line in examples)])
        return Help("\n\n".join("\n".join(part) for part in parts))

    def parse(self, words: Sequence[str]) -> Values:
        """Return the values of a whole line after the command's name.

        Raises:
            MisuseError: The words do not fit.
            HelpAskedError: Help was asked for.
        """
        left = list(words)
        placed: list[str] = []
        given: dict[str, Any] = {}
        flags = (*self.options, *_HELP_FLAGS)
        while left:
            word = left.pop(0)
            flag, is_joined, value = word.partition("=")
            option = self.options.get(flag)
            if word == "--":
                placed += left
                break
            if word in _HELP_FLAGS:
                raise HelpAskedError(self.help())
            if option is None:
                if word.startswith("-") and word != "-":
                    raise MisuseError(
                        f"unknown option: {word[:40]}",
                        hint=f"write -- before a word that begins with a dash; {self._see}",
                    )
                placed.append(word)
            elif not option.takes_value:
                if is_joined:
                    raise MisuseError(f"{flag} has no value", hint=self._see)
                given[option.key] = True
            else:
                if not is_joined:
                    # A value may begin with a dash: tokens do.
                    if not left or left[0] == "--" or left[0].partition("=")[0] in flags:
                        raise MisuseError(f"missing value: {flag} {option.label}", hint=self._see)
                    value = left.pop(0)
                made = option.convert(value)
                given[option.key] = [*given.get(option.key, ()), made] if option.repeats else made
        return self.bind(placed, given)

    def bind(
        self, words: Sequence[str], given: Mapping[str, Any], *, can_read: bool = False
    ) -> Values:
        """Return the values of positional words and of options that were parsed already.

        Args:
            words: The positional ones.
            given: Values of options by their keys.
            can_read: Whether a missing argument can be read from stdin later.

        Raises:
            MisuseError: A word is missing, unexpected, or not among the choices.
        """
        left = list(words)
        defaults: dict[str, Any] = {
            each.key: []
            if each.repeats
            else bool(each.default)
            if each.kind is bool
            else each.default
            for each in self.arguments
        }
        values = Values(**{**defaults, **given})
        for each in self.positionals:
            if each.rest is not None and left:
                left = [each.rest.join(left)]
            if left:
                setattr(values, each.key, each.convert(left.pop(0)))
            elif not each.optional and not (can_read and each.stdin):
                raise MisuseError(f"missing argument: {each.label}", hint=self._see)
        if left:
            raise MisuseError(
                f"unexpected argument: {left[0][:40]}",
                hint=f'put a name or text of several words in "quotes"; {self._see}',
            )
        return values

    @property
    def _see(self) -> str:
        return f"see {self.magic} {self.name} --help"


def _one_of(choices: Sequence[str]) -> str:
    return f"use {', '.join(choices[:-1])} or {choices[-1]}"
