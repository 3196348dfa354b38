"""Entries of the audit log are events of Jupyter, which an operator collects in a file."""

from __future__ import annotations

import ast
import json
import logging
import re
from pathlib import Path
from typing import get_args

import pytest

import jupyter_peer
from jupyter_peer.control.rows.invites import CodeStatus
from jupyter_peer.server.events.audit_events import subject_of
from tests.agents.servers import kernel, run, servers
from tests.machine.waiting import until

pytestmark = pytest.mark.usefixtures("jp_environ")

ID = "https://events.jupyter.org/jupyter_peer/{}/v1"

#: What writes an entry, by the name that is called; its kind is the first or second argument.
WRITERS = {
    "note_audit",
    "_write_audit",
    "_audit_paced",
    "_note",
    "note",
    "allow",
    "audit",
    "_write",
}


def kinds_in_the_source():
    """Return the kinds of entries that the program writes, read from its source."""
    paths = Path(jupyter_peer.__file__).parent.rglob("*.py")
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    texts = {
        getattr(each, "value", None)
        for call in nodes
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", getattr(call.func, "id", "")) in WRITERS
        for argument in call.args[:2]
        for each in (argument, getattr(argument, "body", None), getattr(argument, "orelse", None))
    }
    kinds = {text for text in texts if re.fullmatch("[a-z]+_[a-z_]+", str(text))}
    return kinds | {f"code_{status}" for status in get_args(CodeStatus) if status != "waiting"}


def test_the_page_has_words_for_each_kind_of_entry():
    kinds = kinds_in_the_source()
    assert {"pane_shared", "lobby_on", "invite_used", "pane_input"} <= kinds
    page = Path(jupyter_peer.__file__).parents[1] / "labextension/src/activity/words.ts"
    table = page.read_text("utf-8").partition("function kindTexts")[2].partition("\n}")[0]
    assert set(re.findall(r"^    (\w+): trans", table, re.MULTILINE)) == kinds


class Collected(logging.Handler):
    """What an operator's handler has received."""

    def __init__(self):
        super().__init__()
        self.events = []

    def emit(self, record):
        self.events.append(json.loads(self.format(record)))

    def kinds(self, subject):
        return [each["kind"] for each in self.events if each["__schema__"] == ID.format(subject)]


def collect(server):
    handler = Collected()
    server.app.event_logger.register_handler(handler)
    return handler


async def ask_once(ada, bob):
    async with kernel(ada) as adas, kernel(bob) as bobs:
        await run(adas.agent_on)
        await run(adas.agent, lambda turn: "a secret answer", name="helper")
        await run(bobs.ask, "ada", "a private question")


async def test_each_entry_of_the_audit_log_is_an_event(tmp_path):
    async with servers(tmp_path, "ada", "bob") as (ada, bob):
        collected = collect(ada)
        await ask_once(ada, bob)
        await until(lambda: "agent_turn_ended" in collected.kinds("agent"))
        assert collected.kinds("agent")[:3] == ["agents_on", "agent_registered", "agent_turn"]
        await ada.call("POST", "invite", {})
        await ada.call("PATCH", f"peers/{bob.hub.node_id}", {"blocked": True})
        assert "peer_blocked" in collected.kinds("node")
        (blocked,) = [each for each in collected.events if each["kind"] == "peer_blocked"]
        assert blocked["peer"] == bob.hub.node_id
        stored = (await ada.call("GET", "audit?limit=100"))["audit"]
        assert {each["kind"] for each in collected.events} <= {each["kind"] for each in stored}
        # Neither what was asked nor what was said.
        for log in (json.dumps(collected.events), json.dumps(stored)):
            assert "private" not in log
            assert "secret answer" not in log


async def test_questions_are_in_it_only_if_the_owner_has_chosen_so(tmp_path):
    async with servers(tmp_path, "ada", "bob", audit_prompts=True) as (ada, bob):
        collected = collect(ada)
        await ask_once(ada, bob)
        await until(lambda: "agent_turn_ended" in collected.kinds("agent"))
        (turn,) = [each for each in collected.events if each["kind"] == "agent_turn"]
        assert turn["detail"]["prompt"] == "a private question"
        assert "secret answer" not in json.dumps(collected.events)
        stored = (await bob.call("GET", "audit?limit=100"))["audit"]
        (asked,) = [each for each in stored if each["kind"] == "agent_asked"]
        assert asked["detail"]["prompt"] == "a private question"


async def test_a_handler_that_fails_stops_nothing(tmp_path, monkeypatch):
    async with servers(tmp_path, "ada", "bob") as (ada, bob):

        def fails(**event):
            raise RuntimeError("no disk")

        monkeypatch.setattr(ada.app.event_logger, "emit", fails)
        await ask_once(ada, bob)


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("agents_on", "agent"),
        ("agent_turn", "agent"),
        ("pane_shared", "pane"),
        ("link_made", "node"),
    ],
)
def test_each_kind_has_a_schema(kind, subject):
    assert subject_of(kind) == subject
