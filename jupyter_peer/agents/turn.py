"""One turn: a question of a peer while it is answered, and the sending of its answer."""

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

# Bytes that may wait for the asker before the agent has to wait.
HIGH_WATER = 256 * 1024


class Turn:
    """The turn of an agent for one question.

    Args:
        hub: Sends the answer.
        number: Number of this turn on this server.
        peer: Node id of the asker.
        request_id: Id of the question on the wire.
        prompt: The question.
        conversation: Id of the question's conversation, or None.
        agent: The agent that answers.
        chain: The proven chain of the question.
        mode: Mode of the agents: ``read-only`` or ``ask``.
        seconds: Seconds for the answer.
        approvals: Asks the owner.
        audit: Writes to the audit log.
        clock: Monotonic seconds.

    Attributes:
        stopped: Done, with the reason, when the turn has to stop.
        written: Characters of the answer so far.
        sent: Pieces of the answer so far.
        said: The beginning of the answer's text.
        tools_used: Number of allowed calls of tools.
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
        """The stream that keeps the pieces of the answer in order."""
        return f"agent {self.request_id}"

    @property
    def taken_s(self) -> float:
        """Seconds since the turn began."""
        return self._clock() - self._begun

    @property
    def left_s(self) -> float:
        """Seconds until the deadline; 0 after it."""
        return max(0.0, self._seconds - self.taken_s)

    def stop(self, reason: PeerError) -> None:
        """End the turn with a reason; only the first reason counts."""
        if not self.stopped.done():
            self.stopped.set_result(reason)

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work for this turn, at most until the turn ends; return its result.

        Raises:
            TurnCancelledError: The turn has ended meanwhile.
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
        """Send a piece of the answer; returns when the next piece may be sent.

        Raises:
            AnswerTooLongError: The answer is too long.
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
        """Send a display as the next piece; an older asker receives its plain text.

        Args:
            display: ``data`` and ``metadata`` of a MIME bundle.

        Raises:
            AnswerTooLongError: The answer has too many or too large displays.
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
        """Wait until the agent may call a tool once with these arguments.

        Args:
            name: Name of the tool.
            arguments: Arguments in the form that the owner reads.

        Raises:
            ToolRefusedError: The call is refused; the message names the reason.
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
        """Return why a call is allowed, in the words of the audit log."""
        tool = self.agent.tools.get(name)
        if tool is None:
            raise ToolRefusedError(f"the agent has no tool {name!r}")
        if tool.read_only:
            return "read-only"
        if self.mode != ASK:
            raise ToolRefusedError(
                f"{name} does more than look, and agents here are read-only",
                hint="its owner can let agents ask before they act",
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
        """Wait for the owner, and tell the asker that the agent waits."""
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
        """Allow only read-only tools from now on; a waiting call is refused."""
        self.mode = READ_ONLY
        self._allowed_tools.clear()

    def _call(self, tool: str, decision: str) -> dict[str, Any]:
        return {"agent": self.agent.name, "tool": tool, "decision": decision, "turn": self.number}
