"""Agents in kernels, asked from kernels: real servers, real control sockets, real threads."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
import time
import typing

import pytest

from jupyter_peer import tool
from jupyter_peer.errors import (
    AgentFailedError,
    AgentGoneError,
    AgentLoopError,
    BadNameError,
    BadRequestError,
    LookupFailedError,
    NotEnabledError,
    PeerError,
    PeerTimeoutError,
    ToolRefusedError,
    TooManyHopsError,
    TurnCancelledError,
    UnknownAgentError,
)
from tests.agents.servers import kernel, run, servers
from tests.machine.waiting import PATIENCE_S, until

pytestmark = pytest.mark.usefixtures("jp_environ")


@contextlib.asynccontextmanager
async def ada_and_bob(path, **settings):
    """Ada's kernel, whose agents may be asked, and Bob's."""
    async with (
        servers(path, "ada", "bob", **settings) as (ada, bob),
        kernel(ada) as adas,
        kernel(bob) as bobs,
    ):
        await run(adas.agent_on)
        yield adas, bobs, ada, bob


def idle(server):
    """Whether nothing is left of any turn or question."""
    agents = server.extension.context.running.operations.agents
    return agents.turns.under_way == agents.questions.under_way == 0


async def given(turn):
    return "a text"


def generated(turn):
    yield "a "
    yield "text"


async def generated_async(turn):
    yield "a "
    await asyncio.sleep(0)
    yield "text"


@pytest.mark.parametrize(
    "agent", [given, generated, generated_async, lambda turn: "a text", lambda t: iter(["a text"])]
)
async def test_an_agent_gives_its_answer_in_any_way(tmp_path, agent):
    async with ada_and_bob(tmp_path) as (adas, bobs, ada, bob):
        await run(adas.agent, agent, name="helper")
        assert await run(bobs.ask, "ada", "?") == "a text"
        pieces = await run(lambda: list(bobs.ask_stream("ada", "?")))
        assert "".join(pieces) == "a text"
        assert await bobs.aio.ask("ada", "?") == "a text"
        stream = bobs.aio.ask_stream("ada", "?")
        assert "".join([piece async for piece in stream]) == stream.answer == "a text"
        await until(lambda: idle(ada) and idle(bob))


async def test_the_decorator_leaves_the_function_as_it_is_and_takes_its_name(tmp_path):
    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):

        def register():
            @adas.agent
            def plain(turn):
                return f"{turn.peer.label} asks {turn.prompt}"

            @adas.agent(name="named")
            def other(turn):
                return "other"

            return plain, other

        plain, other = await run(register)
        assert plain.__name__ == "plain"
        assert callable(other)
        assert await run(bobs.ask, "ada", "this", agent="plain") == "bob asks this"
        assert await run(bobs.ask, "ada", "this") == "other"
        status = await run(adas.agents)
        assert [agent["name"] for agent in status.agents] == ["plain", "named", "reader"]
        assert (status.default, status.mode, status.on) == ("named", "read-only", True)
        await run(adas.remove_agent, "named")
        with pytest.raises(UnknownAgentError):
            await run(bobs.ask, "ada", "this", agent="named")
        with pytest.raises(LookupFailedError):
            await run(adas.remove_agent, "named")


async def test_nobody_is_answered_before_agents_are_switched_on(tmp_path):
    async with servers(tmp_path, "ada", "bob") as (ada, bob), kernel(ada) as a, kernel(bob) as b:
        await run(a.agent, lambda turn: "yes", name="helper")
        with pytest.raises(NotEnabledError):
            await run(b.ask, "ada", "?")
        await run(a.agent_on)
        assert await run(b.ask, "ada", "?") == "yes"
        await run(a.agent_off)
        with pytest.raises(NotEnabledError):
            await run(b.ask, "ada", "?")


async def test_the_setting_lets_peers_ask_from_the_start(tmp_path):
    settings = {"allow_remote_agent": True, "remote_agent_mode": "ask", "max_prompt": 10}
    async with servers(tmp_path, "ada", "bob", **settings) as (ada, bob), kernel(ada) as a:
        await run(a.agent, lambda turn: turn.mode, name="helper")
        async with kernel(bob) as b:
            assert await run(b.ask, "ada", "?") == "ask"
            with pytest.raises(PeerError, match="at most 10 characters"):
                await run(b.ask, "ada", "x" * 11)


async def test_the_built_in_reader_answers_when_nobody_else_does(tmp_path):
    async with ada_and_bob(tmp_path) as (_, bobs, _, _):
        answer = await run(bobs.ask, "ada", "what do you have?")
        assert "built-in reader" in answer
        assert "No pane is shared with you." in answer


async def test_an_agent_that_fails_is_told_without_its_reason(tmp_path, caplog):
    def fails(turn):
        yield "so far"
        raise RuntimeError("/home/ada")

    async with ada_and_bob(tmp_path) as (adas, bobs, ada, _):
        await run(adas.agent, fails)
        with pytest.raises(AgentFailedError) as caught:
            await run(bobs.ask, "ada", "?")
        assert "home" not in str(caught.value)
        await until(lambda: idle(ada))
        (agent,) = [each for each in (await run(adas.agents)).agents if each["name"] == "fails"]
        assert agent["failure"]["why"] == "RuntimeError: /home/ada"
        assert agent["failure"]["peer"]["node_name"] == "bob"
        assert "fails failed" in (await run(adas.agents)).to_text()
        assert "RuntimeError: /home/ada" in (await run(adas.agents)).to_text()
    assert "/home/ada" in caplog.text  # where its owner looks


async def test_an_agent_that_answers_again_has_no_failure_any_more(tmp_path):
    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, lambda turn: {}[turn.prompt], name="helper")
        with pytest.raises(AgentFailedError):
            await run(bobs.ask, "ada", "?")
        failures = [each["failure"] for each in (await run(adas.agents)).agents]
        assert [failure and failure["why"] for failure in failures] == ["KeyError: '?'", None]
        await run(adas.agent, lambda turn: turn.prompt, name="helper")
        assert await run(bobs.ask, "ada", "?") == "?"
        assert [each["failure"] for each in (await run(adas.agents)).agents] == [None, None]


@pytest.mark.parametrize("name", ["", "no spaces", "x" * 65])
async def test_names_that_cannot_be_used_are_refused(tmp_path, name):
    async with servers(tmp_path, "ada") as (ada,), kernel(ada) as adas:
        with pytest.raises(BadNameError):
            await run(adas.agent, given, name=name)
        with pytest.raises(BadRequestError):
            await run(adas.agent, given, name="helper", tools=[lambda: None])
        with pytest.raises(BadRequestError):
            await run(adas.agent, "not a function", name="helper")
        assert (await run(adas.agents)).agents == []


async def test_two_kernels_do_not_take_each_others_names(tmp_path):
    async with servers(tmp_path, "ada") as (ada,), kernel(ada) as one, kernel(ada, "k2") as two:
        await run(one.agent, given)
        await run(one.agent, given)
        with pytest.raises(BadNameError):
            await run(two.agent, given)


async def test_a_turn_runs_while_the_kernel_is_busy_and_blocks_nobody(tmp_path):
    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        inside, go_on = threading.Event(), threading.Event()

        def slow(turn):
            inside.set()
            go_on.wait(PATIENCE_S)
            return "done"

        await run(adas.agent, slow)
        asking = asyncio.ensure_future(run(bobs.ask, "ada", "?"))
        await run(inside.wait, PATIENCE_S)
        # the client is not held up by it
        assert (await run(adas.whoami)).node_name == "ada"
        go_on.set()
        assert await asking == "done"


async def test_a_turn_sees_the_panes_of_who_asks_and_no_others(tmp_path):
    def look(turn):
        return f"{list(turn.panes)}, {len(turn.panes)}, {'secret' in turn.panes}"

    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, look)
        assert await run(bobs.ask, "ada", "?") == "[], 0, False"

        def other(turn):
            with pytest.raises(LookupFailedError):
                turn.panes["secret"]
            return "none"

        await run(adas.agent, other)
        assert await run(bobs.ask, "ada", "?") == "none"


# Tools.


@tool(read_only=True)
def look(what):
    """Look at something."""
    return f"seen {what}"


@tool
async def act(what, *, hard=False):
    """Do something."""
    return f"done {what}"


def plain(what):
    return f"plain {what}"


async def test_in_read_only_there_are_no_other_tools(tmp_path):
    async def agent(turn):
        assert turn.tools.look.__doc__ == "Look at something."
        with pytest.raises(AttributeError):
            turn.tools.act  # noqa: B018
        return f"{list(turn.tools)} {await turn.aio.tools['look']('it')}"

    async with ada_and_bob(tmp_path) as (adas, bobs, ada, _):
        await run(adas.agent, agent, tools=[look, act, plain])
        assert await run(bobs.ask, "ada", "?") == "['look'] seen it"
        log = [(e.kind, e.detail.get("tool")) for e in ada.hub.store.audit(20)]
        assert ("agent_tool", "look") in log


async def test_the_tools_of_a_turn_are_functions_like_those_they_stand_for(tmp_path):
    @tool(read_only=True)
    def count(what: str, *, twice: bool = False) -> int:
        """Count something."""
        return len(what) * (1 + twice)

    def agent(turn):
        for offered in (turn.tools.count, turn.aio.tools.count):
            assert inspect.isfunction(offered)
            assert (offered.__name__, offered.__doc__) == ("count", "Count something.")
            assert inspect.signature(offered) == inspect.signature(count)
            assert typing.get_type_hints(offered) == typing.get_type_hints(count)
        assert inspect.iscoroutinefunction(turn.aio.tools.count)
        return str(turn.tools.count("abc", twice=True))

    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, agent, tools=[count])
        assert await run(bobs.ask, "ada", "?") == "6"


async def test_in_ask_each_call_waits_for_the_owner(tmp_path):
    async def agent(turn):
        yield await turn.tools.act("it", hard=True)
        try:
            yield await turn.aio.tools.plain("that")
        except ToolRefusedError as error:
            yield f", {error.message}"

    async with ada_and_bob(tmp_path) as (adas, bobs, ada, _):
        await run(adas.agent, agent, tools=[look, act, plain])
        await run(adas.agent_on, mode="ask")
        browser = await ada.control()
        assert await browser.ask("approvals") == {"approvals": []}
        asking = asyncio.ensure_future(run(bobs.ask, "ada", "?"))
        for tool_name, arguments, allow in (
            ("act", {"what": "'it'", "hard": "True"}, True),
            ("plain", {"what": "'that'"}, False),
        ):
            waiting = await until(
                lambda name=tool_name: next(
                    (
                        each
                        for event in browser.named("approval")
                        for each in event["approvals"]
                        if each["tool"] == name
                    ),
                    None,
                )
            )
            assert {each["name"]: each["value"] for each in waiting["arguments"]} == arguments
            assert (waiting["peer_name"], waiting["agent"]) == ("bob", "agent")
            assert (waiting["question"], len(waiting["chain"])) == ("?", 1)
            await browser.ask("approve", id_=waiting["id"], allow=allow)
        assert await asking == "done it, the owner has refused the call"
        with pytest.raises(LookupFailedError):
            await browser.ask("approve", id_=waiting["id"], allow=True)
        await until(lambda: browser.named("approval")[-1] == {"approvals": []})
        await browser.close()


async def test_without_a_browser_the_answer_is_no_at_once(tmp_path):
    def agent(turn):
        try:
            return turn.tools.plain("x")
        except ToolRefusedError as error:
            return error.message

    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, agent, tools=[plain])
        await run(adas.agent_on, mode="ask")
        assert "no browser is open" in await run(bobs.ask, "ada", "?")


# Agents that ask.


async def test_a_question_asked_in_a_turn_says_where_it_comes_from(tmp_path):
    seen = []
    async with (
        servers(tmp_path, "ada", "bob", "cy", allow_remote_agent=True) as (ada, bob, cy),
        kernel(ada) as a,
        kernel(bob) as b,
        kernel(cy) as c,
    ):

        def last(turn):
            seen.append([person.label for person in turn.chain])
            return "."

        await run(c.agent, last)

        def in_thread(work):
            box = []
            thread = threading.Thread(target=lambda: box.append(work()))
            thread.start()
            thread.join(10)
            return box[0]

        def in_context(turn):
            context = contextvars.copy_context()
            return in_thread(lambda: context.run(b.ask, "cy", "?"))

        ways = [
            lambda turn: b.ask("cy", "?"),
            lambda turn: turn.ask("cy", "?"),
            lambda turn: "".join(b.ask_stream("cy", "?")),
            lambda turn: in_thread(lambda: b.ask("cy", "?")),
            in_context,
        ]

        async def async_way(turn):
            return await b.aio.ask("cy", "?") + await asyncio.to_thread(b.ask, "cy", "?")

        for way in [*ways, async_way]:
            await run(b.agent, way, name="middle")
            await run(a.ask, "bob", "?")
        assert seen == [["ada", "bob"]] * 7
        # outside of a turn it is a question of one's own
        seen.clear()
        await run(b.ask, "cy", "?")
        assert seen == [["bob"]]


async def test_a_circle_over_three_kernels_is_refused(tmp_path):
    async with (
        servers(tmp_path, "ada", "bob", "cy", allow_remote_agent=True) as (ada, bob, cy),
        kernel(ada) as a,
        kernel(bob) as b,
        kernel(cy) as c,
    ):
        asked = []
        for client, other in ((a, "bob"), (b, "cy"), (c, "ada")):

            def on(turn, client=client, other=other):
                asked.append(other)
                return client.ask(other, turn.prompt)

            await run(client.agent, on, name="on")
        with pytest.raises(AgentLoopError):
            await run(a.ask, "bob", "?")
        assert asked == ["cy", "ada"]
        await until(lambda: all(idle(each) for each in (ada, bob, cy)))


# Ends.


async def test_who_stops_waiting_ends_the_turn_and_all_it_asked(tmp_path):
    ended = threading.Event()
    async with (
        servers(tmp_path, "ada", "bob", "cy", allow_remote_agent=True) as (ada, bob, cy),
        kernel(ada) as a,
        kernel(bob) as b,
        kernel(cy) as c,
    ):

        async def last(turn):
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        await run(c.agent, last)
        await run(b.agent, lambda turn: b.ask("cy", "?"), name="middle")
        turns = cy.extension.context.running.operations.agents.turns
        for ask in (
            lambda: a.aio.ask("bob", "?"),
            lambda: anext(aiter(a.aio.ask_stream("bob", "?"))),
        ):
            ended.clear()
            asking = asyncio.ensure_future(ask())
            await until(lambda: turns.under_way == 1)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert await run(ended.wait, PATIENCE_S)
            await until(lambda: all(idle(each) for each in (ada, bob, cy)))


async def test_a_stream_that_is_closed_or_forgotten_ends_the_turn(tmp_path):
    async with ada_and_bob(tmp_path) as (adas, bobs, ada, _):

        def endless(turn):
            while not turn.is_over:
                yield "x"

        await run(adas.agent, endless)

        def look_and_leave(close):
            stream = bobs.ask_stream("ada", "?")
            assert next(stream) == "x"
            if close:
                stream.close()
                assert list(stream) == []

        for close in (True, False):
            await run(look_and_leave, close)
            await until(lambda: idle(ada))


async def test_a_kernel_that_is_gone_ends_its_turns(tmp_path):
    async with servers(tmp_path, "ada", "bob", allow_remote_agent=True) as (ada, bob):
        inside, go_on = threading.Event(), threading.Event()

        def slow(turn):
            inside.set()
            go_on.wait(PATIENCE_S)
            return "too late"

        async with kernel(bob) as bobs:
            async with kernel(ada) as adas:
                await run(adas.agent, slow)
                asking = asyncio.ensure_future(run(bobs.ask, "ada", "?"))
                await run(inside.wait, PATIENCE_S)
            with pytest.raises(AgentGoneError):
                await asking
            go_on.set()
            await until(lambda: idle(ada) and idle(bob))
            with pytest.raises(UnknownAgentError):
                await run(bobs.ask, "ada", "?")


async def test_agents_are_up_again_after_their_control_socket_was_lost(tmp_path):
    async with ada_and_bob(tmp_path) as (adas, bobs, ada, _):
        await run(adas.agent, lambda turn: "still here", name="helper")
        agents = ada.extension.context.running.operations.agents
        for session in list(ada.extension.context.sessions):
            session.hang_up()
        await until(lambda: not agents.board.agents() or agents.board.agents()[0].name == "reader")
        await until(lambda: agents.board.default_name() == "helper")
        assert await run(bobs.ask, "ada", "?") == "still here"


async def test_the_deadline_ends_a_turn_in_the_kernel_too(tmp_path):
    begun, over = threading.Event(), threading.Event()

    def slow(turn):
        begun.set()
        while not turn.is_over:
            time.sleep(0.005)
        over.set()
        with pytest.raises(TurnCancelledError):
            turn.panes  # noqa: B018
        return "late"

    async with ada_and_bob(tmp_path) as (adas, bobs, ada, _):
        await run(adas.agent, slow)
        timeout_s = 0.3
        while not begun.is_set():  # a busy machine may begin a turn after its deadline
            with pytest.raises(PeerTimeoutError):
                await run(bobs.ask, "ada", "?", timeout_s)
            timeout_s *= 4
        assert await run(over.wait, PATIENCE_S)
        await until(lambda: idle(ada))


@pytest.mark.parametrize("timeout", [0, -1, 3601, float("nan"), "60", None, True])
async def test_a_timeout_that_is_none_is_refused(tmp_path, timeout):
    async with servers(tmp_path, "ada") as (ada,), kernel(ada) as adas:
        with pytest.raises(BadRequestError):
            await run(adas.ask, "bob", "?", timeout)


class Secretive:
    def __repr__(self):
        return "harmless\u202e\n..."


async def test_the_owner_reads_everything_as_it_is(tmp_path):
    def act(target, *rest, what, **more):
        return "done"

    def agent(turn):
        values = {"list": [1, "a\u200bb"], "array": [Secretive()]}
        return turn.tools.act(Secretive(), "first", what="a\u202eb\n", **values)

    async with ada_and_bob(tmp_path) as (adas, bobs, ada, bob):
        await run(adas.agent, agent, tools=[act])
        await run(adas.agent_on, mode="ask")
        browser = await ada.control()
        await browser.ask("approvals")
        asking = asyncio.ensure_future(run(bobs.ask, "ada", "please\u2066 allow\n\u3164this"))
        (shown,) = (await until(lambda: browser.named("approval")))[-1]["approvals"]
        assert shown["question"] == "please⟨U+2066⟩ allow\n⟨U+3164⟩this"
        assert (shown["peer"], shown["peer_name"]) == (bob.hub.node_id, "bob")
        assert [(a["name"], a["value"], a["is_exact"]) for a in shown["arguments"]] == [
            ("target", "harmless⟨U+202E⟩\n...", False),
            ("rest", "('first',)", True),
            ("what", r"'a\u202eb\n'", True),
            ("more", r"{'list': [1, 'a\u200bb'], 'array': [harmless⟨U+202E⟩" + "\n...]}", False),
        ]
        await browser.ask("approve", id_=shown["id"], allow=True)
        assert await asking == "done"
        await browser.close()


async def test_a_page_that_nobody_sees_is_not_asked(tmp_path):
    def act():
        return "done"

    def agent(turn):
        try:
            return turn.tools.act()
        except ToolRefusedError as error:
            return error.message

    async with ada_and_bob(tmp_path) as (adas, bobs, ada, _):
        await run(adas.agent, agent, tools=[act])
        await run(adas.agent_on, mode="ask")
        browser = await ada.control()
        await browser.ask("approvals")
        await browser.ask("approvals", watching=False)
        assert "no browser is open" in await run(bobs.ask, "ada", "?")
        await browser.close()


async def test_the_owner_sees_each_turn_and_stops_one(tmp_path):
    async def endless(turn):
        await asyncio.Event().wait()

    async with ada_and_bob(tmp_path) as (adas, bobs, ada, bob):
        await run(adas.agent, endless)
        asking = asyncio.ensure_future(run(bobs.ask, "ada", "?"))
        status = await until(lambda: running_turns(adas))
        (turn,) = status.running
        assert (turn["agent"], turn["peer"]["node_id"]) == ("endless", bob.hub.node_id)
        assert [person["label"] for person in turn["chain"]] == ["bob"]
        assert "asked by" in status.to_text()
        await run(adas.stop_turn, turn["turn"])
        with pytest.raises(TurnCancelledError, match="owner of the agent has stopped it"):
            await asking
        with pytest.raises(LookupFailedError):
            await run(adas.stop_turn, turn["turn"])
        await until(lambda: idle(ada))


async def running_turns(client):
    status = await run(client.agents)
    return status if status.running else None


async def test_peers_are_told_what_an_agent_is_for(tmp_path):
    def helper(turn):
        return ""

    helper.__doc__ = "Answer questions about\n    training runs.\n\n    How is not told."

    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, helper)
        await run(adas.agent, given, name="other", description="\u202egnihton")
        agents = {each.name: each for each in await run(bobs.agents_of, "ada")}
        assert agents["helper"].description == "Answer questions about training runs."
        assert agents["other"].description == "⟨U+202E⟩gnihton"
        assert [name for name, each in agents.items() if each.default] == ["other"]
        assert "training runs" in (await run(bobs.agents_of, "ada")).to_text()


async def test_the_owner_chooses_who_may_ask_an_agent_also_by_rest_and_for_its_next_registration(
    tmp_path,
):
    async with ada_and_bob(tmp_path) as (adas, bobs, ada, bob):
        await run(adas.agent, given, name="helper")
        status = await run(adas.agent_allow, "helper", ["bob"])
        assert [each["label"] for each in status.agents[0]["askers"]] == ["bob"]
        assert "bob" in status.to_text()
        assert await run(bobs.ask, "ada", "?", agent="helper") == "a text"
        await ada.call("PUT", "agents/helper/askers", {"only": []})
        await run(adas.remove_agent, "helper")
        await run(adas.agent, given, name="helper")
        assert "nobody" in (await run(adas.agents)).to_text()
        with pytest.raises(UnknownAgentError):
            await run(bobs.ask, "ada", "?", agent="helper")
        assert [each["name"] for each in await run(bobs.agents_of, "ada")] == ["reader"]
        assert (await run(adas.agent_allow, "helper")).agents[0]["askers"] is None
        assert await run(bobs.ask, "ada", "?", agent="helper") == "a text"
        log = (await ada.call("GET", "audit"))["audit"]
        noted = [each["detail"]["only"] for each in log if each["kind"] == "agent_allowed"]
        assert noted == [None, [], [bob.hub.node_id]]
        for agent, only in (("other", None), ("helper", ["nobody"])):
            with pytest.raises(LookupFailedError):
                await run(adas.agent_allow, agent, only)


async def test_with_one_hop_no_question_is_answered_that_another_agent_passes_on(tmp_path):
    async with (
        servers(tmp_path, "ada", "bob", "cy", max_peer_hops=1) as (ada, bob, cy),
        kernel(ada) as adas,
        kernel(bob) as bobs,
        kernel(cy) as cys,
    ):
        await run(bobs.agent, lambda turn: turn.ask("cy", turn.prompt), name="passes-on")
        await run(cys.agent, given, name="helper")
        for client in (bobs, cys):
            await run(client.agent_on)
        assert await run(adas.ask, "cy", "?") == "a text"
        with pytest.raises(TooManyHopsError):
            await run(adas.ask, "bob", "?")
        log = (await cy.call("GET", "audit"))["audit"]
        assert [e["detail"]["code"] for e in log if e["kind"] == "agent_refused"] == [
            "too_many_hops"
        ]
