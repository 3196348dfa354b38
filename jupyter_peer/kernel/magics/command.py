"""One command of ``%peer``: its words, its help, and what it calls."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ...errors import BadRequestError
from ...server_client.results.results import Help

if TYPE_CHECKING:
    from ...server_client.client import Client

Steps = Callable[[dict[str, Any]], None]
WIDTH = 96


class HelpAskedError(Exception):
    """``--help`` was given; ``help`` is what to show."""

    def __init__(self, help: Help) -> None:
        self.help = help
        super().__init__(help.text)


class _HelpAction(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *rest: Any) -> NoReturn:
        raise HelpAskedError(Help(parser.format_help()))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        way = f"{self.prog} --help"
        if message.startswith("unrecognized arguments: "):
            words = message.partition(": ")[2]
            # What people type: a name or note of several words, or one that begins with a dash.
            way = (
                f"what begins with a dash and is no option stands behind --; see {way}"
                if words.startswith("-")
                else f'put a name or text of several words in "quotes"; see {way}'
            )
            message = f"there is no place for {words}"
        raise BadRequestError(message, hint=way)


@dataclass(frozen=True)
class Argument:
    """One word or option of a command.

    Attributes:
        flag: Its name; an option if it begins with dashes.
        help: One line.
        completes: With what Tab completes it.
        settings: Further arguments of ``add_argument``.
    """

    flag: str
    help: str
    completes: str | None
    settings: Mapping[str, Any]

    @property
    def is_option(self) -> bool:
        """Whether it is named rather than placed."""
        return self.flag.startswith("--")

    @property
    def takes_value(self) -> bool:
        """Whether a word follows it, or stands in its place."""
        return self.settings.get("action") != "store_true"

    @property
    def may_repeat(self) -> bool:
        """Whether it may be given more than once."""
        return self.settings.get("action") == "append"


def argument(flag: str, help: str, completes: str | None = None, **settings: Any) -> Argument:
    """Return one word or option; ``settings`` are those of ``add_argument``."""
    return Argument(flag, help, completes, settings)


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        name: The word after ``%peer``.
        usage: The words after the name.
        summary: For the list of commands.
        run: Called with client, arguments, and where steps on the way go.
        arguments: In order.
        text_after: How many words stand before a text that is taken as it is; None if there is no text.
        magic: ``%peer``, or ``%%peer`` when it takes the cell.
    """

    name: str
    usage: str
    summary: str
    run: Callable[[Client, argparse.Namespace, Steps | None], Any]
    arguments: tuple[Argument, ...] = ()
    magic: str = "%peer"
    text_after: int | None = None

    @functools.cached_property
    def parser(self) -> argparse.ArgumentParser:
        """The parser of its words."""
        parser = _Parser(
            prog=f"{self.magic} {self.name}",
            usage=f"%(prog)s {self.usage}".rstrip(),
            description=f"{self.summary[0].upper()}{self.summary[1:]}.",
            add_help=False,
            allow_abbrev=False,
            formatter_class=functools.partial(argparse.HelpFormatter, width=WIDTH),
        )
        for argument in self.arguments:
            settings = {"help": argument.help, **argument.settings}
            if argument.takes_value:
                settings.setdefault("metavar", argument.flag.strip("-").upper())
            parser.add_argument(argument.flag, **settings)
        parser.add_argument("--help", "-h", action=_HelpAction, nargs=0, help="show this")
        return parser

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Return the arguments that the words are.

        Raises:
            BadRequestError: They do not fit.
            HelpAskedError: Help was asked for.
        """
        return self.parser.parse_args(self._joined(words))

    def _joined(self, words: Sequence[str]) -> list[str]:
        """Return the words with each option's value joined to it, for values may begin with a dash."""
        valued = {a.flag for a in self.arguments if a.is_option and a.takes_value}
        options = {a.flag for a in self.arguments if a.is_option} | {"--", "--help", "-h"}
        joined: list[str] = []
        for index, word in enumerate(words):
            if word == "--":
                return [*joined, *words[index:]]
            if joined and joined[-1] in valued and word.partition("=")[0] not in options:
                joined[-1] += f"={word}"
            else:
                joined.append(word)
        return joined
