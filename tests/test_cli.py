"""``jupyter peer`` against two real servers of one user."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from functools import partial
from typing import NamedTuple

import pytest

from jupyter_peer.cli import PeerApp, main
from jupyter_peer.errors import from_wire
from jupyter_peer.server_client.results.results import Peers
from tests.machine.jupyter_process import JupyterProcess, at_once

COMMANDS = [
    "whoami",
    "id",
    "name",
    "invite",
    "invites",
    "revoke",
    "pair",
    "list",
    "connect",
    "disconnect",
    "block",
    "unblock",
    "forget",
    "alias",
    "panes",
    "grant",
    "unshare",
    "link",
    "links",
    "unlink",
    "reach",
    "open",
    "chat",
    "ask",
    "agent",
    "approvals",
    "verify",
    "mcp",
    "lobby",
    "rooms",
    "room",
    "directory",
    "doctor",
    "log",
    "relay",
    "demo",
]


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def peer(capsys, monkeypatch, tmp_path):
    """Run ``jupyter peer ...``, as a user who has no servers and no configuration."""
    for name in ("JUPYTER_PEER_URL", "JUPYTER_PEER_SECRET_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))

    def peer(*argv, stdin=None):
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = main([str(word) for word in argv])
        return Outcome(code, *capsys.readouterr())

    return peer


class Pair(NamedTuple):
    ada: JupyterProcess
    bob: JupyterProcess


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two running servers, each found through a runtime directory of its own and one of both."""
    both = tmp_path_factory.mktemp("both")
    starts = [
        partial(JupyterProcess, tmp_path_factory.mktemp(name), name, both)
        for name in ("ada", "bob")
    ]
    started = at_once(starts, JupyterProcess.stop)
    yield Pair(*started)
    for process in started:
        process.stop()


@pytest.fixture
def both(pair, peer, monkeypatch):
    """The two servers, both running as the same user."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(pair.ada.runtime_file.parent))
    return pair


@pytest.fixture
def ada(pair, peer, tmp_path):
    """Ada's server as the only one."""
    (tmp_path / "runtime").mkdir()
    shutil.copy(pair.ada.runtime_file, tmp_path / "runtime")
    return pair.ada


@pytest.fixture
def paired(both, peer):
    """Both servers, as each other's peers under their own names, not blocked and without alias."""
    invite = peer("invite", "--pid", both.bob.pid).out
    assert peer("pair", "--pid", both.ada.pid, stdin=invite).code == 0
    return both


# Help and misuse.


def test_help_names_every_command_that_exists_and_no_other(peer):
    outcome = peer("--help")
    assert outcome.code == 0
    listed = outcome.out.partition("Subcommands")[2].partition("Options")[0].splitlines()
    names = [line for line in listed if line.isidentifier()]
    assert set(COMMANDS) <= set(names) <= {*COMMANDS, "relay"}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "--help-all"])
def test_every_command_has_help(peer, command, flag):
    outcome = peer(command, flag)
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: jupyter peer {command}")


def test_help_imports_nothing_heavy():
    script = (
        "import sys; from jupyter_peer.cli import main; main(['--help']);"
        "print(sorted({'tornado', 'zmq', 'ipywidgets', 'IPython', 'cryptography', 'nacl',"
        " 'jupyter_server'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def test_version(peer):
    outcome = peer("--version")
    assert outcome.code == 0
    assert outcome.out.strip() == PeerApp.version


def test_jupyter_finds_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "peer", "pair", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: jupyter peer pair [INVITE]" in done.stdout


def test_without_a_command_the_help_is_shown(peer):
    outcome = peer()
    assert outcome.code == 2
    assert "Subcommands" in outcome.out


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["nonsense"], "unknown command: nonsense"),
        (["aks", "ada", "why?"], "unknown command: aks"),
        (["list", "--nonsense"], "unknown option: --nonsense"),
        (["list", "--nonsense=1"], "unknown option: --nonsense"),
        (
            ["list", "-x"],
            "unknown option: -x (see --help; write -- before an argument that begins with a dash)",
        ),
        (["list", "ada"], "unexpected argument: ada"),
        (["alias"], "missing argument: PEER"),
        (["grant", "loss", "ada"], "missing argument: view|interact|none"),
        (["list", "--pid"], "expected one argument"),
        (["list", "--pid=many"], "expected an int"),
    ],
)
def test_misuse_is_told_from_failure(peer, argv, complaint):
    outcome = peer(*argv)
    assert outcome.code == 2
    assert outcome.out == ""
    assert complaint in outcome.err


