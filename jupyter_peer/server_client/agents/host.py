"""Registers this kernel's agents with the server, and runs each turn in a thread.

A turn does not run in the kernel's main thread, so it may run at the same time as a cell. An agent
must guard the data that it shares with cells as between any two threads. Coroutines of
all turns run in one lasting loop (:mod:`.agent_loop`), so an agent can use one client of a language
model for every turn. They cannot use what belongs to the kernel's own loop.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

from ...control.rows.turns import MAX_WHY
from ...errors import (
    AgentFailedError,
    BusyError,
    PeerError,
    to_wire,
)
from ...primitives import background
from ..connection import Json, LoopThread
from ..core import ServerCore
from .agent_loop import agent_loop
from .displays import displayed, hold_displays, pieces_of, separate_figures
from .local_agent import LocalAgent
from .turn import Turn

log = logging.getLogger(__name__)

#: Most turns at once, including ended ones whose code still runs.
MAX_THREADS = 32


class AgentHost:
    """Runs the agents of one client; its methods belong to the loop's thread.

    Args:
        calls: The client's calls.
        thread: Where they run.
    """

    def __init__(self, calls: ServerCore, thread: LoopThread) -> None:
        self._calls = calls
        self._thread = thread
        self._agents: dict[str, LocalAgent] = {}
        self._turns: dict[int, Turn] = {}
        self._threads = 0
        self._again: asyncio.Task[None] | None = None
        self._is_listening = False

    async def register(self, agent: LocalAgent) -> None:
        """Register an agent, in place of one of the same name.

        Raises:
            PeerError: The server rejects it.
        """
        if not self._is_listening:
            self._is_listening = True
            connection = self._calls.connection
            connection.subscribe("turn", self._on_turn)
            connection.subscribe("turn_over", self._on_over)
            connection.subscribe("agent_removed", self._on_removed)
            connection.on_link(self._on_link)
        before = self._agents.get(agent.name)
        # Before the answer, because a turn may arrive right after it.
        self._agents[agent.name] = agent
        try:
            await self._calls.connection.request("agent_register", agent.params())
        except BaseException:
            if before is None:
                self._agents.pop(agent.name, None)
            else:
                self._agents[agent.name] = before
            raise
        # A page may have removed the one before meanwhile; that event came before the answer.
        self._agents[agent.name] = agent

    async def unregister(self, name: str) -> None:
        """Unregister an agent, and end its turns.

        Raises:
            LookupFailedError: This kernel has no agent of that name.
        """
        self._agents.pop(name, None)
        await self._calls.connection.request("agent_unregister", {"name": name})

    def _on_link(self, is_up: bool) -> None:
        if not is_up:
            # The server has ended them, and the next server may be another one.
            for turn in list(self._turns.values()):
                turn.end()
            self._turns.clear()
        elif self._agents and (self._again is None or self._again.done()):
            self._again = background.start(self._register_again(), "registering agents again")

    async def _register_again(self) -> None:
        for agent in list(self._agents.values()):
            try:
                await self._calls.connection.request("agent_register", agent.params())
            except PeerError as error:
                log.warning("the agent %s is not registered any more: %s", agent.name, error)

    def _on_turn(self, fields: Json) -> None:
        agent = self._agents.get(fields["agent"])
        if agent is None or self._threads >= MAX_THREADS:
            error = BusyError("too many turns of this kernel are still running")
            self._tell_end(fields["turn"], AgentFailedError() if agent is None else error)
            return
        turn = Turn(fields, self._calls, self._thread, agent.tools)
        self._turns[turn.number] = turn
        self._threads += 1
        name = f"jupyter-peer turn {turn.number}"
        # A daemon thread: code that does not end must not keep the kernel alive.
        threading.Thread(target=self._run, args=(agent, turn), name=name, daemon=True).start()

    def _on_removed(self, fields: Json) -> None:
        self._agents.pop(fields["name"], None)

    def _on_over(self, fields: Json) -> None:
        turn = self._turns.pop(fields["turn"], None)
        if turn is not None:
            turn.end()

    # In the turn's thread.

    def _run(self, agent: LocalAgent, turn: Turn) -> None:
        error: PeerError | None = None
        why = ""
        hold_displays()
        separate_figures()
        try:
            with turn.entered():
                _answer(agent, turn)
        except PeerError as failed:
            if not turn.is_over:
                log.warning("the agent %s did not answer: %s", agent.name, failed)
                why = str(failed)
            error = failed
        except BaseException as failed:
            if not turn.is_over:
                log.exception("the agent %s failed", agent.name)
                why = f"{type(failed).__name__}: {failed}"
            error = AgentFailedError()
        if why:
            agent.report.tell(agent.name, turn.peer.label, why)
        self._thread.soon(self._ended, turn, error, why)

    def _ended(self, turn: Turn, error: PeerError | None, why: str) -> None:
        self._threads -= 1
        if self._turns.pop(turn.number, None) is not None:
            self._tell_end(turn.number, error, why)
        turn.end()

    def _tell_end(self, number: int, error: PeerError | None, why: str = "") -> None:
        params: Json = {"turn": number}
        if error is not None:
            params |= {"error": to_wire(error), "why": why[:MAX_WHY]}
        self._calls.connection.tell("turn_end", params)


def _answer(agent: LocalAgent, turn: Turn) -> None:
    given = agent.answer(turn)
    if inspect.isawaitable(given) or isinstance(given, AsyncIterator):
        agent_loop().submit(_answer_async(given, turn)).result()
        return
    _write_all(given, turn)


def _write_all(given: Any, turn: Turn) -> None:
    if not isinstance(given, Iterator):
        _write(given, turn)
        return
    try:
        for piece in given:
            _write(piece, turn)
    finally:
        close = getattr(given, "close", None)
        if close is not None:
            close()
    _write(None, turn)


def _write(piece: object, turn: Turn) -> None:
    for params in _pieces(piece, turn):
        turn.request("turn_write", params)


def _pieces(piece: object, turn: Turn) -> Iterator[Json]:
    turn.raise_if_over()  # also for an empty piece: an agent may yield empty pieces for ever
    while turn.displayed:
        yield displayed(turn.displayed.popleft())
    if piece is not None:
        yield from pieces_of(piece)


async def _answer_async(given: Any, turn: Turn) -> None:
    task = asyncio.current_task()
    assert task is not None
    turn.on_over(lambda: agent_loop().soon(task.cancel))
    if not isinstance(given, AsyncIterator):
        given = await given
    if not isinstance(given, AsyncIterator):
        # In a thread, since an iterator may block.
        await asyncio.to_thread(_write_all, given, turn)
        return
    try:
        async for piece in given:
            await _write_async(piece, turn)
    finally:
        close = getattr(given, "aclose", None)
        if close is not None:
            await close()
    await _write_async(None, turn)


async def _write_async(piece: object, turn: Turn) -> None:
    for params in _pieces(piece, turn):
        await turn.request_async("turn_write", params)
