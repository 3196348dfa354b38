"""The commands of notebook and terminal, at the scripted server."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from IPython.core import getipython
from IPython.core.interactiveshell import InteractiveShell

from jupyter_peer.cli import main
from jupyter_peer.kernel import magics
from jupyter_peer.server.control.runtime_file import RunningServer, write_runtime_file
from jupyter_peer.server_client import core
from jupyter_peer.server_client.command_table.command import Command
from jupyter_peer.server_client.views import cell
from tests.kernel.shells import new_shell
from tests.server_client.conftest import client, in_kernel, secret_file, server
from tests.server_client.fake_server import ME, NODE, PEER, SECRET, FakeServer, state

__all__ = ["client", "in_kernel", "secret_file", "server"]

SHOWN = {"output_type": "stream", "name": "stdout", "text": "loss 0.01 %peer list"}
LINE = {"number": 1, "peer": PEER, "mine": True, "at": 1.0, "text": "%peer list"}
ROOM = {"name": "class", "visibility": "public", "members": [], "joined": True, "error": None}
REACH = {
    "mode": "local",
    "chosen": "local",
    "relay_url": None,
    "last_relay_url": None,
    "fixed_by": None,
    "locked": {},
    "addresses": ["ws://127.0.0.1:8888/peer-ws"],
    "checked": [
        {"check": "reach", "status": "ok", "text": "Only this computer can reach you.", "hint": ""}
    ],
}
ANSWERS = {
    "set_name": ME,
    "reach": REACH,
    "set_reach": REACH,
    "invite": {
        "invite": "jpeer1:abc",
        "id": "12345678",
        "expires": 4e9,
        "local_only": True,
        "code": "7-adult-amulet",
    },
    "revoke_invite": {},
    "link": {"link": "https://relay.example/s/x/y#v1.a.b", "id": "12345678", "expires": 4e9},
    "unlink": {},
    "pair": {"peer": PEER},
    "connect": {"peer": PEER},
    "disconnect": {"peer": PEER},
    "block": {"peer": PEER},
    "unblock": {"peer": PEER},
    "forget": {},
    "alias": {"peer": PEER},
    "grant": {"pane": {"name": "loss", "grants": {}}},
    "chat": {"line": LINE},
    "chats": {"lines": [LINE], "unread": {}},
    "ask": {"ok": True, "answer": ""},
    "agent_on": {"on": True, "mode": "ask", "default": None, "agents": [], "turns": 0},
    "agent_off": {"on": False, "mode": "ask", "default": None, "agents": [], "turns": 0},
    "agent_allow": {"on": True, "mode": "ask", "default": None, "agents": [], "turns": 0},
    "agent_register": {},
    "doctor": {"findings": [], "peer": None, "at": 1.0, "took_s": 0.1},
    "lobby_on": {"url": "wss://x", "status": "connected", "listed": True, "rooms": [ROOM]},
    "lobby_off": {"url": None},
    "lobby_who": {"nodes": []},
    "rooms": {"rooms": [ROOM]},
    "create_room": {"room": ROOM, "token": "t0ken"},
    "join_room": {"room": ROOM, "token": None},
    "leave_room": {},
    "audit": {"audit": []},
}
# What a required argument can be, by its name.
SAMPLES = {
    "peer": "ada",
    "target": "ada",
    "pane": "ada/loss",
    "invite": "jpeer1:abc",
    "id": "12345678",
    "name": "loss",
    "grant": "view",
    "text": "why?",
    "action": "create",
}


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def peer(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    server: FakeServer,
    in_kernel: None,
) -> Run:
    """Run ``jupyter peer ...`` at the scripted server, with an empty stdin."""
    server.answers |= ANSWERS
    server.progress["ask"] = [{"text": "0.01"}]
    server.answers["open"] = {"watch": 1, "info": {"status": "live"}, "state": state(SHOWN)}
    # Each question begins a conversation of its own.
    monkeypatch.setattr(core, "secrets", SimpleNamespace(token_hex=lambda size: "c" * 2 * size))
    for name in ("CONFIG", "RUNTIME", "DATA"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))

    running = RunningServer(
        url=server.url, secret=SECRET, pid=os.getpid(), node_id=NODE, data_dir=str(tmp_path)
    )
    write_runtime_file(tmp_path / "runtime", running)

    def type_in(*words: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        return Outcome(main([*words]), *capsys.readouterr())

    return type_in


def shortest(row: Command) -> list[str]:
    """The command without options and without what can be left out."""
    needed = [each for each in row.positionals if not each.optional]
    words = [SAMPLES[each.name] for each in needed]
    return [row.name, *(["ada", "--remove"] if row.name == "alias" else words)]


@pytest.fixture
def shell(peer: Run, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """IPython with the magics, in a running cell of a kernel of the scripted server."""
    shell = new_shell()
    magics.load(shell)
    monkeypatch.setattr(getipython, "get_ipython", lambda: shell)
    monkeypatch.setattr(cell, "running_cell", lambda: cell.Cell("cell", None))
    return shell