# Which server.


def test_without_a_server_it_says_so(peer):
    outcome = peer("list")
    assert outcome.code == 1
    assert outcome.out == ""
    assert outcome.err.startswith("no_server: ")
    assert "jupyter lab" in outcome.err


def test_with_json_an_error_is_json_too(peer):
    outcome = peer("list", "--json")
    assert outcome.code == 1
    assert from_wire(outcome.json["error"]).code == "no_server"
    assert outcome.err.startswith("no_server: ")


def test_of_two_servers_one_has_to_be_chosen(peer, both):
    outcome = peer("id")
    assert outcome.code == 1
    assert outcome.err.startswith("ambiguous_server: ")
    assert both.ada.url in outcome.err
    assert f"pid {both.bob.pid}" in outcome.err


def test_a_server_is_chosen_by_process_or_url(peer, both):
    assert peer("id", "--json", f"--pid={both.bob.pid}").json["node_id"] == both.bob.node_id
    page = both.ada.url.replace("127.0.0.1", "localhost") + "lab/tree/x.ipynb?token=1"
    assert peer("id", "--json", "--url", page).json["node_id"] == both.ada.node_id


def test_in_a_notebook_its_own_server_is_meant(peer, both, monkeypatch):
    running = json.loads(both.ada.runtime_file.read_text())
    monkeypatch.setenv("JUPYTER_PEER_URL", running["url"])
    assert peer("id", "--json").json["node_id"] == both.ada.node_id


def test_a_secret_that_is_not_accepted_is_told_as_such(peer, ada, tmp_path):
    [path] = (tmp_path / "runtime").glob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "secret": "wrong"}))
    outcome = peer("id")
    assert outcome.code == 1
    assert outcome.err.startswith("unauthorized: ")
    assert "wrong" not in outcome.err


def test_a_server_that_does_not_answer_is_told_as_such(peer, ada, tmp_path):
    [path] = (tmp_path / "runtime").glob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "url": "http://127.0.0.1:9/"}))
    outcome = peer("id")
    assert outcome.code == 1
    assert outcome.err.startswith("no_server: ")


# What the commands do.


def test_id(peer, ada):
    shown = peer("id")
    assert shown.code == 0
    assert shown.err == ""
    assert ada.node_id in shown.out
    asked = peer("id", "--json").json
    assert asked["node_name"] == "ada"
    assert asked["fingerprint"] in shown.out


def test_an_invite_is_all_there_is_on_stdout(peer, ada):
    outcome = peer("invite", "--ttl=10m", "--note=for Bob")
    assert outcome.code == 0
    assert outcome.out.startswith("jpeer1:")
    assert outcome.out.count("\n") == 1
    assert "works once" in outcome.err
    assert "on this machine alone" in outcome.err  # there is nothing but loopback in it
    assert outcome.out.strip() not in outcome.err


def test_invites_are_listed_and_revoked(peer, ada):
    minted = peer("invite", "--json", "--note=to be revoked").json
    assert sorted(minted) == ["expires", "id", "invite", "local_only"]
    assert "to be revoked" in peer("invites").out
    assert peer("revoke", minted["id"]).code == 0
    [listed] = [i for i in peer("invites", "--json").json["invites"] if i["id"] == minted["id"]]
    assert listed["status"] == "revoked"
    assert minted["invite"] not in peer("invites", "--json").out
    assert peer("revoke", "00000000").err.startswith("lookup: ")


