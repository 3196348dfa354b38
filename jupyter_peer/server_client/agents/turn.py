"""One turn of an agent in this kernel: the question, and the means to answer it.

A turn starts in its own thread. Its methods may be called there and block only that thread.
Coroutines of agents use ``turn.aio`` instead. The current turn is known in that thread, in every
coroutine and thread that inherits its context (as with ``asyncio.to_thread``), and in other threads
if only one turn can have started them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from ...errors import BadRequestError
from ..connection import Json, LoopThread
from ..core import ServerCore
from ..results.answers import Answer
from ..results.results import Record
from .panes import AsyncTurnPane, TurnPanes, panes_async
from .requests import TurnRequests
from .tools import TurnTools, allowed, asking, asking_async

_ASK_TIMEOUT = 60.0
#: Displays that wait for the next piece of the answer; the oldest are dropped.
MAX_DISPLAYED = 32

current: ContextVar[Turn | None] = ContextVar("jupyter_peer_turn", default=None)
_running: set[Turn] = set()


def turn_of_caller(client: LoopThread) -> int | None:
    """Return the number of the turn that makes this call; None outside of turns.

    Args:
        client: The thread of the calling client; turns of other clients belong to other servers.

    Raises:
        BadRequestError: One of several turns started this thread, and it is unknown which.
    """
    turn = current.get()
    if turn is not None:
        return turn.number if turn.thread is client and not turn.is_over else None
    running = [turn for turn in list(_running) if turn.thread is client and not turn.is_over]
    if threading.current_thread() is threading.main_thread() or not running:
        return None
    # A thread does not know which thread started it. A question of the user that counts as one of
    # the turn costs a hop. The other mistake would lose the chain of askers.
    if len(running) > 1:
        raise BadRequestError(
            "several turns run here, so it is unknown which of them asks this question",
            hint="use turn.ask, or start the thread with contextvars.copy_context().run",
        )
    return running[0].number


class Exchange(NamedTuple):
    """An earlier question of the asker, and its answer."""

    question: str
    answer: str


def _exchanges(result: Json) -> list[Exchange]:
    return [Exchange(each["question"], each["answer"]) for each in result["exchanges"]]


class Turn(TurnRequests):
    """A question, for the agent that answers it.

    Args:
        fields: As the ``turn`` event has them.
        core: The client's calls.
        thread: Runs those calls.
        tools: The functions of the agent, by name.

    Attributes:
        number: Names the turn on its server.
        prompt: The question: a stranger's text.
        peer: The sender: ``node_id, node_name, alias, label``.
        chain: The same fields of all askers on the way, the first asker first, ``peer`` last.
        deadline: Time until which it can be answered, epoch seconds.
        mode: ``read-only`` or ``ask``.
        tools: The tools that may be called.
        aio: The same as coroutines: ``aio.tools``, ``aio.panes()``, ``aio.ask(...)``.
        displayed: Displays of this turn that are not yet part of the answer.
        figures: The figures of pyplot in this turn, by number.
    """

    def __init__(
        self,
        fields: Json,
        core: ServerCore,
        thread: LoopThread,
        tools: Mapping[str, Callable[..., Any]],
    ) -> None:
        super().__init__(fields["turn"], core, thread)
        self.prompt: str = fields["prompt"]
        self.peer = Record(fields["peer"])
        self.chain = [Record(person) for person in fields["chain"]]
        self.deadline: float = fields["deadline"]
        self.displayed: deque[Json] = deque(maxlen=MAX_DISPLAYED)
        self.figures: OrderedDict[int, Any] = OrderedDict()
        self.mode = "ask" if fields["mode"] == "ask" else "read-only"
        usable = allowed(tools, self.mode)
        self.tools = TurnTools({n: asking(self, n, f) for n, f in usable.items()}, self.mode)
        self.aio = AsyncTurn(
            self, TurnTools({n: asking_async(self, n, f) for n, f in usable.items()}, self.mode)
        )

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.deadline - time.time())

    @property
    def panes(self) -> TurnPanes:
        """The panes that were granted to the asker, as they are now."""
        return TurnPanes(self)

    @property
    def history(self) -> list[Exchange]:
        """Earlier questions and answers of this conversation, the oldest first.

        The last 8 exchanges of this agent, each text up to 8,192 characters.
        """
        return _exchanges(self.request("turn_history"))

    def ask(
        self, peer: str, text: str, timeout: float | None = None, *, agent: str | None = None
    ) -> Answer:
        """Ask a peer's agent for this turn; the question carries the chain of its askers.

        Args:
            peer: Any of its names.
            text: The question.
            timeout: Seconds; by default a minute, or what this turn has left.
            agent: Which of its agents.

        Raises:
            AgentLoopError, TooManyHopsError: The question was forwarded in a circle, or too often.
            PeerError: The question has no answer.
        """
        seconds = self._seconds(timeout)
        return self.wait(self.core.ask(peer, text, seconds, agent=agent, turn=self.number))

    def write(self, text: str) -> None:
        """Send a piece of the answer, as ``yield`` does; returns when the next may be sent.

        Raises:
            TurnCancelledError: Nobody waits for the answer.
        """
        self.request("turn_write", {"text": text})

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Make this the current turn within the ``with`` block."""
        before = current.set(self)
        _running.add(self)
        try:
            yield
        finally:
            _running.discard(self)
            current.reset(before)

    def _seconds(self, timeout: float | None) -> float:
        seconds = min(_ASK_TIMEOUT, self.seconds_left) if timeout is None else timeout
        return max(seconds, 0.1)

    def __repr__(self) -> str:
        return f"<Turn {self.number} of {self.peer.get('label', '?')}>"


class AsyncTurn:
    """The blocking methods of a turn, as coroutines.

    Attributes:
        tools: ``await turn.aio.tools.NAME(...)``; all of them are coroutine functions.
    """

    def __init__(self, turn: Turn, tools: TurnTools) -> None:
        self._turn = turn
        self.tools = tools

    async def history(self) -> list[Exchange]:
        """Return the last exchanges of the conversation; see :attr:`Turn.history`."""
        return _exchanges(await self._turn.request_async("turn_history"))

    async def panes(self) -> dict[str, AsyncTurnPane]:
        """Return the panes that were granted to the asker, by name: ``await pane.text()``."""
        return await panes_async(self._turn)

    async def ask(
        self, peer: str, text: str, timeout: float | None = None, *, agent: str | None = None
    ) -> Answer:
        """Ask a peer's agent for this turn; see :meth:`Turn.ask`."""
        turn = self._turn
        seconds = turn._seconds(timeout)  # noqa: SLF001 - its other half
        asking = turn.core.ask(peer, text, seconds, agent=agent, turn=turn.number)
        return await turn.wait_async(asking)

    async def write(self, text: str) -> None:
        """Send a piece of the answer; returns when the next may be sent."""
        await self._turn.request_async("turn_write", {"text": text})
