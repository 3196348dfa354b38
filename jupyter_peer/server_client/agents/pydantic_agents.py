"""Serves agents of pydantic-ai: streams their text, and asks about each call of a tool.

Two hooks of a run apply the rules of a turn. One hides the tools that the mode does not allow, the
other asks the server before a tool runs. A refusal becomes the tool's result, so the model can go on.
Tools that run at the model's provider are hidden: nobody here could be asked about their calls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from typing import Any

from ...errors import BadRequestError, ToolRefusedError
from .local_agent import LocalAgent, local_agent
from .tools import allow, is_read_only
from .turn import Exchange, Turn


def served_agent(
    agent: Any,
    name: str | None,
    read_only: Sequence[str],
    tools: Sequence[str],
    description: str = "",
) -> LocalAgent:
    """Return an agent of pydantic-ai as an agent of this kernel; see :meth:`.Client.serve`.

    Raises:
        BadNameError, BadRequestError: The agent cannot be served, or its name cannot be used.
    """
    try:
        from pydantic_ai.agent import AbstractAgent
    except ModuleNotFoundError:
        raise BadRequestError(
            "the Python package pydantic-ai is not installed",
            hint="pip install 'jupyter-peer[agents]', or register a function with me.agent",
        ) from None
    if not isinstance(agent, AbstractAgent):
        raise BadRequestError(
            f"me.serve cannot serve a {type(agent).__name__}",
            hint="give an Agent of pydantic-ai, or register a function with me.agent",
        )
    marks = {**dict.fromkeys(tools, False), **_function_tools(agent)}
    marks.update(dict.fromkeys(read_only, True))

    async def answer(turn: Turn) -> AsyncIterator[str]:
        usable = {tool for tool, only_looks in marks.items() if only_looks or turn.mode == "ask"}
        async with agent.run_stream_events(
            turn.prompt,
            message_history=_messages(await turn.aio.history()),
            capabilities=[_rules(turn, usable)],
        ) as events:
            async for event in events:
                if text := _text_of(event):
                    yield text

    return local_agent(answer, name or agent.name or "agent", marks, description=description)


def _messages(history: list[Exchange]) -> list[Any]:
    """Return a conversation so far as messages of pydantic-ai."""
    from pydantic_ai import messages

    said: list[Any] = []
    for question, answer in history:
        said.append(messages.ModelRequest(parts=[messages.UserPromptPart(question)]))
        said.append(messages.ModelResponse(parts=[messages.TextPart(answer)]))
    return said


def _function_tools(agent: Any) -> dict[str, bool]:
    """Return for each tool that is a function of the notebook whether it is read-only, by name."""
    return {
        name: is_read_only(tool.function)
        for toolset in agent.toolsets
        for name, tool in getattr(toolset, "tools", {}).items()
    }


def _rules(turn: Turn, usable: set[str]) -> Any:
    """Return the hooks that apply the rules of a turn.

    Args:
        turn: The question.
        usable: Names of the tools that the mode allows.
    """
    from pydantic_ai.capabilities import Hooks
    from pydantic_ai.tools import DeferredToolResults, ToolDenied

    async def refusal(tool: str, arguments: dict[str, Any]) -> str | None:
        try:
            await allow(turn, tool, arguments)
        except ToolRefusedError as error:
            return f"This call of {tool} was refused: {error.message}. Answer without it."
        return None

    def prepare(ctx: Any, found: list[Any]) -> list[Any]:
        return [tool for tool in found if tool.name in usable]

    def request(ctx: Any, asked: Any) -> Any:
        parameters = dataclasses.replace(asked.model_request_parameters, native_tools=[])
        return dataclasses.replace(asked, model_request_parameters=parameters)

    async def execute(ctx: Any, *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
        # The owner approved this call below, when the run deferred it.
        refused = None if ctx.tool_call_approved else await refusal(call.tool_name, args)
        return await handler(args) if refused is None else refused

    async def deferred(ctx: Any, *, requests: Any) -> Any:
        approvals: dict[str, Any] = {}
        for call in requests.approvals:
            refused = await refusal(call.tool_name, call.args_as_dict())
            approvals[call.tool_call_id] = True if refused is None else ToolDenied(refused)
        return DeferredToolResults(approvals=approvals)

    return Hooks(
        prepare_tools=prepare,
        before_model_request=request,
        tool_execute=execute,
        deferred_tool_calls=deferred,
    )


def _text_of(event: Any) -> str:
    """Return the text that an event of a run adds to the answer."""
    from pydantic_ai import messages
    from pydantic_ai.run import AgentRunResultEvent
    from pydantic_core import to_json

    if isinstance(event, messages.PartStartEvent) and isinstance(event.part, messages.TextPart):
        return str(event.part.content)
    if isinstance(event, messages.PartDeltaEvent) and isinstance(
        event.delta, messages.TextPartDelta
    ):
        return str(event.delta.content_delta)
    if isinstance(event, messages.PartEndEvent) and isinstance(event.part, messages.TextPart):
        # Another part follows: text, or the call of a tool.
        return "\n\n" if event.next_part_kind is not None else ""
    if isinstance(event, AgentRunResultEvent) and not isinstance(event.result.output, str):
        return str(to_json(event.result.output, indent=2, fallback=str), "utf-8")
    return ""