def test_a_bad_length_of_time_is_refused(peer, ada):
    outcome = peer("invite", "--ttl=soon")
    assert outcome.code == 1
    assert outcome.err.startswith("bad_request: ")


def test_pairing_shows_each_path_and_ends_with_who_it_is(peer, both):
    invite = peer("invite", "--pid", both.bob.pid).out.strip()
    outcome = peer("pair", invite, "--pid", both.ada.pid)
    assert outcome.code == 0
    assert outcome.out.startswith(f"bob ({both.bob.node_id}) is connected directly, ")
    assert "trying ws://127.0.0.1" in outcome.err
    assert "connected by ws://127.0.0.1" in outcome.err
    used = peer("invites", "--json", "--pid", both.bob.pid).json["invites"][0]
    assert used["used_by"] == both.ada.node_id


def test_an_invite_may_be_broken_into_words(peer, both):
    invite = peer("invite", "--pid", both.bob.pid).out.strip()
    outcome = peer("pair", invite[:40], invite[40:90], f"{invite[90:]}.", "--pid", both.ada.pid)
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize("words", [[], ["-"]])
def test_an_invite_is_read_from_stdin(peer, both, words):
    invite = peer("invite", "--pid", both.bob.pid).out
    outcome = peer("pair", *words, "--json", "--pid", both.ada.pid, stdin=invite)
    assert outcome.code == 0
    assert outcome.json["peer"]["transport"] == "direct"
    assert outcome.json["peer"]["rtt_ms"] > 0


def test_what_is_no_invite_is_refused(peer, ada):
    outcome = peer("pair", "jpeer1:nonsense")
    assert outcome.code == 1
    assert outcome.err.startswith("invite_malformed: ")


def test_a_revoked_invite_is_refused(peer, paired):
    assert peer("forget", "bob", "--pid", paired.ada.pid).code == 0
    assert peer("forget", "ada", "--pid", paired.bob.pid).code == 0
    minted = peer("invite", "--json", "--pid", paired.bob.pid).json
    peer("revoke", minted["id"], "--pid", paired.bob.pid)
    outcome = peer("pair", minted["invite"], "--pid", paired.ada.pid)
    assert outcome.code == 1
    assert "invite_revoked: " in outcome.err


def test_nodes_found_nearby_are_listed_behind_the_peers():
    eve = {"node_id": "e" * 16, "node_name": "e\x1bve", "source": "lan", "addresses": ["lan:x"]}
    listed, notes = Peers([], {}, [eve]).to_terminal()
    assert notes == ""
    assert listed.startswith("You have no peers yet. Make an invite: jupyter peer invite\n")
    assert "found nearby, not paired" in listed
    assert "e" * 16 in listed
    assert "\x1b" not in listed


def test_peers_are_listed(peer, paired):
    shown = peer("list", "--pid", paired.ada.pid).out.splitlines()
    assert shown[0].split()[:3] == ["peer", "node", "id"]
    [row] = [row for row in shown if paired.bob.node_id in row]
    assert row.split()[:4] == ["bob", paired.bob.node_id, "connected", "direct"]
    asked = peer("list", "--json", "--pid", paired.ada.pid).json
    assert asked["self"]["node_id"] == paired.ada.node_id
    assert [known["node_id"] for known in asked["peers"]] == [paired.bob.node_id]


def test_a_peer_is_given_a_name_and_loses_it(peer, paired):
    choice = ("--pid", paired.ada.pid)
    assert peer("alias", "bob", "Bobby", *choice).out.startswith("Bobby (")
    assert "Bobby" in peer("list", *choice).out
    assert peer("alias", "bobby", "--remove", *choice).out.startswith("bob (")
    assert peer("alias", "bob", *choice).code == 2
    assert peer("alias", "bob", "B", "--remove", *choice).code == 2


