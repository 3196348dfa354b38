"""An agent of this kernel: its name, its function, and its tools."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import BadNameError, BadRequestError
from ...wire.payloads.agents import MAX_DESCRIPTION
from ..connection import Json
from .failures import FailureReport
from .tools import Tool, is_read_only
from .turn import Turn

Answering = Callable[[Turn], Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class LocalAgent(NamedTuple):
    """An agent of this kernel.

    Attributes:
        name: Name by which peers ask the agent.
        answer: The callable that answers a turn.
        marks: Whether each of its tools is read-only, by the tool's name.
        tools: The tools that a turn offers as functions.
        description: Description for peers.
        report: Shows failures below the cell that registered the agent.
    """

    name: str
    answer: Answering
    marks: Mapping[str, bool]
    tools: Mapping[str, Tool]
    description: str
    report: FailureReport

    def params(self) -> Json:
        """Return the parameters of its registration with the server."""
        tools = [{"name": name, "read_only": mark} for name, mark in self.marks.items()]
        return {"name": self.name, "tools": tools, "description": self.description}


def local_agent(
    answer: Answering,
    name: str,
    marks: Mapping[str, bool],
    tools: Mapping[str, Tool] = {},
    description: str = "",
) -> LocalAgent:
    """Return an agent whose name and tools can be used.

    Raises:
        BadNameError, BadRequestError: The name or a tool cannot be used.
    """
    if not _NAME.fullmatch(name):
        raise BadNameError(
            f"{name!r} cannot be the name of an agent",
            hint="use up to 64 letters, digits, dots, dashes and underscores",
        )
    for tool in marks:
        if not tool.isidentifier():
            raise BadRequestError(
                f"{tool!r} cannot be the name of a tool", hint="a tool is a function with a name"
            )
    return LocalAgent(name, answer, dict(marks), dict(tools), _first(description), FailureReport())


def function_agent(
    answer: object, name: str | None, tools: Sequence[Tool], description: str = ""
) -> LocalAgent:
    """Return a function as an agent; see :meth:`.Client.agent`.

    Raises:
        BadNameError, BadRequestError: Its name or a tool cannot be used.
    """
    if not callable(answer):
        raise BadRequestError(
            f"a {type(answer).__name__} cannot be an agent",
            hint="register a function that takes a turn",
        )
    by_name = {getattr(function, "__name__", ""): function for function in tools}
    if len(by_name) < len(tools):
        raise BadRequestError("two tools have the same name", hint="rename one of the functions")
    marks = {tool: is_read_only(function) for tool, function in by_name.items()}
    called = name if name is not None else getattr(answer, "__name__", "")
    return local_agent(answer, called, marks, by_name, description or inspect.getdoc(answer) or "")


def _first(text: str) -> str:
    """Return the first paragraph of a text as one line."""
    return " ".join(text.strip().partition("\n\n")[0].split())[:MAX_DESCRIPTION]
