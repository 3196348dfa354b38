"""Notebook and terminal ask the server for the same, and refuse the same words with a hint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.utils.importstring import import_item

from jupyter_peer.cli import PeerApp
from jupyter_peer.commands.application import Dispatcher, TerminalCommand
from jupyter_peer.errors import AmbiguousPeerError
from jupyter_peer.kernel.magics import CommandError
from jupyter_peer.server_client.command_table.command import Argument, Command
from jupyter_peer.server_client.command_table.table import COMMANDS
from tests.commands.conftest import Run, shortest
from tests.server_client.fake_server import FakeServer

ROWS = list(COMMANDS.values())
IN_TERMINAL = [row for row in ROWS if row.in_terminal]
OPTIONS = [(row, option) for row in ROWS for option in row.options.values()]
#: ``code: message (hint)``, as a terminal writes an error.
ERROR = re.compile(r"[a-z_]+: .+ \(.+\)")
#: What an option can be, by its name; the rest have choices, or are numbers or flags.
VALUES = {
    "--ttl": "10m",
    "--note": "for Ada",
    "--with": "ada",
    "--title": "Training loss",
    "--agent": "helper",
    "--only": "ada",
    "--group": "staff",
    "--token": "-t0ken",
}
#: The words that each of these options belongs to, where the shortest form does not have it.
BELONGS = {
    "agent": ["agent", "on"],
    "agent --only": ["agent", "allow", "--agent=helper"],
    "alias": ["alias", "ada"],
    "room --token": ["room", "join", "class"],
}


def named(value: object) -> str | None:
    return value.name if isinstance(value, Command | Argument) else None


def with_option(row: Command, option: Argument) -> list[str]:
    """The shortest form of a command with one of its options, in front of a text."""
    value = VALUES.get(option.name) or (option.choices[-1] if option.choices else "3")
    named = f"{option.name}={value}" if option.takes_value else option.name
    words = BELONGS.get(f"{row.name} {option.name}") or BELONGS.get(row.name) or shortest(row)
    return [words[0], named, *words[1:]]


def line_of(words: list[str]) -> str:
    """The words as a line of a notebook."""
    return " ".join(f'"{word}"' if " " in word else word for word in words)


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_every_command_works_in_a_notebook_without_options(
    row: Command, shell: InteractiveShell
) -> None:
    shell.display_pub = CapturingDisplayPublisher()
    result = shell.run_line_magic("peer", line_of(shortest(row)))
    assert shell.display_formatter is not None
    formats, _ = shell.display_formatter.format(result)
    formats = formats or shell.display_pub.outputs[-1]["data"]  # what shows itself
    assert formats["text/plain"].strip()
    assert "application/vnd.jupyter.widget-view+json" in formats or formats["text/html"].strip()


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_every_command_called_alone_in_a_notebook_works_or_says_what_is_missing(
    row: Command, shell: InteractiveShell
) -> None:
    if not any(not each.optional for each in row.positionals):
        shell.run_line_magic("peer", row.name)
        return
    with pytest.raises(CommandError, match=r"missing argument: .+ \[bad_request\] - see %"):
        shell.run_line_magic("peer", row.name)


@pytest.mark.parametrize("row", IN_TERMINAL, ids=named)
def test_a_command_asks_the_same_from_notebook_and_terminal(
    row: Command, shell: InteractiveShell, peer: Run, server: FakeServer
) -> None:
    assert_same_requests(shortest(row), shell, peer, server)


@pytest.mark.parametrize(
    ("row", "option"), [each for each in OPTIONS if each[0].in_terminal], ids=named
)
def test_an_option_asks_the_same_from_notebook_and_terminal(
    row: Command, option: Argument, shell: InteractiveShell, peer: Run, server: FakeServer
) -> None:
    assert_same_requests(with_option(row, option), shell, peer, server)


def assert_same_requests(
    words: list[str], shell: InteractiveShell, peer: Run, server: FakeServer
) -> None:
    shell.run_line_magic("peer", line_of(words))
    from_notebook = requests(server)
    outcome = peer(*words)
    assert outcome.code == 0, outcome.err
    assert requests(server) == from_notebook


def requests(server: FakeServer) -> list[tuple[str, dict[str, Any]]]:
    """What a command asked for; a kernel also follows what others do, which no terminal does."""
    followed = {"identity", "peers", "panes", "invites", "lobby", "chats", "approvals", "agents"}
    wanted = [
        (operation, body)
        for operation, body in server.asked
        # A view closes when its object goes, at any time.
        if operation != "close" and (operation not in followed or body)
    ]
    server.asked.clear()
    return wanted


@pytest.mark.parametrize(("row", "option"), OPTIONS, ids=named)
def test_an_option_without_its_value_is_refused_with_a_hint(
    row: Command, option: Argument, shell: InteractiveShell, peer: Run
) -> None:
    words = [row.name, option.name] if option.takes_value else [row.name, f"{option.name}=yes"]
    assert_misuse(words, shell, peer if row.in_terminal else None)


@pytest.mark.parametrize(
    ("row", "option"),
    [each for each in OPTIONS if each[1].choices or each[1].kind in (int, float)],
    ids=named,
)
def test_a_value_that_an_option_cannot_have_is_refused_with_a_hint(
    row: Command, option: Argument, shell: InteractiveShell, peer: Run
) -> None:
    words = [row.name, f"{option.name}=nonsense", *shortest(row)[1:]]
    assert_misuse(words, shell, peer if row.in_terminal else None)


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_an_unknown_option_is_refused_with_a_hint(
    row: Command, shell: InteractiveShell, peer: Run
) -> None:
    assert_misuse([row.name, "--nonsense"], shell, peer if row.in_terminal else None)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if all(each.rest is None for each in row.positionals)], ids=named
)
def test_a_word_too_many_is_refused_with_a_hint(
    row: Command, shell: InteractiveShell, peer: Run
) -> None:
    filled = [each.choices[0] if each.choices else "x" for each in row.positionals]
    assert_misuse([row.name, *filled, "more"], shell, peer if row.in_terminal else None)


def assert_misuse(words: list[str], shell: InteractiveShell, peer: Run | None) -> None:
    with pytest.raises(CommandError) as failed:
        shell.run_line_magic("peer", line_of(words))
    assert failed.value.code == "bad_request"
    assert failed.value.error.hint
    if peer is None:
        return
    for form in ([], ["--json"]):
        outcome = peer(*words, *form)
        error, usage = outcome.err.splitlines()
        assert (outcome.code, outcome.out) == (2, "")
        assert ERROR.fullmatch(error)
        assert usage.startswith(f"usage: jupyter peer {words[0]}")


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_an_error_of_the_server_has_its_code_and_hint_in_notebook_and_terminal(
    row: Command, shell: InteractiveShell, peer: Run, server: FakeServer
) -> None:
    server.answers = dict.fromkeys(server.answers, AmbiguousPeerError("ada or adam"))
    if row.name != "panel":  # it opens without asking, and shows errors itself
        with pytest.raises(CommandError) as failed:
            shell.run_line_magic("peer", line_of(shortest(row)))
        assert failed.value.code == "ambiguous_peer"
        assert failed.value.error.hint == AmbiguousPeerError.advice
    if row.in_terminal:
        outcome = peer(*shortest(row))
        assert outcome.code == 1
        assert outcome.err.splitlines()[-1] == (
            f"ambiguous_peer: ada or adam ({AmbiguousPeerError.advice})"
        )


# The programs of the terminal alone.


def programs(dispatcher: type[Dispatcher] = PeerApp) -> Iterator[type[TerminalCommand]]:
    """The commands that no row of the table describes, and those below them."""
    for word, (path, _) in dispatcher.subcommands.items():
        command = import_item(path)
        if not any(word in (row.name, row.also) for row in ROWS):
            yield command
        if issubclass(command, Dispatcher):
            yield from programs(command)


PROGRAMS = {command.name.replace("-", " "): command for command in programs()}
EXAMPLES = [
    line.partition("#")[0].strip()
    for command in (PeerApp, *PROGRAMS.values())
    for line in str(command.__dict__.get("examples", "")).splitlines()
    if line.strip()
]


@pytest.fixture
def parsed(peer: Run, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs whose words and options were accepted; none of them does its work."""
    accepted: list[str] = []
    for command in PROGRAMS.values():
        monkeypatch.setattr(command, "run", lambda self: accepted.append(self.name))
    return accepted


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_a_program_is_understood(
    example: str, peer: Run, parsed: list[str]
) -> None:
    for words in example.split(" | "):
        called = words.replace('"Physics lab"', "Physics").split()[2:]
        outcome = peer(*called, stdin="jpeer1:abc")
        assert outcome.code == 0, outcome.err


