import json
import sys

import pytest

from jupyter_peer.commands.terminal import (
    describe,
    for_terminals,
    remark,
    tell,
    tell_json,
    tell_step,
)
from jupyter_peer.errors import UnknownPeerError, from_wire


def test_results_and_remarks_go_different_ways(capsys):
    tell("result")
    remark("remark")
    assert capsys.readouterr() == ("result\n", "remark\n")


def test_nothing_written_can_act_on_the_terminal(capsys):
    evil = "\x1b[2J\u202eevil"
    tell(evil)
    remark(evil)
    tell_json({"name": evil})
    out, err = capsys.readouterr()
    assert not set("\x1b\u202e") & set(out + err)
    assert json.loads(out.partition("\n")[2]) == {"name": evil}


def test_an_error_is_one_line_with_code_message_and_hint():
    error = from_wire({"code": "timeout", "message": "no\nanswer", "hint": "wait"})
    assert describe(error) == "timeout: no answer (wait)"


def test_an_unknown_code_is_kept():
    assert describe(from_wire({"code": "new_one", "message": "m"})).startswith("new_one: m")


def test_hints_about_magics_are_turned_to_the_command_line():
    assert "`jupyter peer list` shows" in describe(UnknownPeerError())


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("its owner runs %peer agent on", "its owner runs `jupyter peer agent on`"),
        ("to revoke it: %peer revoke 3a5643a0", "to revoke it: jupyter peer revoke 3a5643a0"),
        ("%peer doctor s7ve7kcmz2xq shows why", "`jupyter peer doctor s7ve7kcmz2xq` shows why"),
        ("%peer agent on --mode ask lets you", "`jupyter peer agent on --mode ask` lets you"),
        ("%peer reach relay URL uses", "`jupyter peer reach relay URL` uses"),
        (
            "who runs: %peer pair INVITE; to revoke it: %peer revoke 3a5643a0",
            "who runs: jupyter peer pair INVITE; to revoke it: jupyter peer revoke 3a5643a0",
        ),
        ("%peer alias --help lists", "`jupyter peer alias --help` lists"),
        (
            "%peer panel in a cell, or %%peer share NAME",
            "%peer panel in a cell, or %%peer share NAME",
        ),
    ],
)
def test_a_command_in_a_hint_keeps_its_arguments(hint, shown):
    assert for_terminals(hint) == shown


def test_checks_that_are_done_are_counted_in_one_row_of_a_terminal(capsys, monkeypatch):
    step = {"step": "doctor", "address": "", "ok": None, "message": "1 of 2 checks are done"}
    done = step | {"ok": True, "message": "2 of 2 checks are done"}
    tell_step(step)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    tell_step(step)
    tell_step(done)
    assert capsys.readouterr().err == "\r1 of 2 checks are done\r2 of 2 checks are done\n"


def test_each_step_of_a_connection_is_a_line(capsys):
    tell_step({"step": "dial", "address": "ws://h:1/peer-ws", "ok": None})
    tell_step(
        {
            "step": "dial",
            "address": "ws://h:1/peer-ws",
            "ok": False,
            "code": "unreachable",
            "message": "refused",
            "hint": "",
        }
    )
    tell_step({"step": "connected", "address": "ws://h:2/peer-ws", "ok": True})
    assert capsys.readouterr().err.splitlines() == [
        "trying ws://h:1/peer-ws ...",
        "  ws://h:1/peer-ws: unreachable: refused",
        "connected by ws://h:2/peer-ws",
    ]
