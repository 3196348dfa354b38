"""Tools: what an agent may use by itself, what the owner allows, and what nobody does."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest

from jupyter_peer.agents.approvals import MAX_ARGUMENTS
from jupyter_peer.agents.questions import WAITING
from jupyter_peer.agents.tools import Tool
from jupyter_peer.control.rows.agents import ArgumentModel
from jupyter_peer.errors import LookupFailedError, StoreError, ToolRefusedError
from tests.machine.waiting import until
from tests.peers.hubs import taking_nothing
from tests.peers.nodes import nodes

LOOK, ACT = Tool("look", read_only=True), Tool("act")
SCREEN = object()


def using(tool: str, arguments: str = "1"):
    async def answer(turn):
        try:
            await turn.check_tool(tool, [ArgumentModel("run", arguments)])
        except ToolRefusedError as error:
            await turn.write(f"no: {error.message}")
        else:
            await turn.write("yes")

    return answer


async def asked(ada, bob, tool, mode="ask", arguments="1"):
    ada.agent(using(tool, arguments), "helper", LOOK, ACT)
    ada.board.mode = mode
    return await bob.ask(ada)


def tools_logged(ada):
    return [(d["tool"], d["decision"]) for _, _, d in ada.log("agent_tool")]


@pytest.mark.parametrize("mode", ["read-only", "ask"])
async def test_a_tool_that_only_looks_needs_nobody(mode):
    async with nodes("ada", "bob") as (ada, bob):
        assert await asked(ada, bob, "look", mode) == "yes"
        assert tools_logged(ada) == [("look", "read-only")]


@pytest.mark.parametrize("mode", ["read-only", "auto", ""])
async def test_in_any_mode_but_ask_no_other_tool_is_used(mode):
    async with nodes("ada", "bob") as (ada, bob):
        ada.approvals.add_screen(SCREEN)
        assert "read-only" in await asked(ada, bob, "act", mode)
        assert tools_logged(ada) == [("act", "refused")]


async def test_an_unknown_tool_is_refused():
    async with nodes("ada", "bob") as (ada, bob):
        assert (await asked(ada, bob, "os.system")).startswith("no: the agent has no tool")


@pytest.mark.parametrize(("allow", "answer"), [(True, "yes"), (False, "no: the owner has refused")])
async def test_the_owner_decides_each_call(allow, answer):
    async with nodes("ada", "bob") as (ada, bob):
        ada.approvals.add_screen(SCREEN)
        told = []
        ada.approvals.subscribe(lambda: told.append(len(ada.approvals.pending())))
        asking = asyncio.ensure_future(asked(ada, bob, "act"))
        (pending,) = await until(ada.approvals.pending)
        call = pending.call
        assert (call.peer, call.chain, call.question) == (bob.id, (bob.id,), "?")
        assert (call.agent, call.tool) == ("helper", "act")
        assert call.arguments == (ArgumentModel("run", "1"),)
        ada.approvals.decide(pending.id, allow)
        with pytest.raises(LookupFailedError):
            ada.approvals.decide(pending.id, True)
        assert (await asking).startswith(answer)
        assert told == [1, 0]
        assert tools_logged(ada) == [("act", "allowed" if allow else "refused")]
        with pytest.raises(LookupFailedError):
            ada.approvals.decide(pending.id, True)


async def test_a_call_that_the_log_has_no_room_for_is_not_allowed():
    async with nodes("ada", "bob") as (ada, bob), contextlib.AsyncExitStack() as full:
        used = []

        async def answer(turn):
            full.enter_context(taking_nothing(ada.hub))
            for tool, expected in (("act", ToolRefusedError), ("look", StoreError)):
                with pytest.raises(expected):
                    await turn.check_tool(tool, [])
            used.append(turn.tools_used)

        ada.agent(answer, "helper", LOOK, ACT)
        await bob.ask(ada)
        assert used == [0]


async def test_silence_is_a_no():
    async with nodes("ada", "bob", approval_s=0.05) as (ada, bob):
        ada.approvals.add_screen(SCREEN)
        assert "has not answered within 0.05 s" in await asked(ada, bob, "act")


async def test_without_a_browser_it_is_a_no_at_once():
    async with nodes("ada", "bob") as (ada, bob):
        assert "no browser is open" in await asked(ada, bob, "act")
        ada.approvals.add_screen(SCREEN)
        ada.approvals.remove_screen(SCREEN)
        assert "no browser is open" in await asked(ada, bob, "act")


async def test_arguments_that_nobody_would_read_are_refused():
    async with nodes("ada", "bob") as (ada, bob):
        ada.approvals.add_screen(SCREEN)
        answer = await asked(ada, bob, "act", arguments="x" * (MAX_ARGUMENTS + 1))
        assert "nobody would read" in answer


async def test_a_turn_that_ends_takes_its_prompts_with_it():
    async with nodes("ada", "bob") as (ada, bob):
        ada.approvals.add_screen(SCREEN)
        asking = asyncio.ensure_future(asked(ada, bob, "act"))
        await until(ada.approvals.pending)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: not ada.approvals.pending())


async def test_a_turn_cannot_bury_its_owner_in_prompts():
    async with nodes("ada", "bob", approval_s=5) as (ada, bob):
        ada.approvals.add_screen(SCREEN)

        async def many(turn):
            calls = [asyncio.ensure_future(turn.check_tool("act", [])) for _ in range(10)]
            waiting = ada.approvals.pending
            await until(lambda: sum(call.done() for call in calls) + len(waiting()) == 10)
            await turn.write(f"{10 - len(waiting())} refused, {len(waiting())} wait")
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

        ada.agent(many, "helper", ACT)
        ada.board.mode = "ask"
        assert await bob.ask(ada) == "6 refused, 4 wait"


async def test_a_yes_for_the_turn_allows_every_call_of_this_tool_and_of_no_other():
    async with nodes("ada", "bob") as (ada, bob):
        ada.approvals.add_screen(SCREEN)
        ada.board.mode = "ask"

        async def calling(turn):
            for tool in ("act", "act", "act", "other"):
                try:
                    await turn.check_tool(tool, [])
                except ToolRefusedError:
                    await turn.write("no ")
                else:
                    await turn.write("yes ")

        ada.agent(calling, "helper", ACT, Tool("other"))
        for _ in range(2):  # the next turn asks again
            asking = asyncio.ensure_future(bob.ask(ada))
            (pending,) = await until(ada.approvals.pending)
            assert pending.call.tool == "act"
            ada.approvals.decide(pending.id, True, for_turn=True)
            (pending,) = await until(
                lambda: [p for p in ada.approvals.pending() if p.call.tool == "other"]
            )
            ada.approvals.decide(pending.id, False, for_turn=True)
            assert await asking == "yes yes yes no "
        decisions = ["allowed for this turn"] * 3 + ["refused"]
        assert [decision for _, decision in tools_logged(ada)] == decisions * 2


async def test_the_time_for_a_yes_ends_before_the_answer_is_due():
    async with nodes("ada", "bob") as (ada, bob):
        ada.approvals.add_screen(SCREEN)
        ada.agent(using("act"), "helper", ACT)
        ada.board.mode = "ask"
        answer = await bob.ask(ada, timeout_s=1.0)
        waited = re.match(r"no: the owner has not answered within (\S+) s", answer)
        assert waited is not None
        # Of what is left when the tool is called, a quarter is for the answer.
        assert 0 < float(waited[1]) <= 0.75


async def test_the_asker_hears_that_the_owner_is_asked():
    async with nodes("ada", "bob") as (ada, bob):
        ada.approvals.add_screen(SCREEN)
        ada.agent(using("act"), "helper", ACT)
        ada.board.mode = "ask"
        heard = []

        async def take(piece):
            heard.append(piece)
            if piece is WAITING:
                (pending,) = ada.approvals.pending()
                ada.approvals.decide(pending.id, True)

        await bob.questions.ask(ada.id, "?", take, timeout_s=5)
        assert heard == [WAITING, "yes"]


async def test_a_stricter_mode_refuses_what_waits_and_what_was_allowed_for_the_turn():
    async with nodes("ada", "bob") as (ada, bob):
        ada.approvals.add_screen(SCREEN)

        async def calling(turn):
            for tool in ("act", "other", "act"):
                try:
                    await turn.check_tool(tool, [])
                except ToolRefusedError as error:
                    await turn.write(f"no: {error.message} ")

        ada.agent(calling, "helper", ACT, Tool("other"))
        ada.board.switch_on(mode="ask")
        asking = asyncio.ensure_future(bob.ask(ada))
        (pending,) = await until(ada.approvals.pending)
        ada.approvals.decide(pending.id, True, for_turn=True)
        await until(lambda: [p for p in ada.approvals.pending() if p.call.tool == "other"])
        ada.board.switch_on(mode="read-only")
        told = await asking
        assert "the owner has made agents read-only" in told
        assert "act does more than look" in told


async def test_switching_the_mode_leaves_the_agent_that_answers_by_default():
    async with nodes("ada", "bob") as (ada, _):
        ada.agent(using("act"), "first")
        ada.agent(using("act"), "second")
        ada.board.switch_on("first")
        ada.board.switch_on(mode="ask")
        assert (ada.board.default_name(), ada.board.mode) == ("first", "ask")
        ada.board.switch_on("second")
        assert (ada.board.default_name(), ada.board.mode) == ("second", "ask")
