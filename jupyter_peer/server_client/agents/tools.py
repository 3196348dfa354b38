"""The tools of an agent in one turn: functions that ask the server before they run."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..connection import Json
from .requests import TurnRequests

Tool = Callable[..., Any]

# More than the server accepts in all: the owner would not read it before allowing the call.
_MAX_VALUE = 60_000
_CONTAINERS = (list, tuple, set, frozenset)
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_MARK = "__jupyter_peer_read_only__"


def tool(function: Tool | None = None, *, read_only: bool = False) -> Tool:
    """Mark a function as a tool of agents: ``@peer.tool(read_only=True)``.

    Args:
        function: The function, when the decorator stands without parentheses.
        read_only: Whether it changes nothing, so that agents may use it without asking the owner.
    """

    def mark(marked: Tool) -> Tool:
        setattr(marked, _MARK, bool(read_only))
        return marked

    return mark if function is None else mark(function)


def is_read_only(function: Tool) -> bool:
    """Return whether a tool is marked as read-only."""
    return getattr(function, _MARK, False) is True


class TurnTools(Mapping[str, Tool]):
    """The tools that the agent may call in a turn, by name and as attributes.

    In ``read-only`` mode these are the tools that are marked read-only. In ``ask`` mode they are
    all; each call of a tool that is not read-only waits for the owner. A refused call raises
    ToolRefusedError. Each tool has the signature, annotations and docstring of its function.

    Args:
        tools: The functions by name.
        mode: Mode of the turn.
    """

    def __init__(self, tools: Mapping[str, Tool], mode: str) -> None:
        self._mode = mode
        self._tools = dict(tools)

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __getattr__(self, name: str) -> Tool:
        try:
            return self.__dict__["_tools"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(
                f"there is no tool {name!r} in this turn (mode {self.__dict__.get('_mode')})"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        return f"<TurnTools {', '.join(self._tools) or 'none'}>"


def allowed(tools: Mapping[str, Tool], mode: str) -> dict[str, Tool]:
    """Return the tools that a mode allows."""
    return {
        name: function
        for name, function in tools.items()
        if mode == "ask" or is_read_only(function)
    }


def asking(requests: TurnRequests, name: str, function: Tool) -> Tool:
    """Return a tool that asks the server before it runs; a coroutine function stays one."""
    if inspect.iscoroutinefunction(function):
        return asking_async(requests, name, function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        requests.request("turn_tool", _call(name, named_arguments(function, args, kwargs)))
        return function(*args, **kwargs)

    return _named(call, name)


def asking_async(requests: TurnRequests, name: str, function: Tool) -> Tool:
    """Return a tool as a coroutine function; other functions run in a thread."""

    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        await allow(requests, name, named_arguments(function, args, kwargs))
        if inspect.iscoroutinefunction(function):
            return await function(*args, **kwargs)
        return await asyncio.to_thread(function, *args, **kwargs)

    return _named(call, name)


async def allow(requests: TurnRequests, name: str, arguments: Mapping[str, Any]) -> None:
    """Return when a tool may be called once with these arguments.

    Raises:
        ToolRefusedError: It may not; the text says why.
    """
    await requests.request_async("turn_tool", _call(name, arguments))


def _named(call: Tool, name: str) -> Tool:
    call.__name__ = name
    return call


def named_arguments(
    function: Tool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a call by the names of the parameters.

    Raises:
        TypeError: The function cannot be called with them.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some builtins have none
        return {**{f"argument {at}": value for at, value in enumerate(args, 1)}, **kwargs}
    return dict(signature.bind(*args, **kwargs).arguments)


def _call(name: str, arguments: Mapping[str, Any]) -> Json:
    # A value that is cut here is still longer than the server accepts.
    written = [
        {"name": key, "value": repr(value)[:_MAX_VALUE], "is_exact": _is_exact(value)}
        for key, value in arguments.items()
    ]
    return {"tool": name, "arguments": written}


def _is_exact(value: object) -> bool:
    """Return whether Python writes the value in full; objects may leave out parts of themselves."""
    if isinstance(value, (list, tuple, set, frozenset)) and type(value) in _CONTAINERS:
        return all(map(_is_exact, value))
    if type(value) is dict:
        return all(_is_exact(key) and _is_exact(each) for key, each in value.items())
    return type(value) in _PLAIN
