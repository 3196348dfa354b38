"""``jupyter peer approvals``: a person at a terminal decides about the tool calls that wait."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from jupyter_peer.commands import server_command
from jupyter_peer.errors import LookupFailedError
from tests.commands.conftest import Run
from tests.server_client.fake_server import PEER, FakeServer
from tests.server_client.tool_calls import argument, person, waiting

PROMPT = "Type once, turn"


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads and types."""
    monkeypatch.setattr(server_command, "is_at_terminal", lambda: True)


@pytest.fixture
def calls(server: FakeServer, peer: Run) -> list[dict[str, Any]]:
    """The calls that wait; an answer ends the wait of one."""
    listed: list[dict[str, Any]] = []

    def approve(params: dict[str, Any]) -> dict[str, Any]:
        listed[:] = [each for each in listed if each["id"] != params["id"]]
        return {}

    server.answers["approvals"] = lambda params: {"approvals": list(listed)}
    server.answers["approve"] = approve
    return listed


def decisions(server: FakeServer) -> list[tuple[int, bool, bool]]:
    """Which calls were decided how: allowed, and for the whole turn."""
    return [(p["id"], p["allow"], p["for_turn"]) for op, p in server.asked if op == "approve"]


def watched(server: FakeServer) -> list[bool | None]:
    """What was said of whether somebody can be asked here."""
    return [p["watching"] for op, p in server.asked if op == "approvals"]


@pytest.mark.usefixtures("at_terminal")
def test_each_call_gets_the_answer_that_was_typed_for_it(
    peer: Run, server: FakeServer, calls: list[dict[str, Any]]
) -> None:
    calls += [waiting(6), waiting(7), waiting(8), waiting(9)]
    outcome = peer("approvals", stdin="once\nTURN\nno\n")  # its end comes before the last call
    assert decisions(server) == [(6, True, False), (7, True, True), (8, False, False)]
    assert outcome.code == 0
    for said in ("allowed once", "allowed for this turn", "refused"):
        assert said in outcome.err


@pytest.mark.usefixtures("at_terminal")
def test_a_call_can_be_left_for_later_and_the_next_is_asked(
    peer: Run, server: FakeServer, calls: list[dict[str, Any]]
) -> None:
    calls += [waiting(7), waiting(8), waiting(9)]
    outcome = peer("approvals", stdin="\nno\n")
    assert decisions(server) == [(8, False, False)]
    # The list of what is left comes last.
    assert outcome.out.count("restart it") == 3 + 2


@pytest.mark.usefixtures("at_terminal")
@pytest.mark.parametrize("typed", ["yes", "y", "o", "once more", "all"])
def test_a_word_that_is_none_of_the_answers_allows_nothing_and_is_asked_again(
    typed: str, peer: Run, server: FakeServer, calls: list[dict[str, Any]]
) -> None:
    calls.append(waiting(7))
    outcome = peer("approvals", stdin=f"{typed}\n")
    assert decisions(server) == []
    assert outcome.err.count(PROMPT) == 2


@pytest.mark.usefixtures("at_terminal")
def test_an_answer_that_comes_too_late_is_said_and_the_next_call_is_asked(
    peer: Run, server: FakeServer, calls: list[dict[str, Any]]
) -> None:
    calls += [waiting(7), waiting(8), waiting(9)]

    def too_late(params: dict[str, Any]) -> LookupFailedError:
        calls[:] = [each for each in calls if each["id"] != params["id"]]
        return LookupFailedError("this call no longer waits for an answer")

    server.answers["approve"] = too_late
    outcome = peer("approvals", stdin="once\nno\n")
    assert decisions(server) == [(7, True, False), (8, False, False)]
    assert outcome.err.count("no longer waits for an answer") == 2


@pytest.mark.usefixtures("at_terminal")
def test_a_call_that_comes_later_is_asked_too(
    peer: Run, server: FakeServer, calls: list[dict[str, Any]]
) -> None:
    def come(params: dict[str, Any]) -> dict[str, Any]:
        if not calls:
            calls.append(waiting(7))
            event = ("approval", {"approvals": list(calls)})
            threading.Thread(target=server.push, args=event).start()
            return {"approvals": []}
        return {"approvals": list(calls)}

    server.answers["approvals"] = come
    outcome = peer("approvals", stdin="")
    assert outcome.err.count(PROMPT) == 1
    assert "restart it" in outcome.out


@pytest.mark.usefixtures("at_terminal")
def test_a_terminal_counts_as_a_place_to_ask_until_it_ends(
    peer: Run, server: FakeServer, calls: list[dict[str, Any]]
) -> None:
    calls.append(waiting(7))
    peer("approvals")
    assert watched(server) == [True, False]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_who_only_lists_is_not_asked_and_is_no_place_to_ask(
    form: list[str], peer: Run, server: FakeServer, calls: list[dict[str, Any]]
) -> None:
    calls.append(waiting(7))
    outcome = peer("approvals", *form, stdin="once\n")
    assert (outcome.code, decisions(server), watched(server)) == (0, [], [None])
    if form:
        assert json.loads(outcome.out) == {"approvals": calls}
    else:
        assert "restart it" in outcome.out


@pytest.mark.usefixtures("at_terminal")
def test_json_is_never_mixed_with_questions(
    peer: Run, server: FakeServer, calls: list[dict[str, Any]]
) -> None:
    calls.append(waiting(7))
    assert json.loads(peer("approvals", "--json", stdin="once\n").out) == {"approvals": calls}
    assert decisions(server) == []


def test_the_owner_reads_who_asks_through_whom_which_tool_and_each_argument_whole(
    peer: Run, calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    value = "".join(f"{number:06}" for number in range(1000)) + "漢" * 100
    chain = [person(f"peer {at}", f"node{at:012}") for at in range(12)]
    arguments = [argument("path", value), argument("frame", "0 1 ...", is_exact=False)]
    calls.append(waiting(7, peer_name="Bob of Lab 2", chain=chain, arguments=arguments))
    out = peer("approvals").out
    assert f"Bob of Lab 2 ({PEER['node_id']}) asked your agent helper:" in out
    for at, each in enumerate(chain, 1):
        assert f"{at}. {each['label']} ({each['node_id']})" in out
    assert "call restart with:" in out
    assert value in "".join(marked(out))
    assert out.count("parts may be missing") == 1
    assert all(len(row) <= 40 for row in out.splitlines() if row.startswith("  │ "))


@pytest.mark.parametrize("place", ["question", "name", "value"])
def test_no_text_of_others_can_pass_for_a_line_of_this_program(
    place: str, peer: Run, calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    forged = f"{'x' * 56}{PROMPT}\n{PROMPT} ...\r{PROMPT}\x1b[2J\n"
    texts = {"question": "?", "name": "run", "value": "1"} | {place: forged}
    fields = [argument(texts["name"], texts["value"])]
    calls.append(waiting(7, question=texts["question"], arguments=fields))
    out = peer("approvals").out
    assert out.count(PROMPT) == 3
    assert all(row.startswith("  │ ") for row in out.split("\n") if PROMPT in row)
    assert not {"\r", "\x1b"} & {*out}


def marked(out: str) -> list[str]:
    """The rows of texts by others, without their mark."""
    return [row[4:] for row in out.splitlines() if row.startswith("  │ ")]
