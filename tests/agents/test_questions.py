"""Questions between two nodes: answered, refused, ended."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from jupyter_peer.agents.tools import Tool
from jupyter_peer.errors import (
    AgentFailedError,
    AgentGoneError,
    AnswerTooLongError,
    BadRequestError,
    BusyError,
    LinkClosedError,
    NotConnectedError,
    NotEnabledError,
    NotTrustedError,
    PeerError,
    PeerTimeoutError,
    TooLargeError,
    TurnCancelledError,
    UnknownAgentError,
    UnsupportedError,
)
from jupyter_peer.wire.payloads.agents import MAX_ANSWER, MAX_CHUNK
from tests.machine.waiting import until
from tests.peers.clock import MovableClock
from tests.peers.hubs import make_hub, pair, running, taking_nothing, two_hubs
from tests.peers.loopback import LoopbackNetwork
from tests.peers.nodes import FakeAgent, Node, never, nodes


async def hello(turn):
    await turn.write(f"you asked: {turn.prompt}")


async def test_an_answer_comes_whole_and_in_order():
    async def count(turn):
        for number in range(200):
            await turn.write(f"{number} ")
        await turn.write("x" * 100_000)

    async with nodes("ada", "bob") as (ada, bob):
        ada.agent(count)
        answer = await bob.ask(ada)
        assert answer == "".join(f"{number} " for number in range(200)) + "x" * 100_000


async def test_a_clock_that_is_set_as_a_question_is_put_does_not_end_it(tmp_path):
    clock = MovableClock()
    network = LoopbackNetwork()
    hubs = [make_hub(network, tmp_path, name, clock=clock) for name in ("ada", "bob")]
    async with running(*hubs):
        await pair(*hubs)
        ada, bob = (Node(hub, wall_clock=clock.time) for hub in hubs)
        ada.agent(hello)
        asking = asyncio.ensure_future(bob.ask(ada, "why"))
        # The clock is set once the question has begun, before its message is written.
        asyncio.get_running_loop().call_soon(clock.move, 3600.0)
        assert await asking == "you asked: why"
        for node in (ada, bob):
            await node.close()


async def test_a_peer_tells_in_its_own_words_what_it_has_waited_for():
    def wait(message):
        raise PeerTimeoutError("the kernel has not answered in time")

    async with nodes("ada", "bob") as (ada, bob):
        ada.hub.on("wait", wait)
        with pytest.raises(PeerTimeoutError, match="the kernel has not answered in time"):
            await bob.hub.request(ada.id, "wait", {})


async def test_pieces_come_while_the_agent_still_answers():
    go_on = asyncio.Event()

    async def slowly(turn):
        await turn.write("first")
        await go_on.wait()
        await turn.write("second")

    async with nodes("ada", "bob") as (ada, bob):
        ada.agent(slowly)
        pieces = []

        async def take(text):
            pieces.append(text)
            go_on.set()

        await bob.questions.ask(ada.id, "?", take, timeout_s=5)
        assert pieces == ["first", "second"]


async def test_the_turn_knows_who_asks_by_which_way_and_how_long():
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(hello)
        assert await bob.ask(ada, "how?", timeout_s=7) == "you asked: how?"
        (turn,) = agent.turns
        assert (turn.peer, turn.chain.nodes, turn.mode) == (bob.id, (bob.id,), "read-only")
        assert 6 < turn.left_s <= 7


async def test_an_agent_that_is_not_there_cannot_answer_for_all():
    async with nodes("ada") as (ada,):
        ada.agent(hello, "one")
        with pytest.raises(UnknownAgentError, match="no agent 'two' is registered here"):
            ada.board.switch_on("two")
        ada.board.switch_on("one")


async def test_a_node_asks_a_bounded_number_of_questions_at_once(monkeypatch):
    monkeypatch.setattr("jupyter_peer.agents.questions.MAX_QUESTIONS", 2)
    async with nodes("ada", "bob") as (ada, bob):
        ada.agent(never)
        asked = [asyncio.ensure_future(bob.ask(ada)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="2 answers are awaited already"):
            await bob.ask(ada)
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def test_an_agent_can_be_named_and_the_newest_answers_without_a_name():
    async with nodes("ada", "bob") as (ada, bob):
        for name in ("one", "two"):
            ada.agent(lambda turn: turn.write(turn.agent.name), name)
        assert await bob.ask(ada) == "two"
        assert await bob.ask(ada, agent="one") == "one"
        ada.board.switch_on(agent="one")
        assert await bob.ask(ada) == "one"
        with pytest.raises(UnknownAgentError):
            await bob.ask(ada, agent="three")


async def refusal(ada, bob, **options):
    with pytest.raises(PeerError) as caught:
        await bob.ask(ada, **options)
    return caught.value


async def test_agents_are_off_by_default():
    async with nodes("ada", "bob", on=False) as (ada, bob):
        agent = ada.agent(hello)
        told = []
        ada.turns.subscribe(lambda: told.append(len(ada.log("agent_refused"))))
        error = await refusal(ada, bob)
        assert told == [1]
        assert (type(error), error.code) == (NotEnabledError, "not_enabled")
        assert error.message == "ada does not let peers ask agents"
        assert error.hint == "ask ada to run %peer agent on"
        assert agent.turns == []
        assert ada.log("agent_refused") == [("agent_refused", bob.id, {"code": "not_enabled"})]


async def test_without_an_agent_the_refusal_says_how_to_get_one():
    async with nodes("ada", "bob") as (ada, bob):
        error = await refusal(ada, bob)
        assert isinstance(error, UnknownAgentError)
        assert "@me.agent" in error.hint


async def test_questions_for_unknown_agents_count_too():
    async with nodes("ada", "bob", turns_a_minute=2) as (ada, bob):
        ada.agent(hello)
        for name in ("guess", "guess-again"):
            assert isinstance(await refusal(ada, bob, agent=name), UnknownAgentError)
        assert isinstance(await refusal(ada, bob), BusyError)


@pytest.mark.parametrize("origin", ["open-lan", "directory"])
async def test_a_peer_that_was_not_paired_is_refused(origin):
    async with nodes("ada", "bob") as (ada, bob):
        ada.agent(hello)
        ada.hub._peers.known(bob.id).change(trusted=False, origin=origin)
        assert isinstance(await refusal(ada, bob), NotTrustedError)


async def test_only_so_many_questions_of_a_peer_are_answered_at_once():
    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        agent = ada.agent(never)
        asking = [asyncio.ensure_future(bob.ask(ada)) for _ in range(2)]
        await until(lambda: len(agent.turns) == 2)
        error = await refusal(ada, bob)
        assert isinstance(error, BusyError)
        # others are not held up by it
        third = asyncio.ensure_future(cy.ask(ada))
        await until(lambda: len(agent.turns) == 3)
        for task in (*asking, third):
            task.cancel()
        await asyncio.gather(*asking, third, return_exceptions=True)
        await until(lambda: ada.turns.under_way == 0)


async def test_a_flood_of_questions_is_refused_after_twenty_in_a_minute_and_counted_in_the_log():
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(hello)
        for _ in range(20):
            await bob.ask(ada)
        for _ in range(10):
            with pytest.raises(BusyError):
                await bob.ask(ada)
        assert len(agent.turns) == 20
        assert len(ada.log("agent_refused")) == 1
        ada.now += 61
        await bob.ask(ada)
        ada.board.is_on = False
        await refusal(ada, bob)
        ada.board.is_on = True
        for _ in range(20):
            with contextlib.suppress(BusyError):
                await bob.ask(ada)
        assert ada.log("agent_refused")[-1][2] == {"code": "busy", "more_before": 9}


async def test_a_question_that_is_too_long_is_refused():
    async with nodes("ada", "bob", max_prompt=100) as (ada, bob):
        ada.agent(hello)
        assert isinstance(await refusal(ada, bob, prompt="x" * 101), TooLargeError)
        await bob.ask(ada, "x" * 100)


@pytest.mark.parametrize("prompt", ["", " \n"])
async def test_no_question_is_not_sent(prompt):
    async with nodes("ada", "bob") as (ada, bob):
        assert isinstance(await refusal(ada, bob, prompt=prompt), BadRequestError)
        assert ada.log("agent_refused", "agent_turn") == []


async def test_a_node_without_agents_says_that_it_does_not_know_them():
    async with two_hubs() as (ada, bob):
        from tests.peers.nodes import Node

        asker = Node(bob)
        with pytest.raises(UnsupportedError, match="no agents"):
            await asker.questions.ask(ada.node_id, "?", never, timeout_s=5)


async def test_a_peer_that_is_away_is_told_at_once():
    async with nodes("ada", "bob") as (ada, bob):
        await bob.hub.disconnect(ada.id)
        assert isinstance(await refusal(ada, bob), NotConnectedError)


async def test_the_deadline_ends_the_turn_at_both_ends():
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(never)
        timeout_s = 0.1
        while not agent.turns:  # a busy machine may begin a turn after its deadline
            error = await refusal(ada, bob, timeout_s=timeout_s)
            assert isinstance(error, PeerTimeoutError)
            timeout_s *= 4
        await until(lambda: agent.ended == 1)
        await until(lambda: ada.log("agent_turn_ended"))
        assert ada.log("agent_turn_ended")[0][2]["outcome"] == "timeout"


async def test_the_owners_limit_ends_a_turn_whose_asker_would_wait_for_ever():
    async with nodes("ada", "bob", max_turn_s=0.1) as (ada, bob):
        ada.agent(never)
        error = await refusal(ada, bob, timeout_s=3600)
        assert isinstance(error, PeerTimeoutError)
        assert bob.questions.under_way == 0


async def test_a_silent_owner_is_not_waited_for_longer_than_the_deadline():
    async with nodes("ada", "bob") as (ada, bob):
        ada.hub._messenger.handlers._handlers["agent_request"] = (lambda message: None, None)
        assert isinstance(await refusal(ada, bob, timeout_s=0.05), PeerTimeoutError)


async def test_cancelling_the_question_ends_the_turn():
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(never)
        asking = asyncio.ensure_future(bob.ask(ada))
        await until(lambda: agent.turns)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: agent.ended == 1)
        await until(lambda: ada.log("agent_turn_ended"))
        assert ada.log("agent_turn_ended")[0][2]["outcome"] == "turn_cancelled"
        assert bob.log("agent_asked")[0][2]["outcome"] == "cancelled"


async def test_nobody_can_cancel_the_question_of_another():
    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        agent = ada.agent(never)
        asking = asyncio.ensure_future(bob.ask(ada))
        await until(lambda: agent.turns)
        (turn,) = agent.turns
        cy.hub.send(ada.id, "agent_cancel", {"request_id": turn.request_id})
        await cy.hub.ping(ada.id)
        assert agent.ended == 0
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: agent.ended == 1)


async def test_nobody_can_add_to_the_answer_of_another():
    go_on = asyncio.Event()

    async def wait(turn):
        await go_on.wait()
        await turn.write("mine")

    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        agent = ada.agent(wait)
        asking = asyncio.ensure_future(bob.ask(ada))
        await until(lambda: agent.turns)
        forged = {"request_id": agent.turns[0].request_id, "text": "forged"}
        cy.hub.send(bob.id, "agent_stream", forged)
        await cy.hub.ping(bob.id)
        go_on.set()
        assert await asking == "mine"


async def test_a_lost_link_ends_the_question_at_both_ends():
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(never)
        asking = asyncio.ensure_future(bob.ask(ada))
        await until(lambda: agent.turns)
        bob.hub.network.cut()
        with pytest.raises(LinkClosedError):
            await asking
        await until(lambda: agent.ended == 1)


async def test_a_blocked_peer_gets_no_more_of_an_answer():
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(never)
        asking = asyncio.ensure_future(bob.ask(ada))
        await until(lambda: agent.turns)
        await ada.hub.block(bob.id)
        with pytest.raises(PeerError):
            await asking
        await until(lambda: agent.ended == 1)
        await until(lambda: ada.turns.under_way == 0)


async def test_switching_off_ends_what_is_under_way():
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(never)
        asking = asyncio.ensure_future(bob.ask(ada))
        await until(lambda: agent.turns)
        ada.board.switch_off()
        with pytest.raises(NotEnabledError):
            await asking
        assert agent.ended == 1


async def test_an_agent_that_is_gone_ends_its_turns_and_no_others():
    async with nodes("ada", "bob") as (ada, bob):
        gone, other = ada.agent(never, "gone"), ada.agent(never, "other")
        asking = [asyncio.ensure_future(bob.ask(ada, agent=n)) for n in ("gone", "other")]
        await until(lambda: gone.turns and other.turns)
        ada.board.unregister(gone)
        ada.turns.stop_agent(gone, AgentGoneError())
        with pytest.raises(AgentGoneError):
            await asking[0]
        assert not asking[1].done()
        asking[1].cancel()
        await asyncio.gather(asking[1], return_exceptions=True)
        await until(lambda: other.ended == 1)


async def test_the_questions_of_all_peers_together_are_bounded_too(monkeypatch):
    monkeypatch.setattr("jupyter_peer.agents.admission.MAX_TURNS", 1)
    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        agent = ada.agent(never)
        asking = asyncio.ensure_future(bob.ask(ada))
        await until(lambda: agent.turns)
        assert isinstance(await refusal(ada, cy), BusyError)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def test_a_server_that_stops_tells_the_asker():
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(never)
        asking = asyncio.ensure_future(bob.ask(ada))
        await until(lambda: agent.turns)
        await ada.turns.close()
        with pytest.raises(TurnCancelledError):
            await asking


async def test_an_agent_that_fails_tells_nothing_of_its_reason(caplog):
    async def fail(turn):
        await turn.write("so far")
        raise RuntimeError("/home/ada/secret")

    async with nodes("ada", "bob") as (ada, bob):
        ada.agent(fail)
        pieces = []

        async def take(text):
            pieces.append(text)

        with pytest.raises(AgentFailedError) as caught:
            await bob.questions.ask(ada.id, "?", take, timeout_s=5)
        assert pieces == ["so far"]
        assert "secret" not in str(caught.value)


async def test_an_answer_has_a_largest_size():
    async def endless(turn):
        while True:
            await turn.write("x" * MAX_CHUNK)

    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(endless)
        error = await refusal(ada, bob)
        assert isinstance(error, AnswerTooLongError)
        assert agent.turns[0].written == MAX_ANSWER


async def test_an_owner_that_sends_more_than_an_answer_may_have_is_stopped():
    async with nodes("ada", "bob") as (ada, bob):
        taken = 0

        async def take(text):
            nonlocal taken
            taken += len(text)

        async def endless(turn):
            while not turn.stopped.done():
                turn.written = 0
                await turn.write("x" * MAX_CHUNK)

        agent = ada.agent(endless)
        with pytest.raises(AnswerTooLongError):
            await bob.questions.ask(ada.id, "?", take, timeout_s=10)
        assert taken <= MAX_ANSWER
        await until(lambda: agent.ended == 1)


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("agent_request", {}),
        ("agent_request", {"request_id": "0" * 32, "prompt": "?", "deadline": 1.0}),
        ("agent_cancel", {}),
        ("agent_cancel", {"request_id": "0" * 32}),
        ("agent_stream", {"request_id": "0" * 32, "text": "x" * (MAX_CHUNK + 1)}),
        ("agent_stream", {"request_id": "0" * 32, "text": "nobody has asked"}),
        ("agent_result", {"request_id": "0" * 32, "ok": "maybe"}),
    ],
)
async def test_messages_of_another_form_or_at_the_wrong_time_change_nothing(type, data):
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(hello)
        bob.hub.send(ada.id, type, data)
        assert await bob.ask(ada, "still there") == "you asked: still there"
        assert len(agent.turns) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ok": True, "text": "last words"}, "last words"),
        ({"ok": False}, AgentFailedError),
        ({"ok": False, "error": {"code": "unauthorized", "message": "log in"}}, AgentFailedError),
        ({"ok": False, "error": {"code": "busy", "message": "\x1b[2J"}}, BusyError),
        ({"ok": "yes"}, PeerError),
        ({}, PeerError),
    ],
)
async def test_what_an_owner_answers_is_checked(answer, expected):
    async with nodes("ada", "bob") as (ada, bob):

        def reply(message):
            data = {"request_id": message.data["request_id"], **answer}
            message.reply("agent_result", data)

        ada.hub._messenger.handlers._handlers["agent_request"] = (reply, None)
        if isinstance(expected, str):
            assert await bob.ask(ada) == expected
            return
        error = await refusal(ada, bob)
        assert isinstance(error, expected)
        assert "\x1b" not in str(error)


async def test_the_log_tells_of_every_turn_and_nothing_of_what_was_said(caplog):
    caplog.set_level("DEBUG")

    async with nodes("ada", "bob") as (ada, bob):
        ada.agent(hello)
        await bob.ask(ada, "the secret question")
        await until(lambda: ada.log("agent_turn_ended"))
        kinds = [kind for kind, _, _ in ada.log("agent_turn", "agent_turn_ended")]
        assert kinds == ["agent_turn", "agent_turn_ended"]
        ended = ada.log("agent_turn_ended")[0][2]
        assert ended["outcome"] == "ok"
        assert ended["characters"] == len("you asked: the secret question")
        assert "secret" not in str(ada.log()) + str(bob.log())
    assert "secret question" not in caplog.text


async def test_a_full_disk_while_an_answer_is_given_costs_its_end_in_the_log_alone(caplog):
    async with nodes("ada", "bob") as (ada, bob), contextlib.AsyncExitStack() as full:

        async def fill_disks(turn):
            for node in (ada, bob):
                full.enter_context(taking_nothing(node.hub))
            await turn.write("the answer")

        ada.agent(fill_disks)
        assert await bob.ask(ada) == "the answer"
        await until(lambda: ada.turns.under_way == 0)
    told = [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"]
    for kind in ("agent_turn_ended", "agent_asked"):
        assert [line for line in told if f"the audit log misses an entry {kind}" in line]


async def test_without_room_in_the_log_no_question_is_answered_and_a_refusal_keeps_its_reason():
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(hello)
        with taking_nothing(ada.hub):
            with pytest.raises(BusyError, match="cannot store anything"):
                await bob.ask(ada)
            with pytest.raises(UnknownAgentError):
                await bob.ask(ada, agent="nobody")
        assert agent.turns == []


async def test_an_asker_that_does_not_take_holds_no_more_than_one_answer():
    async with nodes("ada", "bob") as (ada, bob):
        ada.agent(lambda turn: turn.write("x" * MAX_ANSWER))
        go_on, taken = asyncio.Event(), []

        async def take(text):
            taken.append(len(text))
            await go_on.wait()

        asking = asyncio.ensure_future(bob.questions.ask(ada.id, "?", take, timeout_s=5))
        await until(lambda: ada.log("agent_turn_ended"))
        go_on.set()
        await asking
        assert sum(taken) == MAX_ANSWER
        assert len(taken) < 70


async def test_more_agents_than_anybody_needs_are_refused():
    async with nodes("ada") as (ada,):
        for number in range(32):
            ada.agent(never, f"agent-{number}")
        with pytest.raises(BusyError):
            ada.agent(never, "one-more")
        ada.board.register(FakeAgent("agent-0", never, Tool("look", read_only=True)))
        assert len(ada.board.agents()) == 32


async def test_a_peer_sees_which_agents_it_may_ask_and_nobody_else_does():
    async with nodes("ada", "bob") as (ada, bob):
        for name in ("one", "two"):
            ada.agent(hello, name)
        listed = await bob.questions.list(ada.id)
        assert [(each.name, each.description, each.default) for each in listed] == [
            ("one", "what one does", False),
            ("two", "what two does", True),
        ]
        ada.board.switch_off()
        with pytest.raises(NotEnabledError):
            await bob.questions.list(ada.id)
        ada.board.switch_on()
        ada.hub.store.update_peer(bob.id, trusted=False)
        ada.hub._peers.known(bob.id).update(ada.hub.store.peer(bob.id))
        with pytest.raises(NotTrustedError):
            await bob.questions.list(ada.id)


async def test_a_peer_that_may_not_ask_an_agent_hears_that_there_is_none():
    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        ada.agent(hello, "open")
        ada.agent(hello, "closed")
        ada.hub.store.set_askers("closed", [cy.id])
        heard = []
        for name in ("closed", "unknown"):
            with pytest.raises(UnknownAgentError) as caught:
                await bob.ask(ada, agent=name)
            heard.append((caught.value.message.replace(name, "NAME"), caught.value.hint))
        assert heard[0] == heard[1]
        assert heard[0][0] == "ada has no agent 'NAME' that answers you"
        assert [each.name for each in await bob.questions.list(ada.id)] == ["open"]
        assert [each.default for each in await bob.questions.list(ada.id)] == [True]
        assert [each.name for each in await cy.questions.list(ada.id)] == ["open", "closed"]
        # Each gets the newest that it may ask.
        await bob.ask(ada)
        await cy.ask(ada)
        assert [each[2]["agent"] for each in ada.log("agent_turn")] == ["open", "closed"]
        codes = [each[2]["code"] for each in ada.log("agent_refused")]
        assert codes == ["agent_not_allowed", "unknown_agent"]
        ada.hub.store.set_askers("open", [])
        with pytest.raises(UnknownAgentError):
            await bob.ask(ada)
        assert await bob.questions.list(ada.id) == []


async def test_who_may_not_ask_any_more_gets_no_more_of_an_answer():
    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        ada.agent(never)
        asking = [asyncio.ensure_future(each.ask(ada)) for each in (bob, cy)]
        await until(lambda: ada.turns.under_way == 2)
        ada.hub.store.set_askers("helper", [cy.id])
        ada.board.tell()
        with pytest.raises(TurnCancelledError):
            await asking[0]
        assert ada.turns.under_way == 1
        ada.board.switch_off()
        with pytest.raises(NotEnabledError):
            await asking[1]
