"""``%peer`` and ``%%peer`` with what people type by mistake, and with what nobody should."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given, strategies as st
from IPython.core import getipython, page
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from jupyter_peer.errors import (
    AmbiguousPeerError,
    BadRequestError,
    NoServerError,
    PeerError,
    UnknownPaneError,
)
from jupyter_peer.kernel import magics
from jupyter_peer.kernel.magics import CommandError, keep_questions, unfold_share
from jupyter_peer.server_client.command_table.command import HelpAskedError
from jupyter_peer.server_client.command_table.completion import candidates
from jupyter_peer.server_client.command_table.line import parse, split
from jupyter_peer.server_client.command_table.table import COMMANDS
from jupyter_peer.server_client.results.drawing.shown import Help
from jupyter_peer.server_client.views import cell as cells
from jupyter_peer.server_client.views.presenting import Presenting
from tests.kernel.shells import new_shell
from tests.machine.waiting import until_sync
from tests.server_client.fake_server import FakeServer


@pytest.fixture
def shell(in_kernel: None) -> InteractiveShell:
    """IPython with the magics, in a kernel of the scripted server."""
    shell = new_shell()
    magics.load(shell)
    return shell


MISUSE = [
    "nonsense",
    "--help-me",
    "list extra",
    "invite --ttl",
    "invite --ttl never",
    "invite --ttl -5m",
    "invite --ttl 0",
    "invite --ttl nan",
    "invite --ttl 1e999s",
    "invite --tt 5m",
    "invite --note",
    "revoke",
    "pair",
    "connect",
    "disconnect",
    "block",
    "forget",
    "alias",
    "grant loss",
    "grant loss bob all",
    "grant loss bob interact please",
    "open",
    "open a b",
    "unshare",
    "share",
    "log --limit ten",
    "log --limit",
    "name",
    "pair 'unclosed",
    'invite --note "unclosed',
    "pair \\",
    "\x00",
    "\x1b[2J",
    "\N{COLLISION SYMBOL}",
    "x" * 2000,
    "../../etc/passwd",
    "$(reboot)",
    "{0.__class__}",
    "%s%s%s%n",
]


@pytest.mark.parametrize("line", MISUSE, ids=lambda line: line[:20])
def test_what_is_no_command_is_said_in_one_line_with_a_hint_and_asks_nobody(
    shell: InteractiveShell, server: FakeServer, line: str
) -> None:
    with pytest.raises(CommandError) as failed:
        shell.run_line_magic("peer", line)
    assert failed.value.code == "bad_request"
    said = failed.value._render_traceback_()
    assert len(said) == 1
    assert len(said[0]) < 1000
    assert server.asked == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("invite --note for bob", "unexpected argument: bob [bad_request] - put a name or text"),
        ("open Ada Lovelace/loss", "unexpected argument: Lovelace/loss"),
        ("alias bob -x", "unknown option: -x [bad_request] - write -- before a word"),
    ],
)
def test_an_unexpected_word_is_named_with_what_to_do_about_it(
    shell: InteractiveShell, line: str, said: str
) -> None:
    with pytest.raises(CommandError) as failed:
        shell.run_line_magic("peer", line)
    assert said in str(failed.value)


def test_an_error_of_the_server_is_told_with_its_code_and_hint(
    shell: InteractiveShell, server: FakeServer
) -> None:
    server.answers["disconnect"] = AmbiguousPeerError("more than one peer fits: bob, bert")
    with pytest.raises(CommandError, match=r"bob, bert \[ambiguous_peer\]"):
        shell.run_line_magic("peer", "disconnect b")


def test_without_a_server_every_command_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JUPYTER_PEER_URL", "JUPYTER_PEER_SECRET_FILE"):
        monkeypatch.delenv(name, raising=False)
    shell = new_shell()
    magics.load(shell)
    for line in ("whoami", "list", "invite", "panes", "panel", "log"):
        with pytest.raises(CommandError) as failed:
            shell.run_line_magic("peer", line)
        assert failed.value.code == NoServerError.code
        assert "jupyter lab" in str(failed.value)
    assert "disconnect" in candidates("%peer dis", "dis")
    assert candidates("%peer disconnect ", "") == ["--help"]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_with_its_usage(shell: InteractiveShell, name: str) -> None:
    shown = shell.run_line_magic("peer", f"{name} --help")
    text = shown._repr_mimebundle_()["text/plain"]
    assert f"peer {name}" in text
    assert len(text.splitlines()) >= 3


def test_a_cell_that_is_no_share_is_refused_and_not_run(
    shell: InteractiveShell, server: FakeServer
) -> None:
    for line, cell, said in (
        ("list", "ran = True", "cannot run a cell"),
        ("share", "ran = True", "NAME"),
        ("share loss", "  \n", "is empty"),
        ("share loss --grant all", "ran = True", "grant"),
    ):
        with pytest.raises(CommandError, match=said):
            shell.run_cell_magic("peer", line, cell)
    assert "ran" not in shell.user_ns
    assert server.asked == []


CELL_MAGICS = [
    ("%%html\n<b>bold</b>\n", "display.HTML"),
    ("\n  \n%%javascript\nalert(1)\n", "display.Javascript"),
    ("%%latex\n$x$\n", "display.Latex"),
    ("%%capture kept\nprint('away')\n", ""),
    ("%%time\nran = 1\n", "Wall time"),
    ("%%bash\necho from bash\n", "from bash"),
    ("%%mine some words\nits ' body\n\nto the end?\n", "mine some words/its ' body||to the end?"),
    ("%%peer share second\n%%html\n<i>both</i>\n", "display.HTML"),
]


@pytest.mark.parametrize(("cell", "printed"), CELL_MAGICS, ids=lambda each: str(each)[:14])
def test_a_cell_magic_works_below_a_share(
    shell: InteractiveShell,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    cell: str,
    printed: str,
) -> None:
    def mine(line: str, body: str) -> None:
        print(f"mine {line}/{body.strip()}".replace("\n", "|"))

    shell.register_magic_function(mine, "cell")
    shared: list[list[str]] = []
    monkeypatch.setattr(magics, "run", lambda client, words, at=None: shared.append(words))
    shell.run_cell("%%peer share loss\n" + cell).raise_error()
    out = capfd.readouterr().out
    assert printed in out
    assert printed or not out
    assert shared == [["share", "loss"], ["share", "second"]][: 1 + cell.count("%%peer")]


def test_what_goes_to_the_pager_of_a_shared_cell_is_an_output_of_the_cell(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InteractiveShell, "_instance", shell)
    in_replies: list[object] = []
    shell.set_hook("show_in_pager", page.as_hook(lambda data, **_: in_replies.append(data)), 99)
    monkeypatch.setattr(magics, "run", lambda client, words, at=None: None)
    shell.run_cell("len?")
    assert len(in_replies) == 1
    with capture_output() as captured:
        shell.run_cell("%%peer share loss\nlen?\n").raise_error()
        shell.run_cell("%%peer share loss\n%%prun -q -l 1\nsum([])\n").raise_error()
        shell.run_cell("%%peer share loss\n%prun -l 1 sum([])\n").raise_error()
    assert len(in_replies) == 1
    help_of_len, profile = (each.data["text/plain"] for each in captured.outputs)
    assert "Return the number of items" in help_of_len
    assert "function calls" in profile


def test_sharing_shows_nothing_where_a_notebook_shows_the_value_of_each_line(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(magics, "run", lambda client, words, at=None: "pane loss: shared with bob")
    shell.ast_node_interactivity = "all"
    shell.run_cell("%%peer share loss\n1 + 1\n2 + 2").raise_error()
    out = capfd.readouterr().out
    assert "pane loss" not in out
    assert out.split()[1::2] == ["2", "4"]
    assert shell.user_ns["_"] == 4


@pytest.mark.parametrize("interactivity", ["last_expr", "all"])
def test_each_line_of_a_cell_shows_its_result_once(
    in_kernel: None,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    interactivity: str,
) -> None:
    shell = new_shell()
    monkeypatch.setattr(magics, "run", lambda client, words, at=None: Help(words[-1]))
    shell.ast_node_interactivity = interactivity
    for first in ("%load_ext jupyter_peer", "%reload_ext jupyter_peer"):
        shell.run_cell(
            f"{first}\n%peer link one\nmade = %peer link two\n'plain'\n"
            "if made:\n    %peer link three\n%peer link four"
        ).raise_error()
        shown = re.findall(r"one|two|three|four", capfd.readouterr().out)
        assert shown == ["one", "three", "four"]
        assert shell.user_ns["made"]._repr_mimebundle_()["text/plain"] == "two"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("reach network      # if Bob is elsewhere", ["reach", "network"]),
        ("reach  # who's there, \"what", ["reach"]),
        ("unlink http://host/g#secret", ["unlink", "http://host/g#secret"]),
        ("alias bob '# 1' #", ["alias", "bob", "# 1"]),
        ('alias bob "a \\" # b"', ["alias", "bob", 'a " # b']),
        ("chat bob see #3  # really", ["chat", "--", "bob", "see #3  # really"]),
        ("ask bob --agent h why #3?", ["ask", "--agent", "h", "--", "bob", "why #3?"]),
    ],
)
def test_a_comment_is_no_word_of_a_command_and_belongs_to_a_text(
    line: str, words: list[str]
) -> None:
    assert split(line) == words


def test_a_traceback_of_a_shared_cell_does_not_show_with_whom_it_is_shared(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(magics, "run", lambda client, words, at=None: None)
    for _ in range(2):
        shell.run_cell("%%peer share loss --with bob\n1 / 0\n")
        out = re.sub(r"\x1b\[[\d;]*m", "", capfd.readouterr().out)
        assert "----> 2 1 / 0" in out
        assert "bob" not in out
        assert "peer" not in out


@given(st.text(max_size=60) | st.lists(st.sampled_from(MISUSE[:-6]), max_size=3).map(" ".join))
def test_any_line_is_a_command_a_help_or_a_clear_error(line: str) -> None:
    with contextlib.suppress(PeerError, HelpAskedError):
        parse(split(line))
    lines = [f"%%peer {line}\n", "x = 1\n"]
    assert unfold_share(lines)[1:] == lines[1:]


@pytest.mark.parametrize("line", ["%peer ask ada what's this?", "  %peer chat ada really??  "])
def test_a_question_to_a_peer_is_no_wish_for_help(line):
    (kept,) = keep_questions([line + "\n"])
    assert kept.strip() == f"get_ipython().run_line_magic('peer', {line.strip()[6:]!r})"
    assert kept.startswith(line[: len(line) - len(line.lstrip())])


@pytest.mark.parametrize("line", ["%peer?", "%peer ask ada this", "x = '%peer ask ada?'", "print?"])
def test_every_other_line_stays_as_it_is(line):
    assert keep_questions([line]) == [line]


@pytest.mark.parametrize(
    ("line", "token"),
    [
        ("room join class --token -wmS0St8", "-wmS0St8"),
        ("room join class --token=-wmS0St8", "-wmS0St8"),
        ("room join class --token --wm", "--wm"),
        ("room --token -x join class", "-x"),
        ("room --token plain join class", "plain"),
    ],
)
def test_the_value_of_an_option_may_begin_with_a_dash(line: str, token: str) -> None:
    _, args = parse(split(line))
    assert (args.action, args.name, args.token) == ("join", "class", token)


@pytest.mark.parametrize(
    "line",
    ["room join class --token", "room join class --token --public", "room join a --token --"],
)
def test_an_option_is_not_the_value_of_the_one_before_it(line: str) -> None:
    with pytest.raises(BadRequestError, match="--token"):
        parse(split(line))


def test_after_two_dashes_nothing_is_an_option() -> None:
    assert parse(split("alias ada -- --with x"))[1].name == "--with x"


def test_steps_of_a_connection_are_lines_that_take_the_place_of_one_another(monkeypatch):
    shown = []
    monkeypatch.setattr(magics, "running_cell", lambda: True)
    monkeypatch.setattr(magics.LiveDisplay, "show", lambda display, bundle: shown.append(bundle))
    steps = magics._steps_display()
    first, second, third = (f"ws://host-{number}/peer-ws" for number in range(3))
    for address in (first, second, third):
        steps({"step": "dial", "address": address, "ok": None})
    assert [line[0] for line in shown[-1]["text/plain"].splitlines()] == ["…", "…", "…"]
    steps({"step": "dial", "address": first, "ok": False, "message": f"{first} is \x1b[2J away"})
    steps({"step": "connected", "address": second, "ok": True})
    assert shown[-1]["text/plain"].splitlines() == [
        f"✗ dial {first} is \N{REPLACEMENT CHARACTER}[2J away",
        f"✓ connected {second}",
    ]
    checked = {"step": "doctor", "address": "", "message": "1 of 2 checks are done"}
    steps(checked | {"ok": None})
    assert shown[-1]["text/plain"].splitlines()[-1] == "… 1 of 2 checks are done"
    assert "<pre" in shown[-1]["text/html"]


def test_a_presented_notebook_names_each_cell_that_a_person_runs(
    shell: InteractiveShell, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def running() -> cells.Cell:
        return cells.Cell(f"run-{len(ran)}", None)

    monkeypatch.setattr(getipython, "get_ipython", lambda: shell)
    monkeypatch.setattr(cells, "running_cell", running)
    server.answers["present_cell"] = {}
    shell.run_line_magic("peer", "present class --title Lecture")
    asked = dict(server.asked)["share"]
    assert (asked["cell"], asked["notebook"], asked["title"]) == ("run-0", True, "Lecture")
    shell.run_line_magic("peer", "present class")
    for options in ({"store_history": True}, {"silent": True}, {"store_history": False}):
        ran.append("cell")
        shell.run_cell("1 + 1", **options)
    server.wait_for("present_cell")
    ran.append("cell")
    shell.run_cell("2", store_history=True)
    until_sync(lambda: server.ops().count("present_cell") == 2)
    named = [body for op, body in server.asked if op == "present_cell"]
    assert named == [{"name": "class", "cell": "run-1"}, {"name": "class", "cell": "run-4"}]
    # Once the pane is taken back, cells are told of no more.
    server.answers["present_cell"] = UnknownPaneError()
    shell.run_cell("3", store_history=True)
    until_sync(lambda: server.ops().count("present_cell") == 3)
    until_sync(lambda: presenting_is_over(shell))
    shell.run_cell("4", store_history=True)
    shell.run_cell("5", store_history=True)
    assert server.ops().count("present_cell") == 3
    assert not [each for each in shell.events.callbacks["pre_run_cell"] if is_presenting(each)]


def is_presenting(callback: object) -> bool:
    return isinstance(getattr(callback, "__self__", None), Presenting)


def presenting_is_over(shell: InteractiveShell) -> bool:
    (callback,) = filter(is_presenting, shell.events.callbacks["pre_run_cell"])
    return bool(callback.__self__._is_over)  # type: ignore[attr-defined]
