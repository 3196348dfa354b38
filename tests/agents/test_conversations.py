"""Conversations: an agent sees what it has answered this asker before, and nothing else."""

from __future__ import annotations

import pytest

from jupyter_peer.agents.history import (
    MAX_CONVERSATIONS,
    MAX_EXCHANGES,
    MAX_TEXT,
    Conversations,
    Exchange,
)
from tests.agents.servers import kernel, run, servers
from tests.agents.test_kernels import ada_and_bob

pytestmark = pytest.mark.usefixtures("jp_environ")


def remembers(turn):
    said = "; ".join(f"{question} -> {answer}" for question, answer in turn.history)
    return f"[{said}]"


async def remembers_too(turn):
    yield f"{len(await turn.aio.history())} before"


async def test_a_question_after_an_answer_continues_its_conversation(tmp_path):
    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, remembers, name="helper")
        first = await run(bobs.ask, "ada", "one?")
        second = await run(bobs.ask, "ada", "two?", after=first)
        assert (first, second) == ("[]", "[one? -> []]")
        assert second.conversation == first.conversation
        third = await run(lambda: list(bobs.ask_stream("ada", "three?", after=second)))
        assert third == ["[one? -> []; two? -> [one? -> []]]"]
        assert await run(bobs.ask, "ada", "another conversation?") == "[]"
        await run(adas.agent, remembers_too, name="other")
        assert await run(bobs.ask, "ada", "?", agent="other", after=second) == "0 before"


async def test_another_peer_with_the_same_id_has_another_conversation(tmp_path):
    settings = {"allow_remote_agent": True}
    async with (
        servers(tmp_path, "ada", "bob", "eve", **settings) as (ada, bob, eve),
        kernel(ada) as adas,
        kernel(bob) as bobs,
        kernel(eve) as eves,
    ):
        await run(adas.agent, remembers, name="helper")
        answer = await run(bobs.ask, "ada", "a secret?")
        assert await run(eves.ask, "ada", "what did bob say?", after=answer) == "[]"
        # Whoever switches agents off ends all conversations.
        await run(adas.agent_off)
        await run(adas.agent_on)
        assert await run(bobs.ask, "ada", "again?", after=answer) == "[]"


async def test_a_blocked_peer_begins_anew(tmp_path):
    async with ada_and_bob(tmp_path) as (adas, bobs, ada, bob):
        await run(adas.agent, remembers, name="helper")
        answer = await run(bobs.ask, "ada", "one?")
        desk = ada.extension.context.running.operations.agents.turns
        conversations = desk._conversations
        assert conversations.of(bob.hub.node_id, answer.conversation, "helper")
        await run(adas.block, "bob")
        assert conversations.of(bob.hub.node_id, answer.conversation, "helper") == []


def test_a_conversation_and_their_number_are_bounded():
    kept = Conversations()
    for n in range(MAX_EXCHANGES + 2):
        kept.add("bob", "c", "helper", Exchange(f"{n}", "x" * (MAX_TEXT + 1)))
    exchanges = kept.of("bob", "c", "helper")
    assert [each.question for each in exchanges] == [f"{n + 2}" for n in range(MAX_EXCHANGES)]
    assert {len(each.answer) for each in exchanges} == {MAX_TEXT}
    for n in range(MAX_CONVERSATIONS):
        kept.add("eve", f"{n}", "helper", Exchange("?", "!"))
    assert kept.of("bob", "c", "helper") == []
    assert kept.of("eve", "0", "helper") == [Exchange("?", "!")]
