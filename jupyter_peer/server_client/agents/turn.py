"""One turn of an agent in this kernel: the question, and what the agent may use to answer it.

Each turn runs in a thread of its own, in which everything here may be called; it waits there and
nowhere else. Which turn it is is known in that thread, in every coroutine and thread that takes its
context along (``asyncio.to_thread`` does), and of other threads as far as that can be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextvars import ContextVar
from typing import Any, TypeVar

from ...document.plain_text import to_text
from ...errors import BadRequestError, LookupFailedError, TurnCancelledError
from ..connection import Json, LoopThread
from ..core import ServerCore
from ..results.answers import Answer
from ..results.results import Record

T = TypeVar("T")

_ASK_TIMEOUT = 60.0
_WRITE_TIMEOUT = 3600.0
# What is longer is refused by the server: nobody would read it before allowing it.
_MAX_ARGUMENTS = 60_000
_MARK = "__jupyter_peer_read_only__"

current: ContextVar[Turn | None] = ContextVar("jupyter_peer_turn", default=None)
_running: set[Turn] = set()


def tool(
    function: Callable[..., Any] | None = None, *, read_only: bool = False
) -> Callable[..., Any]:
    """Mark a function as a tool of agents: ``@peer.tool(read_only=True)``.

    Args:
        function: The function, when it stands without parentheses.
        read_only: That it changes nothing, so that agents may use it without asking the owner.
    """

    def mark(marked: Callable[..., Any]) -> Callable[..., Any]:
        setattr(marked, _MARK, bool(read_only))
        return marked

    return mark if function is None else mark(function)


def is_read_only(function: Callable[..., Any]) -> bool:
    """Return whether a tool is marked as one that only looks."""
    return getattr(function, _MARK, False) is True


def turn_of_caller(client: LoopThread) -> int | None:
    """Return the number of the turn in which this is called; None outside of any.

    Args:
        client: The thread of the client that asks; turns of another are none of its server's.

    Raises:
        BadRequestError: It is a thread that was started by one of several turns, nobody knows by
            which.
    """
    turn = current.get()
    if turn is not None:
        return turn.number if turn.thread is client and not turn.is_over else None
    running = [turn for turn in list(_running) if turn.thread is client and not turn.is_over]
    if threading.current_thread() is threading.main_thread() or not running:
        return None
    # A thread knows nothing of who has started it. To take a question of the user's own for one of
    # the turn's costs it a hop; the other way round would lose where it comes from.
    if len(running) > 1:
        raise BadRequestError(
            "several turns run here, and it cannot be told for which of them this is asked",
            hint="use turn.ask, or start the thread with contextvars.copy_context().run",
        )
    return running[0].number


class TurnPane:
    """A pane that the asker may see: ``name, title, status, since, rev``, and what it shows."""

    def __init__(self, turn: Turn, fields: Json) -> None:
        self._turn = turn
        self.name: str = fields["name"]
        self.title: str = fields.get("title", "")
        self.status: str = fields.get("status", "")
        self.since: float = fields.get("since", 0.0)
        self.rev: int = fields.get("rev", 0)

    @property
    def outputs(self) -> list[Json]:
        """What it shows now, as nbformat has it."""
        answer = self._turn.request("turn_pane", {"name": self.name})
        outputs: list[Json] = answer["outputs"]
        return outputs

    @property
    def text(self) -> str:
        """What it shows now, as plain text."""
        return "\n".join(to_text(output) for output in self.outputs)

    def __repr__(self) -> str:
        return f"<TurnPane {self.name} ({self.status})>"


class TurnPanes(Mapping[str, TurnPane]):
    """The panes that the asker may see, by name."""

    def __init__(self, turn: Turn) -> None:
        found = turn.request("turn_panes")["panes"]
        self._panes = {fields["name"]: TurnPane(turn, fields) for fields in found}

    def __getitem__(self, name: str) -> TurnPane:
        try:
            return self._panes[name]
        except KeyError:
            raise LookupFailedError(f"who asks cannot see a pane {name!r}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._panes

    def __iter__(self) -> Iterator[str]:
        return iter(self._panes)

    def __len__(self) -> int:
        return len(self._panes)

    def __repr__(self) -> str:
        return f"<TurnPanes {', '.join(self._panes) or 'none'}>"


class TurnTools(Mapping[str, Callable[..., Any]]):
    """The tools the agent may call in a turn, by name and as attributes.

    In ``read-only`` those that are marked read-only; in ``ask`` all, and each call of one that is
    not waits for the owner. A call that is refused raises ToolRefusedError.
    """

    def __init__(self, turn: Turn, tools: Mapping[str, Callable[..., Any]]) -> None:
        self._mode = turn.mode
        self._tools = {
            name: _guarded(turn, name, function)
            for name, function in tools.items()
            if turn.mode == "ask" or is_read_only(function)
        }

    def __getitem__(self, name: str) -> Callable[..., Any]:
        return self._tools[name]

    def __getattr__(self, name: str) -> Callable[..., Any]:
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


def _guarded(turn: Turn, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def params(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Json:
        written = [*map(repr, args), *(f"{key}={value!r}" for key, value in kwargs.items())]
        return {"tool": name, "arguments": ", ".join(written)[:_MAX_ARGUMENTS]}

    if inspect.iscoroutinefunction(function):

        async def call_async(*args: Any, **kwargs: Any) -> Any:
            await asyncio.wrap_future(turn.submit("turn_tool", params(args, kwargs)))
            return await function(*args, **kwargs)

        guarded: Callable[..., Any] = call_async
    else:

        def call(*args: Any, **kwargs: Any) -> Any:
            turn.request("turn_tool", params(args, kwargs))
            return function(*args, **kwargs)

        guarded = call
    guarded.__name__, guarded.__doc__ = name, function.__doc__
    with contextlib.suppress(TypeError, ValueError):
        guarded.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return guarded


class Turn:
    """A question, for the agent that answers it.

    Args:
        fields: As the ``turn`` event has them.
        calls: The client's calls.
        thread: Where those run.
        tools: Those of the agent, by name.

    Attributes:
        number: Names it on this server.
        prompt: The question: a stranger's text.
        peer: Who sent it: ``node_id, node_name, alias, label``.
        chain: The same of everybody it has come through, the first asker first, ``peer`` last.
        deadline: Until when it can be answered, epoch seconds.
        mode: ``read-only`` or ``ask``.
        tools: What may be called.
    """

    def __init__(
        self,
        fields: Json,
        calls: ServerCore,
        thread: LoopThread,
        tools: Mapping[str, Callable[..., Any]],
    ) -> None:
        self._calls = calls
        self.thread = thread
        self._over = threading.Event()
        self._under_way: set[Future[Any]] = set()
        self._on_over: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self.number: int = fields["turn"]
        self.prompt: str = fields["prompt"]
        self.peer = Record(fields["peer"])
        self.chain = [Record(person) for person in fields["chain"]]
        self.deadline: float = fields["deadline"]
        self.mode = "ask" if fields["mode"] == "ask" else "read-only"
        self.tools = TurnTools(self, tools)

    @property
    def is_over(self) -> bool:
        """Whether the answer is not wanted any more: look at it in long work."""
        return self._over.is_set()

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.deadline - time.time())

    @property
    def panes(self) -> TurnPanes:
        """The panes that were granted to the asker, as they are now."""
        return TurnPanes(self)

    def ask(
        self, peer: str, text: str, timeout: float | None = None, *, agent: str | None = None
    ) -> Answer:
        """Ask a peer's agent for this turn; the question says through whom it has come.

        Args:
            peer: Any of its names.
            text: The question.
            timeout: Seconds; by default a minute, or what this turn has left.
            agent: Which of its agents.

        Raises:
            AgentLoopError, TooManyHopsError: It has gone far enough.
            PeerError: There is no answer.
        """
        seconds = min(_ASK_TIMEOUT, self.seconds_left) if timeout is None else timeout
        return self._wait(
            self._calls.ask(peer, text, max(seconds, 0.1), agent=agent, turn=self.number)
        )

    def write(self, text: str) -> None:
        """Send a piece of the answer, as ``yield`` does; returns when the next may come.

        Raises:
            TurnCancelledError: It is not wanted any more.
        """
        self.request("turn_write", {"text": text}, timeout=_WRITE_TIMEOUT)

    def request(self, op: str, params: Json = {}, timeout: float = _WRITE_TIMEOUT) -> Json:  # noqa: B006 - only read
        """Ask the server for something that belongs to this turn, and wait for it."""
        return self._result(self.submit(op, params, timeout))

    def submit(self, op: str, params: Json, timeout: float = _WRITE_TIMEOUT) -> Future[Json]:
        """Ask the server for something that belongs to this turn."""
        whole = {"turn": self.number, **params}
        return self._begin(self._calls.connection.request(op, whole, timeout=timeout))

    def end(self) -> None:
        """Take notice that the answer is not wanted any more; from any thread."""
        self._over.set()
        with self._lock:
            under_way, callbacks = list(self._under_way), self._on_over
            self._on_over = []
        for future in under_way:
            future.cancel()
        for callback in callbacks:
            callback()

    def on_over(self, callback: Callable[[], None]) -> None:
        """Call back once when it is over, from whatever thread takes notice."""
        with self._lock:
            if not self._over.is_set():
                self._on_over.append(callback)
                return
        callback()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Make this the turn of what runs inside."""
        before = current.set(self)
        _running.add(self)
        try:
            yield
        finally:
            _running.discard(self)
            current.reset(before)

    def _begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        if self._over.is_set():
            work.close()
            raise TurnCancelledError("the answer is not wanted any more")
        future = self.thread.submit(work)
        with self._lock:
            self._under_way.add(future)
        future.add_done_callback(self._forget)
        if self._over.is_set():
            future.cancel()
        return future

    def _forget(self, future: Future[Any]) -> None:
        with self._lock:
            self._under_way.discard(future)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self._result(self._begin(work))

    def _result(self, future: Future[T]) -> T:
        if self.thread.is_current:
            future.cancel()
            raise RuntimeError("this waits, so it cannot be called from a callback of the client")
        try:
            return future.result()
        except CancelledError:
            raise TurnCancelledError("the answer is not wanted any more") from None

    def __repr__(self) -> str:
        return f"<Turn {self.number} of {self.peer.get('label', '?')}>"
