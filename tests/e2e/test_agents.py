"""Two people whose agents ask and answer: real servers, real kernels, as in notebooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.people import Person
from tests.waiting import until

AGENT = """
import jupyter_peer as peer
me = peer.client()

@me.agent(name="helper")
def helper(turn):
    yield f"{turn.peer.label} may see {list(turn.panes)}: {turn.panes['loss'].text}"
"""


@pytest.fixture
def two(tmp_path: Path):
    for name in ("ada", "bob"):
        (tmp_path / name).mkdir()
    people = Person(tmp_path / "ada", "ada"), Person(tmp_path / "bob", "bob", "secret")
    yield people
    for person in people:
        person.server.stop()


def outcomes(person: Person) -> list[str]:
    entries = person.peer_call("GET", "audit?limit=100")["audit"]
    return [e["detail"]["outcome"] for e in entries if e["kind"] == "agent_turn_ended"]


async def test_a_question_is_answered_from_a_pane_by_the_reader_and_by_a_kernels_agent(two):
    ada, bob = two
    invite = ada.peer_call("POST", "invite", {})["invite"]
    assert bob.peer_call("POST", "pair", {"invite": invite})["ok"]
    async with ada.notebook() as adas, bob.notebook() as bobs:
        assert "not_enabled" in json.dumps(
            bob.peer_call("POST", "ask-peer", {"peer_id": "ada", "prompt": "?"})
        )
        await adas.run("%%peer share loss --with bob\nprint('final loss 0.01')")
        await adas.run("%peer agent on")
        answer = await bobs.run("%peer ask ada what's the final loss?")
        assert "built-in reader" in answer
        assert "final loss 0.01" in answer
        await adas.run(AGENT)
        assert "bob may see ['loss']: final loss 0.01" in await bobs.run("%peer ask ada well?")
        asked = await bobs.run("import jupyter_peer as p; print(p.client().ask('ada', 'well?'))")
        assert "bob may see ['loss']" in asked
        await until(lambda: len(outcomes(ada)) == 3, 15)
