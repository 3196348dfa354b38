"""The owner's side: receives questions of peers, lets agents answer, and ends every turn.

Above is the server, whose kernels register the agents; below is the hub. A turn ends with its answer,
at its deadline, or when the asker cancels or loses its link. It also ends when the agent is gone or
agents are switched off. In each case the agent is stopped, and the asker is told if it is connected.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable
from typing import Any

from ..errors import (
    AgentFailedError,
    BusyError,
    LinkClosedError,
    LinkError,
    LookupFailedError,
    NotEnabledError,
    PeerError,
    PeerTimeoutError,
    TurnCancelledError,
    UnknownAgentError,
    to_peer,
)
from ..hub.hub import PeerHub
from ..hub.info import HubEvent
from ..hub.message import Message
from ..phrase import phrase
from ..primitives import background
from ..primitives.signal import Signal
from ..wire.payloads.agents import AgentCancel, AgentRequest
from ..wire.payloads.hub import convert
from .admission import AgentAdmission
from .approvals import Approvals
from .audit import AgentAudit
from .board import Agent, AgentBoard
from .config import ASK, AgentConfig
from .history import Conversations, Exchange
from .turn import Turn

log = logging.getLogger(__name__)


class TurnManager:
    """Answers ``agent_request`` and ``agent_cancel``.

    Args:
        hub: The node.
        board: Its agents.
        approvals: Asks its owner.
        config: Settings.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        hub: PeerHub,
        board: AgentBoard,
        approvals: Approvals,
        config: AgentConfig,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._board = board
        self._approvals = approvals
        self._clock = clock
        self.audit = AgentAudit(hub, config.audit_prompts, clock)
        self._admission = AgentAdmission(hub, board, config, clock)
        self._conversations = Conversations()
        self._numbers = itertools.count(1)
        self._turns: dict[tuple[str, str], tuple[Turn, asyncio.Task[None]]] = {}
        self._changes = Signal[[]]("the questions that are being answered changed")
        self._ends = [hub.subscribe(self._on_hub_event), board.subscribe(self._on_switch)]
        hub.on("agent_request", self._on_request)
        hub.on("agent_cancel", self._on_cancel)
        hub.on("agent_list", self._on_list)

    @property
    def under_way(self) -> int:
        """Number of questions that are being answered."""
        return len(self._turns)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when a question begins, ends or is refused; return a function that stops this."""
        return self._changes.connect(listener)

    def running(self) -> list[Turn]:
        """Return the questions that are being answered, the oldest first."""
        return [turn for turn, _ in self._turns.values()]

    def stop(self, number: int) -> None:
        """Stop answering one question, for the owner.

        Raises:
            LookupFailedError: The turn is over.
        """
        for turn in self.running():
            if turn.number == number:
                turn.stop(TurnCancelledError("the owner of the agent has stopped it"))
                return
        raise LookupFailedError(
            phrase("turn {number} is over", number=number),
            hint=phrase("%peer agent status lists the turns that run").on_page(
                phrase("“My agent” shows who asks")
            ),
        )

    def stop_agent(self, agent: Agent, reason: PeerError) -> None:
        """End the turns of an agent that was removed."""
        for turn, _ in list(self._turns.values()):
            if turn.agent is agent:
                turn.stop(reason)

    async def close(self) -> None:
        """End all turns and notify their askers; may be called twice."""
        for end in self._ends:
            end()
        self._stop_all(TurnCancelledError("the server of the agent stops"))
        tasks = [task for _, task in self._turns.values()]
        await asyncio.gather(*tasks, return_exceptions=True)

    # Messages of peers.

    def _on_request(self, message: Message) -> None:
        peer = message.peer_id
        try:
            request = convert(message.data, AgentRequest)
            key = (peer, request.request_id)
            if key in self._turns:
                raise BusyError("a question with this id is already being answered")
            under_way = sum(each == peer for each, _ in self._turns)
            agent, chain, seconds = self._admission.admit(
                request, peer, message.ts, under_way, len(self._turns)
            )
        except PeerError as error:
            is_hidden = isinstance(error, UnknownAgentError) and self._board.hides(
                request.agent, peer
            )
            # The owner learns what the asker does not: that the agent is there.
            if self.audit.refused(peer, "agent_not_allowed" if is_hidden else error.code):
                self._changes.emit()
            raise
        turn = Turn(
            self._hub,
            number=next(self._numbers),
            peer=peer,
            request_id=request.request_id,
            prompt=request.prompt,
            conversation=request.conversation,
            agent=agent,
            chain=chain,
            mode=self._board.mode,
            seconds=seconds,
            approvals=self._approvals,
            audit=self.audit,
            clock=self._clock,
        )
        self.audit.allow(
            "agent_turn",
            peer,
            turn=turn.number,
            agent=agent.name,
            mode=turn.mode,
            **self.audit.chain(chain.root, chain.nodes),
            **self.audit.prompt(turn.prompt),
        )
        task = background.start(self._run(turn, agent, message), "answering a question")
        self._turns[key] = (turn, task)
        task.add_done_callback(lambda done: self._remove(key))
        self._changes.emit()

    def _remove(self, key: tuple[str, str]) -> None:
        self._turns.pop(key, None)
        self._changes.emit()

    def _on_list(self, message: Message) -> None:
        self._admission.check_may_ask(message.peer_id)
        default = self._board.default_name(message.peer_id)
        agents = [
            {
                "name": agent.name,
                "description": agent.description,
                "default": agent.name == default,
            }
            for agent in self._board.agents(message.peer_id)
        ]
        message.reply("agent_list", {"agents": agents})

    def _on_cancel(self, message: Message) -> None:
        asked = convert(message.data, AgentCancel)
        turn, _ = self._turns.get((message.peer_id, asked.request_id), (None, None))
        if turn is not None:
            turn.stop(TurnCancelledError("the asker has cancelled it"))

    # One turn.

    async def _run(self, turn: Turn, agent: Agent, message: Message) -> None:
        error = await self._answer(turn, agent)
        # ends everything that still waits for this turn
        turn.stop(TurnCancelledError("the turn is over"))
        result: dict[str, Any] = {"request_id": turn.request_id, "ok": error is None}
        if error is None:
            self._remember(turn)
            result |= {"question": message.signed.digest, "pieces": turn.sent}
        else:
            result["error"] = to_peer(error)
        with contextlib.suppress(LinkError):
            message.reply("agent_result", result, stream=turn.stream)
        self.audit.note(
            "agent_turn_ended",
            turn.peer,
            turn=turn.number,
            agent=turn.agent.name,
            outcome="ok" if error is None else error.code,
            seconds=round(turn.taken_s, 3),
            characters=turn.written,
            tools=turn.tools_used,
        )

    def history(self, turn: Turn) -> list[Exchange]:
        """Return the earlier exchanges of a turn's conversation, the oldest first."""
        if turn.conversation is None:
            return []
        return self._conversations.of(turn.peer, turn.conversation, turn.agent.name)

    def _remember(self, turn: Turn) -> None:
        if turn.conversation is not None:
            self._conversations.add(
                turn.peer, turn.conversation, turn.agent.name, Exchange(turn.prompt, turn.said)
            )

    async def _answer(self, turn: Turn, agent: Agent) -> PeerError | None:
        """Let the agent answer; return the error if it failed."""
        work = asyncio.get_running_loop().create_task(agent.answer(turn))
        ends: set[asyncio.Future[Any]] = {work, turn.stopped}
        try:
            await asyncio.wait(ends, timeout=turn.left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            work.cancel()
            (outcome,) = await asyncio.gather(work, return_exceptions=True)
        if turn.stopped.done():
            return turn.stopped.result()
        if isinstance(outcome, asyncio.CancelledError):
            return PeerTimeoutError("the agent has not answered in time")
        if isinstance(outcome, PeerError):
            return outcome
        if isinstance(outcome, BaseException):
            log.error("an agent failed", exc_info=outcome)
            return AgentFailedError()
        return None

    # Ends of turns.

    def _on_hub_event(self, event: HubEvent) -> None:
        if event.kind in ("link_down", "blocked", "forgotten"):
            for (peer, _), (turn, _) in list(self._turns.items()):
                if peer == event.node_id:
                    turn.stop(LinkClosedError("the link to the asker was lost"))
        if event.kind == "forgotten":
            self._admission.forget(event.node_id)
            self.audit.forget(event.node_id)
        if event.kind in ("blocked", "forgotten"):
            self._conversations.forget(event.node_id)

    def _on_switch(self) -> None:
        for turn, _ in list(self._turns.values()):
            if self._board.hides(turn.agent.name, turn.peer):
                turn.stop(TurnCancelledError("the owner of the agent has stopped it"))
        if not self._board.is_on:
            self._conversations.clear()
            self._stop_all(NotEnabledError("the owner has switched agents off"))
        elif self._board.mode != ASK:
            for turn, _ in self._turns.values():
                turn.tighten()
            self._approvals.refuse_all("the owner has made agents read-only")

    def _stop_all(self, reason: PeerError) -> None:
        for turn, _ in list(self._turns.values()):
            turn.stop(reason)
