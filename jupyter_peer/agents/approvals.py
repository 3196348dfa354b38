"""Asks the owner whether an agent may use a tool now: once, by hand, and no is the answer to silence."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

from ..control.agents import ApprovalModel
from ..errors import LookupFailedError, PeerError, ToolRefusedError, TurnCancelledError

#: The owner has to be able to read what is allowed, all of it.
MAX_ARGUMENTS = 8 * 1024
MAX_PENDING_A_TURN = 4


class Approvals:
    """What waits for the owner's yes.

    Args:
        wait_s: How long the owner has.
        now: Epoch seconds.
    """

    def __init__(self, wait_s: float, now: Callable[[], float] = time.time) -> None:
        self._wait_s = wait_s
        self._now = now
        self._numbers = itertools.count(1)
        self._pending: dict[int, tuple[ApprovalModel, int, asyncio.Future[bool]]] = {}
        self._screens: set[object] = set()
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when what is pending has changed; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def add_screen(self, screen: object) -> None:
        """Take note of somewhere the owner can be asked; adding it twice changes nothing."""
        self._screens.add(screen)

    def remove_screen(self, screen: object) -> None:
        """Take note that it is gone. What is pending waits: a page may be loading again."""
        self._screens.discard(screen)

    def pending(self) -> list[ApprovalModel]:
        """Return what waits for an answer, the oldest first."""
        return [model for model, _, _ in self._pending.values()]

    async def ask(
        self,
        tool: str,
        arguments: str,
        *,
        turn: int,
        peer: str,
        agent: str,
        seconds: float,
        over: asyncio.Future[PeerError],
    ) -> None:
        """Return when the owner has allowed this one call.

        Args:
            tool: Its name.
            arguments: As the owner is to read them.
            turn: Number of the turn that needs it.
            peer: Whose question is answered.
            agent: Name of the agent that answers.
            seconds: How long the turn may still take.
            over: Done when the turn has ended.

        Raises:
            ToolRefusedError: The owner has not; the text says why.
            TurnCancelledError: The turn has ended meanwhile.
        """
        if len(arguments) > MAX_ARGUMENTS:
            raise ToolRefusedError(
                f"the arguments of {tool} have more than {MAX_ARGUMENTS} characters, which nobody "
                "would read before allowing it"
            )
        if not self._screens:
            raise ToolRefusedError(
                "no browser is open in which the owner could be asked",
                hint="its owner opens JupyterLab or %peer panel first",
            )
        if sum(number == turn for _, number, _ in self._pending.values()) >= (MAX_PENDING_A_TURN):
            raise ToolRefusedError("too many tools of this turn wait for the owner already")
        model = ApprovalModel(
            id=next(self._numbers),
            peer=peer,
            agent=agent,
            tool=tool,
            arguments=arguments,
            expires=self._now() + min(self._wait_s, seconds),
        )
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._pending[model.id] = (model, turn, answer)
        self._tell()
        try:
            ends: set[asyncio.Future[Any]] = {answer, over}
            await asyncio.wait(ends, timeout=self._wait_s, return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                raise TurnCancelledError("the turn is over")
            if not answer.done():
                raise ToolRefusedError(f"the owner has not answered within {self._wait_s:g} s")
            if not answer.result():
                raise ToolRefusedError("the owner has refused it")
        finally:
            answer.cancel()
            del self._pending[model.id]
            self._tell()

    def decide(self, id: int, allow: bool) -> None:
        """Take the owner's answer; the first one counts.

        Raises:
            LookupFailedError: Nothing of this id waits for an answer any more.
        """
        _, _, answer = self._pending.get(id, (None, 0, None))
        if answer is None or answer.done():
            raise LookupFailedError(
                "this does not wait for an answer any more",
                hint="it was answered already, or the time was over",
            )
        answer.set_result(allow)

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
