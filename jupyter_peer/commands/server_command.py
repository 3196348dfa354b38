"""Commands that talk to the running Jupyter server: one class a row of the command table.

The class of a row has a trait for each option, so that options can also be set in configuration
files and listed by ``--help-all``. The other words are matched with the row's arguments.
"""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

from traitlets import Bool, Float, Int, TraitType, Unicode

from ..errors import UnauthorizedError
from ..server_client.client import Client
from ..server_client.command_table.command import Argument, Command as Row, Values
from ..server_client.command_table.surface import Surface
from ..server_client.command_table.table import COMMANDS
from ..server_client.results.answers import Answer
from ..server_client.results.approvals import Approvals
from ..server_client.results.drawing.markup import clean
from ..server_client.results.drawing.shown import Shown
from .application import TerminalCommand
from .approving import decide_by_hand, is_at_terminal
from .servers import choose_server, running_servers
from .terminal import errors_as_json, for_terminals, remark, tell_step, write

# More than any message or question may have. Longer input is refused, not cut.
_MAX_STDIN = 2 * 1024 * 1024

_ALIASES = {
    "url": ("ServerCommand.url", "Choose the server with this URL, as copied from a browser."),
    "pid": ("ServerCommand.pid", "Choose the server with this process id."),
    "config": "JupyterApp.config_file",
    "log-level": "Application.log_level",
}


class ServerCommand(TerminalCommand):
    """A command that talks to the running server."""

    as_json = Bool(False, help="Whether the result is printed as JSON.").tag(config=True)
    url = Unicode("", help="URL of the server to talk to, if several run.").tag(config=True)
    pid = Int(0, help="Process id of the server to talk to, if several run.").tag(config=True)

    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "json": ({"ServerCommand": {"as_json": True}}, "Print the result as JSON."),
        **TerminalCommand.flags,
    }
    aliases: ClassVar[dict[str, Any]] = _ALIASES  # type: ignore[misc]

    @contextlib.contextmanager
    def connected(self) -> Iterator[Client]:
        """Connect to the chosen server.

        Raises:
            NoServerError, AmbiguousServerError: No server runs, or several do.
            UnauthorizedError: The server rejects the secret in its runtime file.
        """
        door = choose_server(running_servers(Path(self.runtime_dir)), self.url, self.pid)
        with Client(door.url, door.secret, certificate=door.certificate) as client:
            try:
                yield client
            except UnauthorizedError as error:
                raise UnauthorizedError(
                    f"the Jupyter server at {door.url} rejects the secret in its runtime file",
                    hint=f"restart the server at {door.url}",
                ) from error


class TableCommand(ServerCommand):
    """Runs one row of the table and writes its result.

    Attributes:
        row: The row.
    """

    row: ClassVar[Row]

    def check_words(self) -> None:
        """Match words and options with the row's arguments.

        Raises:
            MisuseError: The words do not fit.
        """
        options = {option.key: self._value(option) for option in self.row.options.values()}
        self.values = self.row.bind(self.extra_args, options, can_read=True)

    def run(self) -> None:
        """Run the row, and write its result or its error."""
        with errors_as_json(self.as_json):
            self.call(_Terminal(shows=not self.as_json))

    def call(self, surface: Surface) -> None:
        """Make the call of the row at the chosen server, and write its result."""
        with self.connected() as client:
            for argument in self.row.positionals:
                if argument.stdin:
                    _read(argument, self.values)
            # A live view is drawn while it is connected.
            self.write(self.row.run(client, self.values, surface))

    def write(self, result: Shown) -> None:
        """Write the result."""
        write(result, as_json=self.as_json, key=self.row.json_key)

    def emit_description(self) -> Generator[str, None, None]:
        """Yield usage, description and arguments for the help."""
        yield from super().emit_description()
        if lines := self.row.argument_lines(self.row.positionals):
            yield from ("Arguments", "=========", *map(for_terminals, lines), "")

    def _value(self, option: Argument) -> Any:
        value = getattr(self, option.key)
        if option.kind is not str:
            return value
        return option.convert(value) if value else option.default


class _Terminal(Surface):
    """A shell: steps are lines on stderr, an answer is written to stdout while it arrives."""

    is_terminal = True

    def __init__(self, *, shows: bool) -> None:
        self.steps = tell_step
        self._shows = shows

    def ask(
        self, client: Client, peer: str, text: str, timeout: float, agent: str | None
    ) -> Answer:
        stream = client.ask_stream(peer, text, timeout, agent=agent)
        last = "\n"
        try:
            for piece in stream:
                if self._shows:
                    sys.stdout.write(clean(piece))
                    sys.stdout.flush()
                    last = piece[-1:] or last
        finally:
            stream.close()
            if last != "\n":
                sys.stdout.write("\n")
                sys.stdout.flush()
        return stream.answer.shown_already()

    def approvals(self, client: Client) -> Approvals:
        if self._shows and is_at_terminal():
            return decide_by_hand(client)
        return super().approvals(client)


def _read(argument: Argument, values: Values) -> None:
    """Read an argument from stdin for ``-``, or when a required one is missing."""
    given = getattr(values, argument.key)
    if given != "-" and (given is not None or argument.optional):
        return
    if argument.stdin == "line" and sys.stdin.isatty():
        remark(f"paste the {argument.key}, then press Enter:")
        text = sys.stdin.readline().strip()
    else:
        text = sys.stdin.read(_MAX_STDIN)
        text = text.strip() if argument.stdin == "line" else text
    setattr(values, argument.key, text)


def class_name(word: str) -> str:
    """Return the class of a command's word: ``InviteCommand``."""
    return f"{word.title()}Command"


def command_class(row: Row, word: str) -> type[TableCommand]:
    """Return the class that runs a row under one of its words."""
    name = class_name(word)
    aliases: dict[str, Any] = {}
    flags: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    for flag, option in row.options.items():
        text = for_terminals(f"{option.help[0].upper()}{option.help[1:]}.")
        traits[option.key] = _trait(option, text)
        if option.takes_value:
            aliases[flag.strip("-")] = (f"{name}.{option.key}", text)
        else:
            flags[flag.strip("-")] = ({name: {option.key: True}}, text)
    members = {
        "__doc__": row.description,
        "__module__": __name__,
        "row": row,
        "name": f"jupyter-peer-{word}",
        "words": row.words,
        "description": for_terminals(row.description),
        "examples": "\n".join(row.example_lines(is_terminal=True)),
        "aliases": {**aliases, **ServerCommand.aliases},
        "flags": {**flags, **ServerCommand.flags},
        **traits,
    }
    made = types.new_class(name, (TableCommand,), exec_body=lambda scope: scope.update(members))
    return cast("type[TableCommand]", made)


def _trait(option: Argument, text: str) -> TraitType[Any, Any]:
    trait: TraitType[Any, Any]
    if option.kind is int:
        least, most = option.bounds or (None, None)
        trait = Int(option.default, min=least, max=most, help=text)
        trait.allow_none = option.default is None
    elif option.kind is float:
        trait = Float(option.default, help=text)
    elif option.kind is bool:
        trait = Bool(False, help=text)
    else:
        trait = Unicode(option.default or "", help=text)
    return trait.tag(config=True)


def __getattr__(name: str) -> type[TableCommand]:
    """Make the class of a row when it is imported: ``InviteCommand``."""
    for row in COMMANDS.values():
        for word in (row.name, row.also):
            if word and row.in_terminal and class_name(word) == name:
                made = globals()[name] = command_class(row, word)
                return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