@pytest.mark.parametrize("called", PROGRAMS)
def test_every_option_of_a_program_is_understood(called: str, peer: Run, parsed: list[str]) -> None:
    command, words = PROGRAMS[called], called.split()[2:]
    if not issubclass(command, Dispatcher):
        words += [word.lower() for word in command.words.split() if not word.startswith("[")]
    for option in command.aliases:
        value = {"log-level": "INFO"}.get(option, "3")
        assert peer(*words, f"--{option}={value}").code in (0, 2 * issubclass(command, Dispatcher))
    for flag in command.flags:
        assert peer(*words, f"--{flag}").code in (0, 2 * issubclass(command, Dispatcher))


@pytest.mark.parametrize("called", PROGRAMS)
def test_what_a_program_cannot_use_is_refused_with_a_hint(
    called: str, peer: Run, parsed: list[str]
) -> None:
    for more in (["--nonsense"], ["--log-level"], ["a", "b", "c"]):
        outcome = peer(*called.split()[2:], *more)
        error, usage = outcome.err.splitlines()
        assert (outcome.code, outcome.out) == (2, "")
        assert ERROR.fullmatch(error)
        assert usage.startswith(f"usage: {called}")
    assert parsed == []


@pytest.mark.parametrize("words", ["add AAAA=", "remove ada", "sign", "verify", "verify none.json"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_without_a_directory_its_commands_say_what_to_do(
    words: str, form: list[str], peer: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = peer("directory", *words.split(), *form)
    assert outcome.code == 1
    assert ERROR.fullmatch(outcome.err.strip())
