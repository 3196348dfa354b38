import json

from jupyter_peer.commands.terminal import describe, remark, tell, tell_json, tell_step
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
