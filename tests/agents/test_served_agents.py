"""Agents of pydantic-ai, served to peers: text in pieces, tools within the rules of a turn."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

import pytest

from jupyter_peer import tool
from jupyter_peer.errors import BadNameError, BadRequestError
from jupyter_peer.server_client.agents.agent_loop import agent_loop
from tests.agents.model_server import model_server
from tests.agents.servers import kernel, run, servers
from tests.machine.needs import needs_module
from tests.machine.waiting import until

pytestmark = pytest.mark.usefixtures("jp_environ")

TURNS = {"agent_turns_a_minute": 100, "agent_turns_at_once": 4, "allow_remote_agent": True}


@contextlib.asynccontextmanager
async def ada_and_bob(path, make_agent, mode="read-only", **serve):
    """Yield what the model is, Ada's browser, and Bob's client; Ada serves the agent."""
    needs_module("pydantic_ai", "agents")
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async with (
        model_server() as model,
        servers(path, "ada", "bob", **TURNS) as (ada, bob),
        kernel(ada) as adas,
        kernel(bob) as bobs,
    ):
        client = AsyncOpenAI(base_url=model.url, api_key="none", max_retries=0)
        chat = OpenAIChatModel("fake", provider=OpenAIProvider(openai_client=client))
        await run(adas.agent_on, mode=mode)
        await run(adas.serve, make_agent(chat), **serve)
        browser = await ada.control()
        try:
            yield model, browser, bobs
        finally:
            await browser.close()
            await run(agent_loop().submit(client.close()).result)


@dataclasses.dataclass
class Epoch:
    epoch: int


def with_tools(chat):
    from pydantic_ai import Agent

    agent = Agent(chat, name="helper")

    @agent.tool_plain
    @tool(read_only=True)
    def look(what: str) -> str:
        """Look at something."""
        return f"seen {what}"

    @agent.tool_plain
    def act(what: str) -> str:
        """Do something."""
        return f"done {what}"

    @agent.tool_plain(requires_approval=True)
    def deliberate(what: str) -> str:
        """Do something that its author wants to be approved."""
        return f"deliberated {what}"

    return agent


def calling(name, **arguments):
    """A model that calls one tool and then says what it got."""

    def reply(messages):
        last = messages[-1]
        return last["content"] if last["role"] == "tool" else [(name, arguments)]

    return reply


def offered(model):
    return [{t["function"]["name"] for t in each.get("tools", ())} for each in model.asked]


async def test_its_text_comes_in_pieces_also_of_two_questions_at_once(tmp_path):
    async with ada_and_bob(tmp_path, with_tools) as (_, _, bobs):
        pieces = await run(lambda: list(bobs.ask_stream("ada", "this")))
        assert len(pieces) > 1
        assert "".join(pieces) == "you said this "
        asked = [run(bobs.ask, "ada", f"question {n}", agent="helper") for n in range(4)]
        assert await asyncio.gather(*asked) == [f"you said question {n} " for n in range(4)]


async def test_its_model_sees_the_conversation_so_far(tmp_path):
    async with ada_and_bob(tmp_path, with_tools) as (model, _, bobs):
        first = await run(bobs.ask, "ada", "one")
        await run(bobs.ask, "ada", "two", after=first)
        said = [(each["role"], each["content"]) for each in model.asked[-1]["messages"]]
        assert said == [("user", "one"), ("assistant", "you said one "), ("user", "two")]


async def test_a_tool_that_only_looks_is_used_without_asking(tmp_path):
    async with ada_and_bob(tmp_path, with_tools) as (model, _, bobs):
        model.reply = calling("look", what="it")
        assert await run(bobs.ask, "ada", "?") == "seen it "
        assert offered(model) == [{"look"}] * 2


async def test_in_read_only_a_model_that_calls_another_tool_hears_that_there_is_none(tmp_path):
    async with ada_and_bob(tmp_path, with_tools) as (model, _, bobs):
        model.reply = calling("act", what="it")
        model.reply = lambda messages, reply=model.reply: (
            "so be it" if len(messages) > 1 else reply(messages)
        )
        assert await run(bobs.ask, "ada", "?") == "so be it "


@pytest.mark.parametrize(("name", "done"), [("act", "done it "), ("deliberate", "deliberated it ")])
async def test_each_other_call_is_asked_for_once_and_runs_when_allowed(tmp_path, name, done):
    async with ada_and_bob(tmp_path, with_tools, "ask") as (model, browser, bobs):
        model.reply = calling(name, what="it")
        await browser.ask("approvals")
        asking = asyncio.ensure_future(run(bobs.ask, "ada", "?"))
        (approval,) = await pending(browser)
        assert approval["tool"] == name
        assert approval["arguments"] == [{"name": "what", "value": "'it'", "is_exact": True}]
        await browser.ask("approve", id_=approval["id"], allow=True)
        assert await asking == done
        assert {a["id"] for e in browser.named("approval") for a in e["approvals"]} == {1}


@pytest.mark.parametrize("name", ["act", "deliberate"])
async def test_a_refused_call_is_a_result_from_which_the_model_goes_on(tmp_path, name):
    async with ada_and_bob(tmp_path, with_tools, "ask") as (model, browser, bobs):
        model.reply = calling(name, what="it")
        refused = f"This call of {name} was refused: "
        assert (await run(bobs.ask, "ada", "?")).startswith(f"{refused}no browser is open")
        await browser.ask("approvals")
        asking = asyncio.ensure_future(run(bobs.ask, "ada", "?"))
        (approval,) = await pending(browser)
        await browser.ask("approve", id_=approval["id"], allow=False)
        assert (await asking).startswith(f"{refused}the owner has refused the call")


async def test_names_can_say_what_only_looks(tmp_path):
    async with ada_and_bob(tmp_path, with_tools, read_only=["act"]) as (model, _, bobs):
        model.reply = calling("act", what="it")
        assert await run(bobs.ask, "ada", "?") == "done it "


async def test_tools_nobody_named_are_not_offered_whatever_the_mode(tmp_path):
    def make(chat):
        from pydantic_ai import Agent, FunctionToolset
        from pydantic_ai.toolsets import PrefixedToolset

        def delete() -> str:
            return "deleted"

        def search() -> str:
            return "found"

        toolset = PrefixedToolset(FunctionToolset([delete, search]), "other")
        return Agent(chat, name="helper", toolsets=[toolset])

    async with ada_and_bob(tmp_path, make, "ask", tools=["other_search"]) as (model, _, bobs):
        await run(bobs.ask, "ada", "?")
        assert offered(model) == [{"other_search"}]


async def test_a_cancelled_question_ends_the_models_answer(tmp_path):
    async with ada_and_bob(tmp_path, with_tools) as (model, _, bobs):
        model.hold.clear()
        stream = bobs.aio.ask_stream("ada", "this")
        assert await anext(stream) == "you "
        stream.close()
        await until(lambda: model.abandoned == 1)
        model.hold.set()
        assert await run(bobs.ask, "ada", "again") == "you said again "


async def test_an_output_that_is_no_text_is_written_as_json(tmp_path):
    def make(chat):
        from pydantic_ai import Agent, ToolOutput

        return Agent(chat, name="helper", output_type=ToolOutput(Epoch, name="result"))

    async with ada_and_bob(tmp_path, make) as (model, _, bobs):
        model.reply = lambda messages: [("result", {"epoch": 7})]
        assert await run(bobs.ask, "ada", "?") == '{\n  "epoch": 7\n}'


async def test_what_is_no_agent_of_pydantic_ai_is_refused(tmp_path):
    needs_module("pydantic_ai", "agents")
    async with servers(tmp_path, "ada") as (ada,), kernel(ada) as adas:
        with pytest.raises(BadRequestError, match="cannot serve a str"):
            await run(adas.serve, "an agent", "helper")
        from pydantic_ai import Agent

        with pytest.raises(BadNameError):
            await run(adas.serve, Agent(), "no spaces")


async def pending(browser):
    newest = await until(lambda: [e for e in browser.named("approval") if e["approvals"]])
    return newest[-1]["approvals"]
