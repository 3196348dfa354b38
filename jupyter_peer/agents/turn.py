"""One turn: a question of a peer while it is answered, and the way back for the answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from ..control.rows.agents import AgentMode, ArgumentModel
from ..document.outputs import weigh_held
from ..document.plain_text import to_text
from ..errors import AnswerTooLongError, PeerError, ToolRefusedError, TurnCancelledError
from ..hub.hub import PeerHub
from ..wire.payloads.agent_chain import Chain
from ..wire.payloads.agents import (
    DISPLAYS,
    MAX_ANSWER,
    MAX_CHUNK,
    MAX_DISPLAY_BYTES,
    MAX_DISPLAYS,
)
from .approvals import Approvals, ToolCall
from .audit import AgentAudit
from .config import ASK, READ_ONLY
from .history import MAX_TEXT
from .tools import ToolUser

T = TypeVar("T")

# Bytes that may wait for the asker before the agent has to.
HIGH_WATER = 256 * 1024


class Turn:
    """What an agent has of a question.

    Args:
        hub: Carries the answer.
        number: Of this turn, on this server.
        peer: Who asks.
        request_id: Names the question on the wire.
        prompt: What is asked.
        conversation: Id of the conversation that the question belongs to; None for none.
        agent: Who answers.
        chain: Through whom it has come, proven.
        mode: What the agent may do.
        seconds: How long it may take.
        approvals: Asks the owner.
        audit: Keeps what was done.
        clock: Monotonic seconds.

    Attributes:
        stopped: Done, with the reason, when the answer is not wanted any more.
        written: Characters of the answer so far.
        sent: Pieces of the answer so far.
        said: The beginning of its text.
        tools_used: How many calls of tools were let through.
    """

    def __init__(
        self,
        hub: PeerHub,
        *,
        number: int,
        peer: str,
        request_id: str,
        prompt: str,
        conversation: str | None = None,
        agent: ToolUser,
        chain: Chain,
        mode: AgentMode,
        seconds: float,
        approvals: Approvals,
        audit: AgentAudit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self.number = number
        self.peer = peer
        self.request_id = request_id
        self.prompt = prompt
        self.conversation = conversation
        self.agent = agent
        self.chain = chain
        self.mode = mode
        self._approvals = approvals
        self._audit = audit
        self._clock = clock
        self._begun = clock()
        self._seconds = seconds
        self.stopped: asyncio.Future[PeerError] = asyncio.get_running_loop().create_future()
        self.written = self.sent = 0
        self.said = ""
        self._displays = self._display_bytes = 0
        self.tools_used = 0
        self._allowed_tools: set[str] = set()

    @property
    def stream(self) -> str:
        """The stream whose order the pieces of the answer keep."""
        return f"agent {self.request_id}"

    @property
    def taken_s(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._begun

    @property
    def left_s(self) -> float:
        """Seconds until its deadline; 0 when that has come."""
        return max(0.0, self._seconds - self.taken_s)

    def stop(self, reason: PeerError) -> None:
        """End the turn: the answer is not wanted any more. Only the first reason counts."""
        if not self.stopped.done():
            self.stopped.set_result(reason)

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something for this turn, for as long as it lasts; return its result.

        Raises:
            TurnCancelledError: It has ended meanwhile.
        """
        task = asyncio.get_running_loop().create_task(work)
        ends: set[asyncio.Future[Any]] = {task, self.stopped}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_done = task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if not is_done:
            raise TurnCancelledError("the turn is over")
        return task.result()

    async def write(self, text: str) -> None:
        """Send a piece of the answer; returns when the next may come.

        Raises:
            AnswerTooLongError: The answer is longer than one may be.
            LinkError: The asker is gone.
        """
        for at in range(0, len(text), MAX_CHUNK):
            piece = text[at : at + MAX_CHUNK]
            if self.written + len(piece) > MAX_ANSWER:
                raise AnswerTooLongError
            await self._send({"text": piece})
            self.written += len(piece)
            if len(self.said) < MAX_TEXT:
                self.said += piece[: MAX_TEXT - len(self.said)]

    async def show(self, display: dict[str, Any]) -> None:
        """Send something displayed as the next piece; an older asker receives its plain text.

        Args:
            display: ``data`` and ``metadata`` of a mime bundle.

        Raises:
            AnswerTooLongError: The answer has more displays, or larger ones, than one may have.
            LinkError: The asker is gone.
        """
        if DISPLAYS not in self._hub.capabilities_of(self.peer):
            await self.write(to_text({"output_type": "display_data", **display}))
            return
        self._displays += 1
        self._display_bytes += weigh_held(display)
        if self._displays > MAX_DISPLAYS or self._display_bytes > MAX_DISPLAY_BYTES:
            raise AnswerTooLongError(
                f"an answer shows at most {MAX_DISPLAYS} things of "
                f"{MAX_DISPLAY_BYTES // 1024**2} MiB together",
                hint="show fewer or smaller things",
            )
        await self._send({"display": display})

    async def _send(self, piece: dict[str, Any]) -> None:
        if self.stopped.done():
            raise self.stopped.result()
        await self._room()
        data = {"request_id": self.request_id, "n": self.sent, **piece}
        self._hub.send(self.peer, "agent_stream", data, stream=self.stream)
        self.sent += 1

    async def _room(self) -> None:
        while self._hub.queued(self.peer) > HIGH_WATER:
            drained = asyncio.Event()
            self._hub.on_drain(self.peer, drained.set)
            await drained.wait()

    async def check_tool(self, name: str, arguments: Sequence[ArgumentModel]) -> None:
        """Return when the agent may call a tool, once, with these arguments.

        Args:
            name: Of the tool.
            arguments: As the owner is to read them.

        Raises:
            ToolRefusedError: It may not; the text says why.
            TurnCancelledError: The turn has ended meanwhile.
        """
        try:
            decision = await self._decision(name, arguments)
        except (ToolRefusedError, TurnCancelledError) as error:
            self._audit.note(
                "agent_tool", self.peer, **self._call(name, "refused"), why=error.message
            )
            raise
        self._audit.allow("agent_tool", self.peer, **self._call(name, decision))
        self.tools_used += 1

    async def _decision(self, name: str, arguments: Sequence[ArgumentModel]) -> str:
        """Return why a call is let through, in the words of the audit log."""
        tool = self.agent.tools.get(name)
        if tool is None:
            raise ToolRefusedError(f"the agent has no tool {name!r}")
        if tool.read_only:
            return "read-only"
        if self.mode != ASK:
            raise ToolRefusedError(
                f"{name} does more than look, and agents here are read-only",
                hint="%peer agent on --mode ask lets the owner decide each time",
            )
        if name not in self._allowed_tools:
            call = ToolCall(
                turn=self.number,
                peer=self.peer,
                chain=self.chain.nodes,
                question=self.prompt,
                agent=self.agent.name,
                tool=name,
                arguments=tuple(arguments),
            )
            waits = self._approvals.ask(call, seconds=self.left_s, over=self.stopped)
            for_turn = await self._asked(waits)
            if not for_turn:
                return "allowed"
            self._allowed_tools.add(name)
        return "allowed for this turn"

    async def _asked(self, waits: Coroutine[Any, Any, bool]) -> bool:
        """Wait for the owner, and let the asker know."""
        waiting = asyncio.get_running_loop().create_task(waits)
        try:
            await asyncio.sleep(0)
            if not waiting.done():
                with contextlib.suppress(PeerError):
                    await self._send({"waiting": True})
            return await waiting
        finally:
            waiting.cancel()

    def tighten(self) -> None:
        """Allow no more tools that do more than look; a call that waits is refused."""
        self.mode = READ_ONLY
        self._allowed_tools.clear()

    def _call(self, tool: str, decision: str) -> dict[str, Any]:
        return {"agent": self.agent.name, "tool": tool, "decision": decision, "turn": self.number}
