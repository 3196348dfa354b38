"""An agent with one ``AsyncOpenAI`` for all its turns, as the top of a notebook creates it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from jupyter_peer.errors import AgentGoneError, UnknownAgentError
from jupyter_peer.server_client.agents.agent_loop import agent_loop
from tests.agents.model_server import model_server
from tests.agents.servers import kernel, run, servers
from tests.machine.needs import needs_module
from tests.machine.waiting import until

pytestmark = pytest.mark.usefixtures("jp_environ")

TURNS = {"agent_turns_a_minute": 100, "agent_turns_at_once": 4, "allow_remote_agent": True}


@contextlib.asynccontextmanager
async def openai_agent(url):
    needs_module("openai", "test")
    from openai import AsyncOpenAI

    model = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)

    async def helper(turn):
        messages = [{"role": "user", "content": turn.prompt}]
        async with await model.chat.completions.create(
            model="fake", messages=messages, stream=True
        ) as stream:
            async for chunk in stream:
                yield chunk.choices[0].delta.content or ""

    yield helper
    await run(agent_loop().submit(model.close()).result)


async def test_twenty_questions_are_answered_over_connections_that_are_kept(tmp_path):
    async with (
        model_server() as model,
        openai_agent(model.url) as helper,
        servers(tmp_path, "ada", "bob", **TURNS) as (ada, bob),
        kernel(ada) as adas,
        kernel(bob) as bobs,
    ):
        await run(adas.agent, helper)
        answers = [await run(bobs.ask, "ada", f"question {n}") for n in range(16)]
        at_once = await asyncio.gather(*(run(bobs.ask, "ada", f"at once {n}") for n in range(4)))
    assert answers == [f"you said question {n} " for n in range(16)]
    assert at_once == [f"you said at once {n} " for n in range(4)]
    assert len(model.asked) == 20
    # Those that were put one after the other shared one connection.
    assert model.connections <= 4


async def test_a_question_that_is_cancelled_ends_the_models_answer_and_no_other(tmp_path):
    async with (
        model_server() as model,
        openai_agent(model.url) as helper,
        servers(tmp_path, "ada", "bob", **TURNS) as (ada, bob),
        kernel(ada) as adas,
        kernel(bob) as bobs,
    ):
        await run(adas.agent, helper)
        model.hold.clear()
        stream = bobs.aio.ask_stream("ada", "cancelled")
        other = asyncio.ensure_future(run(bobs.ask, "ada", "not cancelled"))
        assert await anext(stream) == "you "
        await until(lambda: len(model.asked) == 2)
        stream.close()
        await until(lambda: model.abandoned == 1)
        model.hold.set()
        assert await other == "you said not cancelled "
        assert await run(bobs.ask, "ada", "again") == "you said again "


async def test_a_kernel_that_restarts_ends_its_questions_and_its_next_agent_answers(tmp_path):
    async with (
        model_server() as model,
        openai_agent(model.url) as helper,
        servers(tmp_path, "ada", "bob", **TURNS) as (ada, bob),
        kernel(bob) as bobs,
    ):
        async with kernel(ada) as adas:
            await run(adas.agent, helper)
            model.hold.clear()
            asking = asyncio.ensure_future(run(bobs.ask, "ada", "before"))
            await until(lambda: model.asked)
        with pytest.raises(AgentGoneError):
            await asking
        await until(lambda: model.abandoned == 1)
        with pytest.raises(UnknownAgentError):
            await run(bobs.ask, "ada", "between")
        model.hold.set()
        async with kernel(ada) as adas:
            await run(adas.agent, helper)
            assert await run(bobs.ask, "ada", "after") == "you said after "
