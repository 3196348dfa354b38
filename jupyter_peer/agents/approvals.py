"""Asks the owner whether an agent may use a tool now; without an answer the call is refused."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from ..control.rows.agents import ArgumentModel
from ..errors import LookupFailedError, PeerError, ToolRefusedError, TurnCancelledError
from ..primitives.signal import Signal

#: Characters of all arguments: the owner has to be able to read what is allowed.
MAX_ARGUMENTS = 8 * 1024
MAX_PENDING_A_TURN = 4
#: Seconds that stay for the agent to answer without the tool, as far as they are a quarter of all.
RESERVE_S = 10.0

_Decision = Literal["no", "once", "turn"]


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a tool that needs the owner's approval.

    Attributes:
        turn: Number of the turn.
        peer: Node id of the asker.
        chain: Ids of the nodes that forwarded the question, the first asker first.
        question: Text of the question.
        agent, tool: Names of the agent and of the tool.
        arguments: Arguments of the call.
    """

    turn: int
    peer: str
    chain: tuple[str, ...]
    question: str
    agent: str
    tool: str
    arguments: tuple[ArgumentModel, ...]


class PendingCall(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting call; without an answer it is refused at ``expires``, epoch seconds."""

    id: int
    call: ToolCall
    expires: float


class Approvals:
    """The calls of tools that wait for the owner.

    Args:
        wait_s: Seconds that the owner has.
        now: Epoch seconds.
    """

    def __init__(self, wait_s: float, now: Callable[[], float] = time.time) -> None:
        self._wait_s = wait_s
        self._now = now
        self._numbers = itertools.count(1)
        self._pending: dict[int, tuple[PendingCall, asyncio.Future[_Decision]]] = {}
        self._screens: set[object] = set()
        self._changes = Signal[[]]("the calls that wait changed")

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when the pending calls have changed; return a function that stops this."""
        return self._changes.connect(listener)

    def add_screen(self, screen: object) -> None:
        """Add a place where the owner can see the calls; adding it twice changes nothing."""
        self._screens.add(screen)

    def remove_screen(self, screen: object) -> None:
        """Remove such a place. Pending calls continue to wait, because a page may be reloading."""
        self._screens.discard(screen)

    def pending(self) -> list[PendingCall]:
        """Return the waiting calls, the oldest first."""
        return [pending for pending, _ in self._pending.values()]

    async def ask(self, call: ToolCall, *, seconds: float, over: asyncio.Future[PeerError]) -> bool:
        """Wait until the owner allows a call; return whether the tool is allowed for the whole turn.

        Args:
            call: The call.
            seconds: Remaining seconds of the turn.
            over: Done when the turn has ended.

        Raises:
            ToolRefusedError: The call is refused; the message names the reason.
            TurnCancelledError: The turn has ended meanwhile.
        """
        if sum(len(each.name) + len(each.value) for each in call.arguments) > MAX_ARGUMENTS:
            raise ToolRefusedError(
                f"the arguments of {call.tool} have more than {MAX_ARGUMENTS} characters, which "
                "nobody would read before allowing it"
            )
        if not self._screens:
            raise ToolRefusedError(
                "no browser is open in which the owner could be asked",
                hint="its owner opens JupyterLab first",
            )
        if sum(p.call.turn == call.turn for p, _ in self._pending.values()) >= MAX_PENDING_A_TURN:
            raise ToolRefusedError("too many tools of this turn wait for the owner already")
        wait_s = min(self._wait_s, seconds - min(RESERVE_S, seconds / 4))
        number = next(self._numbers)
        answer: asyncio.Future[_Decision] = asyncio.get_running_loop().create_future()
        self._pending[number] = (
            PendingCall(id=number, call=call, expires=self._now() + wait_s),
            answer,
        )
        self._tell()
        try:
            ends: set[asyncio.Future[Any]] = {answer, over}
            await asyncio.wait(ends, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                raise TurnCancelledError("the turn is over")
            if not answer.done():
                raise ToolRefusedError(f"the owner has not answered within {round(wait_s, 2):g} s")
            decision = answer.result()
        finally:
            answer.cancel()
            del self._pending[number]
            self._tell()
        if decision == "no":
            raise ToolRefusedError("the owner has refused the call")
        return decision == "turn"

    def decide(self, id: int, allow: bool, *, for_turn: bool = False) -> None:
        """Apply the owner's answer; the first one counts.

        Args:
            id: Id of the pending call.
            allow: Whether the call may run.
            for_turn: Whether an approval holds for every call of this tool until the turn ends.

        Raises:
            LookupFailedError: No call with this id waits for an answer.
        """
        pending, answer = self._pending.get(id, (None, None))
        if pending is None or answer is None or answer.done():
            raise LookupFailedError(
                "this call no longer waits for an answer",
                hint="it was answered already, or the time was over",
            )
        if not (allow and for_turn):
            answer.set_result("once" if allow else "no")
            return
        for other, waiting in self._pending.values():
            is_same = (other.call.turn, other.call.tool) == (pending.call.turn, pending.call.tool)
            if is_same and not waiting.done():
                waiting.set_result("turn")

    def refuse_all(self, reason: str) -> None:
        """Refuse every call that waits."""
        for _, answer in self._pending.values():
            if not answer.done():
                answer.set_exception(ToolRefusedError(reason))

    def _tell(self) -> None:
        self._changes.emit()
