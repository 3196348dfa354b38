"""One coroutine, two faces: a method that blocks and a method that can be awaited.

Each call is written once, as a coroutine of a core that runs on the client's own thread. A *face*
(client, view, shared pane) has such a core. It offers the core's coroutines under the same names,
with the same signatures and docstrings: a :class:`Blocking` face as methods that block, an
:class:`Awaiting` face as coroutines of the caller's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from ..errors import PeerError
from .connection import LoopThread, check_may_block

P = ParamSpec("P")
T = TypeVar("T")
Shape = TypeVar("Shape")
C = TypeVar("C")
AnyCore = TypeVar("AnyCore", bound=Any)

# Windows cannot interrupt a wait without a timeout.
_GLANCE = 0.2
_STEPS = "on_progress"


class Face(Generic[C]):
    """An object whose coroutines belong to ``core`` and run on ``thread``."""

    def __init__(self, core: C, thread: LoopThread) -> None:
        self.core = core
        self.thread = thread


class Blocking(Face[C]):
    """A face whose :class:`exposed` calls block."""


class Awaiting(Face[C]):
    """A face whose :class:`exposed` calls are coroutines of the caller's loop."""


class Core:
    """An object whose :class:`exposed` calls are coroutines of the client's own loop."""


class exposed(Generic[P, T]):  # noqa: N801 - a decorator
    """A coroutine of a core that is also a call of its faces.

    The class with the coroutines is a base of the core and of both faces. Its ``self`` is the core.
    """

    def __init__(self, work: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None:
        self._of: dict[type, Callable[..., Any]] = {
            Blocking: blocking(work),
            Awaiting: awaiting(work),
            object: work,
        }
        self.__doc__ = work.__doc__

    @overload
    def __get__(self, it: Core, owner: Any) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, it: Blocking[Any], owner: Any) -> Callable[P, T]: ...
    @overload
    def __get__(self, it: Awaiting[Any], owner: Any) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, it: None, owner: Any) -> Callable[..., Any]: ...
    def __get__(self, it: Any, owner: Any) -> Any:
        kind = next(kind for kind in self._of if issubclass(owner, kind))
        return self._of[kind] if it is None else MethodType(self._of[kind], it)


def blocking(
    work: Callable[Concatenate[AnyCore, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], T]:
    """Return a method that runs the core's coroutine and blocks until it is done.

    An interrupt (KeyboardInterrupt) ends the wait and cancels the coroutine. ``on_progress`` is
    called in the caller's thread.
    """

    @functools.wraps(work)
    def call(self: Face[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        steps: SimpleQueue[Any] = SimpleQueue()
        on_progress: Any = kwargs.get(_STEPS)
        if on_progress is not None:
            kwargs[_STEPS] = steps.put
        return wait(self.thread, work(self.core, *args, **kwargs), steps, on_progress)

    return call


def awaiting(
    work: Callable[Concatenate[AnyCore, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """Return a coroutine method for the caller's own loop; ``on_progress`` is called there."""

    @functools.wraps(work)
    async def call(self: Face[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        on_progress: Any = kwargs.get(_STEPS)
        if on_progress is not None:
            loop = asyncio.get_running_loop()
            kwargs[_STEPS] = functools.partial(loop.call_soon_threadsafe, on_progress)
        try:
            return await asyncio.wrap_future(self.thread.submit(work(self.core, *args, **kwargs)))
        except PeerError as error:
            raise error.with_traceback(None) from None

    return call


def blocking_into(
    face: Callable[[T, LoopThread], Shape],
    work: Callable[Concatenate[AnyCore, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], Shape]:
    """Make a call block as :func:`blocking` does; its result is the core of another face."""
    method = blocking(work)

    @functools.wraps(work)
    def call(self: Face[Any], /, *args: P.args, **kwargs: P.kwargs) -> Shape:
        return face(method(self, *args, **kwargs), self.thread)

    return call


def awaiting_into(
    face: Callable[[T, LoopThread], Shape],
    work: Callable[Concatenate[AnyCore, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, Shape]]:
    """Make a call awaitable as :func:`awaiting` does; its result is the core of another face."""
    method = awaiting(work)

    @functools.wraps(work)
    async def call(self: Face[Any], /, *args: P.args, **kwargs: P.kwargs) -> Shape:
        return face(await method(self, *args, **kwargs), self.thread)

    return call


def wait(
    thread: LoopThread,
    work: Coroutine[Any, Any, T],
    steps: SimpleQueue[Any] | None = None,
    on_step: Callable[[Any], None] | None = None,
) -> T:
    """Run a coroutine on the thread and block until it is done.

    Raises:
        RuntimeError: The caller runs in an event loop that others use.
    """
    try:
        check_may_block()
    except RuntimeError:
        work.close()
        raise
    steps = SimpleQueue() if steps is None else steps
    future = thread.submit(work)
    future.add_done_callback(steps.put)
    try:
        _follow(steps, on_step)
    except BaseException:
        # Usually an interrupt: nobody waits for the answer any more.
        future.cancel()
        raise
    try:
        return future.result()
    except PeerError as error:
        # The traceback of the other thread would bury the message.
        raise error.with_traceback(None) from None


def _follow(steps: SimpleQueue[Any], on_step: Callable[[Any], None] | None) -> None:
    """Handle steps until the future itself arrives.

    A function of its own, because Python 3.11 raises an interrupt that arrives at the jump of a
    loop as if it came from before the loop: a ``try`` around the loop alone would miss it.
    """
    while True:
        step = wait_step(steps)
        if isinstance(step, Future):
            return
        if on_step is not None:
            on_step(step)


def wait_step(steps: SimpleQueue[T]) -> T:
    """Return the next step; an interrupt ends the wait on every system.

    Raises:
        RuntimeError: The caller runs in an event loop that others use.
    """
    check_may_block()
    while True:
        with contextlib.suppress(Empty):
            return steps.get(timeout=_GLANCE)
