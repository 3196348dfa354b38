"""Coroutines of agents: one lasting loop for all turns, which no turn stops."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from jupyter_peer import tool
from jupyter_peer.agents.reader import GrantedPane
from jupyter_peer.errors import ToolRefusedError, TurnCancelledError
from tests.agents.servers import kernel, run, servers
from tests.machine.waiting import PATIENCE_S, until

pytestmark = pytest.mark.usefixtures("jp_environ")


@contextlib.asynccontextmanager
async def ada_and_bob(path, **settings):
    async with (
        servers(path, "ada", "bob", **settings) as (ada, bob),
        kernel(ada) as adas,
        kernel(bob) as bobs,
    ):
        await run(adas.agent_on)
        yield adas, bobs, ada


class Model:
    """As clients of language models are: bound to the loop of their first use."""

    def __init__(self):
        self._lock = asyncio.Lock()
        self.loop = None
        self.answers = 0

    async def answer(self):
        loop = asyncio.get_running_loop()
        if self.loop is None:
            self.loop = loop
        if loop is not self.loop or loop.is_closed():
            raise RuntimeError("Event loop is closed")
        async with self._lock:
            self.answers += 1
            return f"answer {self.answers}"


async def test_a_client_made_once_answers_every_question_also_two_at_once(tmp_path):
    model = Model()

    async def agent(turn):
        return await model.answer()

    async with ada_and_bob(tmp_path) as (adas, bobs, _):
        await run(adas.agent, agent)
        one_by_one = [await run(bobs.ask, "ada", "?") for _ in range(3)]
        at_once = await asyncio.gather(*(run(bobs.ask, "ada", "?") for _ in range(2)))
    assert one_by_one == ["answer 1", "answer 2", "answer 3"]
    assert sorted(at_once) == ["answer 4", "answer 5"]


async def test_a_tool_that_waits_for_its_owner_holds_up_no_other_turn(tmp_path):
    def act(what):
        return f"done {what}"

    async def agent(turn):
        if turn.prompt == "quick":
            return "quick answer"
        return await turn.aio.tools.act(turn.prompt)

    async with ada_and_bob(tmp_path) as (adas, bobs, ada):
        await run(adas.agent, agent, tools=[act])
        await run(adas.agent_on, mode="ask")
        browser = await ada.control()
        await browser.ask("approvals")
        waiting = asyncio.ensure_future(run(bobs.ask, "ada", "slow"))
        call = await until(lambda: [e for e in browser.named("approval") if e["approvals"]])
        assert await run(bobs.ask, "ada", "quick") == "quick answer"
        assert not waiting.done()
        await browser.ask("approve", id_=call[-1]["approvals"][0]["id"], allow=True)
        assert await waiting == "done slow"
        await browser.close()


async def test_a_refusal_is_an_exception_where_the_tool_was_called(tmp_path):
    def act():
        return "done"

    async def agent(turn):
        try:
            return await turn.aio.tools.act()
        except ToolRefusedError as error:
            return f"refused: {error.code}"

    async with ada_and_bob(tmp_path) as (adas, bobs, _):
        await run(adas.agent, agent, tools=[act])
        await run(adas.agent_on, mode="ask")
        assert (await run(bobs.ask, "ada", "?")).startswith("refused: ")


async def test_a_turn_that_is_cancelled_ends_where_its_coroutine_waits_and_no_other_does(tmp_path):
    ended = threading.Event()

    def act():
        return "done"

    async def agent(turn):
        if turn.prompt == "other":
            return "other answer"
        try:
            return await turn.aio.tools.act()
        except (TurnCancelledError, asyncio.CancelledError):
            ended.set()
            raise

    async with ada_and_bob(tmp_path) as (adas, bobs, ada):
        await run(adas.agent, agent, tools=[act])
        await run(adas.agent_on, mode="ask")
        browser = await ada.control()
        await browser.ask("approvals")
        asking = asyncio.ensure_future(bobs.aio.ask("ada", "?"))
        await until(lambda: [e for e in browser.named("approval") if e["approvals"]])
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert await run(ended.wait, PATIENCE_S)
        assert await run(bobs.ask, "ada", "other") == "other answer"
        await browser.close()


async def test_everything_of_a_turn_has_a_form_to_await(tmp_path):
    loop_thread = []

    @tool(read_only=True)
    def look(what):
        assert threading.current_thread() is not loop_thread[0]
        return f"seen {what}"

    async def agent(turn):
        loop_thread.append(threading.current_thread())
        for name, pane in (await turn.aio.panes()).items():
            await turn.aio.write(f"{name} shows {await pane.text()}, ")
        yield await turn.aio.tools.look("it")

    async with ada_and_bob(tmp_path) as (adas, bobs, ada):
        await run(adas.agent, agent, tools=[look])
        shown = {"output_type": "stream", "name": "stdout", "text": "0.1"}
        pane = GrantedPane("loss", "", "live", 0.0, 1, [shown])
        ada.extension.context.running.operations.agents.panes_for = lambda node_id: [pane]
        assert await run(bobs.ask, "ada", "?") == "loss shows 0.1, seen it"


@pytest.mark.parametrize(
    "blocking",
    [
        lambda turn, client: turn.panes,
        lambda turn, client: turn.tools.look("it"),
        lambda turn, client: turn.ask("ada", "?"),
        lambda turn, client: client.peers(),
        lambda turn, client: next(client.ask_stream("ada", "?")),
    ],
)
async def test_what_would_block_other_turns_is_an_error_that_names_its_async_form(
    tmp_path, blocking
):
    @tool(read_only=True)
    def look(what):
        return f"seen {what}"

    async with ada_and_bob(tmp_path) as (adas, bobs, _):

        async def agent(turn):
            with pytest.raises(RuntimeError, match=r"await its async form: turn\.aio"):
                blocking(turn, adas)
            return "told"

        await run(adas.agent, agent, tools=[look])
        assert await run(bobs.ask, "ada", "?") == "told"
