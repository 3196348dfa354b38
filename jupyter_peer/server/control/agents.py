"""The agents that one control connection registered, and their turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

from ...agents.board import AgentFailure
from ...agents.tools import Tool
from ...agents.turn import Turn
from ...control.fields import Done
from ...control.frames import Frame, encode_event
from ...control.rows import turns as rows
from ...control.rows.agents import AgentsModel
from ...control.rows.panes import OutputsResult
from ...errors import (
    AgentFailedError,
    AgentGoneError,
    BadNameError,
    BadRequestError,
    LookupFailedError,
    PeerError,
    from_wire,
)
from ...panes.kernel.outputs import clean
from ...phrase import phrase
from ...primitives.task_set import TaskSet
from ..call import Call, serves
from ..operations.agents import NodeAgents
from .secrets import Caller

Write = Callable[[Frame], Awaitable[None]]


class _KernelAgent:
    """An agent that runs in the kernel at the other end of a connection."""

    def __init__(
        self, connection: ConnectionAgents, kernel_id: str, params: rows.RegisterAgentParams
    ) -> None:
        self._connection = connection
        self.kernel_id = kernel_id
        self.name = params.name
        self.description = params.description
        self.tools = {tool.name: Tool(tool.name, tool.read_only) for tool in params.tools}

    async def answer(self, turn: Turn) -> None:
        await self._connection.answer(turn)

    def remove(self) -> None:
        """Unregister it for a page of its owner, and tell the kernel, which would register it again."""
        self._connection.remove(self)
        self._connection.tell_removed(self.name)


class ConnectionAgents:
    """The agents and turns of one connection.

    Args:
        node: The agents of this node.
        caller: The connected client.
        write: Sends a frame and returns when it is on its way.
    """

    def __init__(self, node: NodeAgents, caller: Caller, write: Write) -> None:
        self._node = node
        self._caller = caller
        self._write = write
        self._agents: dict[str, _KernelAgent] = {}
        self._turns: dict[int, tuple[Turn, asyncio.Future[PeerError | None]]] = {}
        self._goodbyes = TaskSet("telling a kernel that a turn or an agent is over")

    def turn(self, number: int) -> Turn:
        """Return a turn that this connection answers.

        Raises:
            LookupFailedError: The turn is over, or belongs to another connection.
        """
        return self._open(number)[0]

    def close(self) -> None:
        """Unregister the agents and end their turns; may be called twice."""
        self._node.approvals.remove_screen(self)
        agents, self._agents = list(self._agents.values()), {}
        for agent in agents:
            self._node.board.unregister(agent)
        for turn, _ in self._turns.values():
            turn.stop(AgentGoneError())

    def remove(self, agent: _KernelAgent) -> None:
        """Unregister an agent of this connection, and end its turns."""
        self._agents.pop(agent.name, None)
        self._node.board.unregister(agent)
        self._node.turns.stop_agent(agent, AgentGoneError("the agent was removed"))

    def tell_removed(self, name: str) -> None:
        """Tell the kernel that its owner has removed an agent."""
        self._goodbyes.start(self._write_removed(name))

    async def _write_removed(self, name: str) -> None:
        await self._write(encode_event("agent_removed", rows.AgentParams(name)))

    async def answer(self, turn: Turn) -> None:
        """Let the kernel answer a turn.

        Raises:
            PeerError: It has no answer.
        """
        person = self._node.person
        over: asyncio.Future[PeerError | None] = asyncio.get_running_loop().create_future()
        self._turns[turn.number] = (turn, over)
        try:
            await self._write(
                encode_event(
                    "turn",
                    rows.TurnEvent(
                        turn=turn.number,
                        agent=turn.agent.name,
                        prompt=turn.prompt,
                        peer=person(turn.peer),
                        chain=[person(node_id) for node_id in turn.chain.nodes],
                        deadline=time.time() + turn.left_s,
                        mode=turn.mode,
                    ),
                )
            )
            error = await over
        except BaseException:
            self._tell_over(turn.number)
            raise
        finally:
            del self._turns[turn.number]
        if error is not None:
            raise error

    def _tell_over(self, number: int) -> None:
        # Not awaited, because a cancelled turn ends here too.
        self._goodbyes.start(self._write_over(number))

    async def _write_over(self, number: int) -> None:
        await self._write(encode_event("turn_over", rows.TurnOverEvent(number)))

    def _open(self, number: int) -> tuple[Turn, asyncio.Future[PeerError | None]]:
        if number not in self._turns:
            raise LookupFailedError(
                phrase("turn {number} is over", number=number),
                hint="stop answering; nobody waits for the answer",
            )
        return self._turns[number]

    @serves(rows.AGENT_REGISTER)
    async def _register(self, params: rows.RegisterAgentParams, call: Call) -> AgentsModel:
        kernel_id = self._caller.kernel_id
        if kernel_id is None:
            raise BadRequestError("an agent runs in a kernel", hint="register it in a notebook")
        for known in self._node.board.agents():
            if known.name == params.name and getattr(known, "kernel_id", None) != kernel_id:
                raise BadNameError(
                    phrase(
                        "there is an agent {name} already, not of this kernel",
                        name=repr(params.name),
                    ),
                    hint="choose another name",
                )
        agent = _KernelAgent(self, kernel_id, params)
        self._node.board.register(agent)
        self._agents[params.name] = agent
        self._node.turns.audit.note(
            "agent_registered",
            None,
            agent=params.name,
            tools=[f"{tool.name}{' (read-only)' * tool.read_only}" for tool in params.tools][:16],
        )
        return self._node.model()

    @serves(rows.AGENT_UNREGISTER)
    async def _unregister(self, params: rows.AgentParams, call: Call) -> Done:
        agent = self._agents.get(params.name)
        if agent is not None:
            self.remove(agent)
            return Done()
        # A page of the owner removes any kernel's agent, at once, while a cell of the kernel runs.
        others = [] if self._caller.kernel_id is not None else self._node.board.agents()
        found = [each for each in others if each.name == params.name]
        if not found or not isinstance(found[0], _KernelAgent):
            raise LookupFailedError(
                phrase("this connection has no agent {name}", name=repr(params.name)),
                hint=phrase("%peer agent status lists agents").on_page(
                    phrase("“My agent” lists agents")
                ),
            )
        found[0].remove()
        return Done()

    @serves(rows.TURN_WRITE)
    async def _turn_write(self, params: rows.TurnWriteParams, call: Call) -> Done:
        turn = self.turn(params.turn)
        if params.display is None:
            await turn.write(params.text)
            return Done()
        display = clean("display_data", msgspec.to_builtins(params.display))
        if not display or not display["data"]:
            raise BadRequestError("nothing of this can be shown", hint="give data by MIME type")
        await turn.show({"data": display["data"], "metadata": display["metadata"]})
        return Done()

    @serves(rows.TURN_END)
    async def _turn_end(self, params: rows.TurnEndParams, call: Call) -> Done:
        turn, over = self._open(params.turn)
        failure = AgentFailure(time.time(), params.why, turn.peer) if params.why else None
        agent = self._agents.get(turn.agent.name)
        if agent is not None:
            self._node.board.ended(agent, failure)
        error = None
        if params.error is not None:
            error = from_wire(params.error)
            if type(error) is PeerError:
                error = AgentFailedError()
        if not over.done():
            over.set_result(error)
        return Done()

    @serves(rows.TURN_TOOL)
    async def _turn_tool(self, params: rows.TurnToolParams, call: Call) -> Done:
        await self.turn(params.turn).check_tool(params.tool, params.arguments)
        return Done()

    @serves(rows.TURN_HISTORY)
    async def _turn_history(self, params: rows.TurnParams, call: Call) -> rows.TurnHistoryResult:
        exchanges = self._node.turns.history(self.turn(params.turn))
        return rows.TurnHistoryResult([rows.ExchangeModel(*each) for each in exchanges])

    @serves(rows.TURN_PANES)
    async def _turn_panes(self, params: rows.TurnParams, call: Call) -> rows.TurnPanesResult:
        peer = self.turn(params.turn).peer
        shape = list[rows.TurnPaneModel]
        return rows.TurnPanesResult(
            msgspec.convert(self._node.panes_for(peer), shape, from_attributes=True)
        )

    @serves(rows.TURN_PANE)
    async def _turn_pane(self, params: rows.TurnPaneParams, call: Call) -> OutputsResult:
        for pane in self._node.panes_for(self.turn(params.turn).peer):
            if pane.name == params.name:
                return OutputsResult(pane.outputs)
        raise LookupFailedError(
            phrase("the asker may not see a pane {name}", name=repr(params.name)),
            hint="turn_panes lists the panes that it may see",
        )