def test_a_peer_is_disconnected_and_connected(peer, paired):
    choice = ("--pid", paired.ada.pid)
    assert " is offline" in peer("disconnect", "bob", *choice).out
    assert " is connected directly" in peer("connect", paired.bob.node_id, *choice).out


def test_a_peer_is_blocked_and_let_in_again(peer, paired):
    choice = ("--pid", paired.ada.pid)
    assert " is blocked" in peer("block", "bob", *choice).out
    assert peer("connect", "bob", *choice).err.startswith("blocked: ")
    assert peer("unblock", "bob", *choice).code == 0
    assert peer("connect", "bob", *choice).code == 0


def test_a_path_that_fails_is_told(peer, ada):
    outcome = peer("connect", "127.0.0.1:9")
    assert outcome.code == 1
    assert outcome.err.splitlines()[0] == "trying ws://127.0.0.1:9/peer-ws ..."
    assert "unreachable: " in outcome.err


def test_an_unknown_peer_is_told(peer, ada):
    outcome = peer("disconnect", "nobody-of-this-name")
    assert outcome.code == 1
    assert outcome.err.startswith("unknown_peer: ")
    assert "%peer" not in outcome.err


def test_panes_without_any(peer, ada):
    assert peer("panes").out.splitlines() == [
        "You share no pane. Share a cell's output: %%peer share NAME",
        "No pane is shared with you.",
    ]
    assert peer("panes", "--json").json == {"mine": [], "offered": []}
    assert peer("unshare", "none-of-this-name").err.startswith("unknown_pane: ")
    assert peer("grant", "none-of-this-name", "bob", "view").err.startswith("unknown_pane: ")
    assert peer("grant", "loss", "bob", "everything").err.startswith("bad_request: ")


def test_the_log_is_read(peer, ada):
    assert peer("log").code == 0
    entries = peer("log", "--json", "--limit=3").json["audit"]
    assert len(entries) <= 3
    assert all(set(entry) == {"at", "kind", "peer", "detail"} for entry in entries)


def test_without_a_lobby_it_says_how_to_get_one(peer, ada):
    assert "this node has no lobby" in peer("lobby").out
    for words in (("rooms",), ("room", "create", "x"), ("lobby", "on"), ("lobby", "who")):
        outcome = peer(*words)
        assert outcome.code == 1
        assert "PeerExtension.lobby_url" in outcome.err


@pytest.mark.parametrize("words", [("lobby", "maybe"), ("room", "enter", "x"), ("room", "join")])
def test_what_is_no_action_of_a_room_is_misuse(peer, ada, words):
    assert peer(*words).code == 2


# Chat.


def test_people_write_to_each_other(peer, paired):
    mine, theirs = ("--pid", paired.ada.pid), ("--pid", paired.bob.pid)
    sent = peer("chat", "bob", "the", "run's", "done", *mine)
    assert (sent.code, sent.out, sent.err) == (0, "", "sent\n")
    answer = peer("chat", "ada", "-", "--json", *theirs, stdin="<b>fine</b>\nthanks\n")
    assert answer.json["line"]["text"] == "<b>fine</b>\nthanks"
    for words in (("chat", "ada"), ("chat",)):
        shown = peer(*words, *theirs).out
        assert "ada: the run's done\n" in shown
        assert "you to ada: <b>fine</b>\n    thanks\n" in shown
    assert [line["mine"] for line in peer("chat", "bob", "--json", *mine).json["lines"]] == [
        True,
        False,
    ]
    assert len(peer("chat", "--limit=1", *mine).out.splitlines()) == 2


def test_what_cannot_be_said_is_refused(peer, paired):
    at = ("--pid", paired.ada.pid)
    for words, stdin, code in (
        (("nobody", "hello"), None, "unknown_peer"),
        (("bob", " "), None, "bad_request"),
        (("bob", "-"), "x" * 20_000, "too_large"),
    ):
        outcome = peer("chat", *words, *at, stdin=stdin)
        assert outcome.code == 1
        assert outcome.err.startswith(f"{code}: ")
