"""Every row of the command table, in a notebook and in a terminal, against a scripted server."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import jupyter_peer
from jupyter_peer.cli import PeerApp
from jupyter_peer.document.qr import qr_blocks
from jupyter_peer.errors import BadRequestError, PeerTimeoutError
from jupyter_peer.kernel import magics
from jupyter_peer.server_client.client import Client
from jupyter_peer.server_client.command_table.command import Command
from jupyter_peer.server_client.command_table.line import run
from jupyter_peer.server_client.command_table.table import COMMANDS
from tests.commands.conftest import ANSWERS, REACH, SHOWN, Run, shortest
from tests.kernel.shells import new_shell
from tests.server_client.fake_server import ME, FakeServer

#: The key or keys of each command's JSON, as REST has them.
KEYS = {
    "whoami": {*ME},
    "name": {*ME},
    "reach": {*REACH},
    "invite": {"invite", "id", "expires", "local_only"},
    "invites": {"invites"},
    "revoke": set(),
    "pair": {"peer"},
    "connect": {"peer"},
    "list": {"self", "peers", "found"},
    "disconnect": {"peer"},
    "block": {"peer"},
    "unblock": {"peer"},
    "forget": set(),
    "alias": {"peer"},
    "panes": {"mine", "offered"},
    "grant": {"pane"},
    "unshare": set(),
    "link": {"link", "id", "expires"},
    "links": {"links"},
    "unlink": set(),
    "open": {"info", "outputs"},
    "chat": {"lines"},
    "ask": {"ok", "answer"},
    "agent": {"on", "mode", "default", "agents", "turns"},
    "approvals": {"approvals"},
    "doctor": {"findings", "peer", "at", "took_s"},
    "lobby": {"url", "status", "listed", "rooms", "error"},
    "rooms": {"rooms"},
    "room": {"room", "token"},
    "log": {"audit"},
}
IN_TERMINAL = [row for row in COMMANDS.values() if row.in_terminal]


def named(row: Command) -> str:
    return row.name


@pytest.mark.parametrize("row", IN_TERMINAL, ids=named)
def test_every_command_works_in_a_terminal_without_options(row: Command, peer: Run) -> None:
    outcome = peer(*shortest(row))
    assert outcome.code == 0, outcome.err
    assert outcome.out.strip()
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("row", IN_TERMINAL, ids=named)
def test_every_command_has_json_with_the_keys_of_rest(row: Command, peer: Run) -> None:
    outcome = peer(*shortest(row), "--json")
    assert outcome.code == 0, outcome.err
    assert set(json.loads(outcome.out)) == KEYS[row.name]


@pytest.mark.parametrize("row", IN_TERMINAL, ids=named)
def test_every_command_tells_an_error_as_json_too(
    row: Command, peer: Run, server: FakeServer
) -> None:
    server.answers = dict.fromkeys(server.answers, PeerTimeoutError())
    outcome = peer(*shortest(row), "--json")
    assert outcome.code == 1
    assert json.loads(outcome.out)["error"]["code"] == "timeout"
    assert outcome.err.splitlines()[-1].startswith("timeout: ")


@pytest.mark.parametrize("row", IN_TERMINAL, ids=named)
def test_every_command_called_alone_works_or_is_misused(row: Command, peer: Run) -> None:
    outcome = peer(row.name)
    assert outcome.code in (0, 1, 2)
    assert "Traceback" not in outcome.err
    if outcome.code == 2:
        assert outcome.err.splitlines()[-1].startswith(f"usage: jupyter peer {row.name}")


@pytest.mark.parametrize("row", COMMANDS.values(), ids=named)
def test_the_help_of_notebook_and_terminal_say_the_same(row: Command, peer: Run) -> None:
    shell = new_shell()
    magics.load(shell)
    shown = shell.run_line_magic("peer", f"{row.name} --help").to_text()
    assert " ".join(row.description.split()[:4]) in shown
    for argument in row.arguments:
        assert argument.name in shown or argument.label in shown
    if not row.in_terminal:
        return
    for flag in ("--help", "--help-all"):
        outcome = peer(row.name, flag)
        assert outcome.code == 0
        assert " ".join(row.description.split()[:4]) in outcome.out
        for argument in row.arguments:
            assert (argument.name if argument.is_option else argument.label) in outcome.out
        assert "%peer" not in outcome.out


@pytest.mark.parametrize(
    ("row", "line"),
    [(row, line) for row in COMMANDS.values() for line in row.example_lines(is_terminal=False)],
)
def test_every_example_is_understood_in_a_notebook(row: Command, line: str, peer: Run) -> None:
    shell = new_shell()
    magics.load(shell)
    shell.run_line_magic("peer", line.removeprefix("%peer "))


@pytest.mark.parametrize(
    ("row", "line"),
    [(row, line) for row in IN_TERMINAL for line in row.example_lines(is_terminal=True)],
)
def test_every_example_is_understood_in_a_terminal(row: Command, line: str, peer: Run) -> None:
    # As a shell does, without its pipes.
    command = re.split(r" [|<>] ", line)
    [words] = [each for each in command if each.startswith("jupyter peer ")]
    outcome = peer(*shlex.split(words)[2:], stdin="jpeer1:abc")
    assert outcome.code == 0, outcome.err


def test_a_command_has_the_same_options_in_notebook_and_terminal() -> None:
    from jupyter_peer.commands import server_command

    for row in IN_TERMINAL:
        cls = getattr(server_command, f"{row.name.title()}Command")
        assert {flag.strip("-") for flag in row.options} <= {*cls.aliases, *cls.flags}
        assert all(option.key in cls.class_traits(config=True) for option in row.options.values())


def test_the_terminal_has_every_command_but_those_that_need_a_notebook() -> None:
    assert {row.name for row in COMMANDS.values()} - {*PeerApp.subcommands} == {
        "guide",
        "present",
        "share",
        "panel",
    }


def test_an_option_can_be_set_in_a_configuration_file(
    peer: Run, server: FakeServer, tmp_path: Any
) -> None:
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config/jupyter_peer_config.py").write_text(
        "c.InviteCommand.ttl = '10m'\nc.InviteCommand.note_text = 'for Ada'\nc.LogCommand.limit = 3\n"
    )
    assert peer("invite").code == 0
    assert server.asked[-1] == ("invite", {"note": "for Ada", "ttl_s": 600.0})
    assert peer("log").code == 0
    assert ("audit", {"limit": 3}) in server.asked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["room", "create", "x", "--for=magic"], "'magic' is not a value of --for"),
        (["agent", "maybe"], "'maybe' is not a value of on|off|allow|status"),
        (["agent", "off", "--mode=ask"], "--mode belongs to `on`"),
        (["chat", "--limit=0"], "1"),
        (["reach", "network", "--port=0"], "1"),
        (["ask", "ada", "?", "--timeout=soon"], "float"),
    ],
)
def test_a_value_that_does_not_fit_is_a_misuse(words: list[str], said: str, peer: Run) -> None:
    outcome = peer(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err


def test_an_invite_for_this_machine_alone_offers_the_switch(peer: Run, server: FakeServer) -> None:
    assert "`jupyter peer reach network`" in peer("invite").err
    server.answers["invite"] = {**ANSWERS["invite"], "local_only": False}
    assert "reach" not in peer("invite").err


def test_a_code_is_made_and_used_in_a_terminal(peer: Run, server: FakeServer) -> None:
    server.answers["invite"] = {**ANSWERS["invite"], "code": "7-adult-amulet"}
    outcome = peer("invite", "--code")
    assert outcome.out == "7-adult-amulet\n"
    assert "a wrong guess ends it" in outcome.err
    assert server.asked[-1] == ("invite", {"note": "", "code": True})
    assert peer("pair", "7-adult-amulet").code == 0
    assert server.asked[-1] == ("pair", {"invite": "7-adult-amulet"})


def test_a_link_is_drawn_for_a_terminal_beside_the_url_alone(peer: Run) -> None:
    url = ANSWERS["link"]["link"]
    outcome = peer("link", "loss", "--qr")
    assert outcome.out == f"{url}\n"
    assert qr_blocks(url) in outcome.err
    assert qr_blocks(url) not in peer("link", "loss").err


def test_what_others_write_is_not_turned_into_commands(peer: Run) -> None:
    assert "%peer list" in peer("chat", "ada").out
    assert peer("open", "ada/loss").out == "loss 0.01 %peer list\n"


def test_a_pane_is_printed_with_its_state_beside_it(peer: Run) -> None:
    assert peer("open", "ada/loss").err.startswith("ada/loss (live)")
    assert json.loads(peer("open", "ada/loss", "--json").out)["outputs"] == [SHOWN]


def test_a_question_is_read_from_stdin(peer: Run, server: FakeServer) -> None:
    for words in (["ask", "ada"], ["ask", "ada", "-"]):
        assert peer(*words, stdin="why?\n").code == 0
        assert server.asked[-1][1]["prompt"] == "why?\n"


def test_outside_of_a_notebook_the_panel_says_where_it_works(client: Client) -> None:
    with pytest.raises(BadRequestError, match="needs a notebook"):
        run(lambda: client, ["panel"])


def test_every_command_that_a_text_names_exists() -> None:
    known = {*COMMANDS, *PeerApp.subcommands, *(row.also for row in COMMANDS.values())}
    named = {
        (word, path.name)
        for path in Path(jupyter_peer.__file__).parent.rglob("*.py")
        for word in re.findall(r"(?:%peer|jupyter peer) ([a-z]+)", path.read_text(encoding="utf-8"))
    }
    assert ("agent", "turns.py") in named
    # "%peer lists the commands" is a sentence.
    assert {each for each in named if each[0] not in known} == {("lists", "line.py")}
