"""The agents of this node as its server has them: what the user can do, and what a connection can.

Below is the room of the agents; above are control socket and REST. A kernel's agents belong to its
connection: they are gone with it, and so are their turns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from ...agents.approvals import Approvals
from ...agents.board import Agent, AgentBoard
from ...agents.config import AgentConfig
from ...agents.questions import Questions
from ...agents.reader import GrantedPane, PaneReader
from ...agents.turns import TurnDesk
from ...control import agents as agent_ops, operations as ops
from ...errors import BadRequestError, PeerError

if TYPE_CHECKING:
    from ...hub.hub import PeerHub
    from ...panes.owner.publish import PanePublisher
    from .operations import Call


class NodeAgents:
    """Asks agents of peers, and lets peers ask those of this node.

    Args:
        hub: The node.
        publisher: Its panes.
        config: Limits, and how it stands at the start.

    Attributes:
        methods: The operations that need no connection, by name.
    """

    def __init__(self, hub: PeerHub, publisher: PanePublisher, config: AgentConfig) -> None:
        self._hub = hub
        self._publisher = publisher
        self.board = AgentBoard(config, PaneReader(self.panes_for))
        self.approvals = Approvals(config.approval_s)
        self.desk = TurnDesk(hub, self.board, self.approvals, config)
        self.questions = Questions(hub, self.desk.audit)
        self.methods: dict[str, Callable[[Any, Call], Any]] = {
            "ask": self._ask,
            "agents": lambda params, call: self.model(),
            "agent_on": self._switch_on,
            "agent_off": self._switch_off,
            "approvals": self._pending,
            "approve": self._approve,
        }

    async def close(self) -> None:
        """End all turns; may be called twice."""
        await self.desk.close()

    # Looking.

    def model(self) -> agent_ops.AgentsModel:
        """Return how agents stand here."""
        return agent_ops.AgentsModel(
            on=self.board.is_on,
            mode=self.board.mode,
            default=self.board.default_name() if self.board.is_on else None,
            agents=[_model(agent) for agent in self.board.agents()],
            turns=self.desk.under_way,
        )

    def approvals_model(self) -> agent_ops.ApprovalsModel:
        """Return what waits for the owner."""
        return agent_ops.ApprovalsModel(
            [
                msgspec.structs.replace(each, peer_name=self.person(each.peer)["label"])
                for each in self.approvals.pending()
            ]
        )

    def panes_for(self, node_id: str) -> list[GrantedPane]:
        """Return the panes that a node may see, with what they show now."""
        return [
            GrantedPane(
                name=pane.name,
                title=pane.title,
                status="ended" if pane.is_ended else "live",
                since=pane.since,
                rev=pane.state.rev,
                outputs=pane.state.outputs.outputs,
            )
            for pane in self._publisher.granted(node_id)
        ]

    def person(self, node_id: str) -> dict[str, Any]:
        """Return ``{node_id, node_name, alias, label}``; of a stranger little is known."""
        if node_id == self._hub.node_id:
            name = self._hub.node_name
            return {"node_id": node_id, "node_name": name, "alias": None, "label": name}
        try:
            peer = self._hub.peer(node_id)
        except PeerError:
            return {"node_id": node_id, "node_name": "", "alias": None, "label": node_id}
        return {
            "node_id": node_id,
            "node_name": peer.node_name,
            "alias": peer.alias,
            "label": peer.label,
        }

    # What the user does.

    async def _ask(self, params: agent_ops.AskParams, call: Call) -> agent_ops.AskResult:
        turn = None
        if params.turn is not None:
            if call.agents is None:
                raise BadRequestError("a turn belongs to the kernel that answers it")
            turn = call.agents.turn(params.turn)
        pieces: list[str] = []

        async def keep(text: str) -> None:
            pieces.append(text)

        async def tell(text: str) -> None:
            assert call.tell is not None
            await call.tell({"text": text})

        is_streamed = params.stream and call.tell is not None
        asking = self.questions.ask(
            self._hub.find_peer(params.peer).node_id,
            params.prompt,
            tell if is_streamed else keep,
            agent=params.agent,
            timeout_s=params.timeout_s,
            chain=None if turn is None else turn.chain,
        )
        await (asking if turn is None else turn.during(asking))
        return agent_ops.AskResult("".join(pieces))

    def _switch_on(self, params: agent_ops.AgentOnParams, call: Call) -> agent_ops.AgentsModel:
        self.board.switch_on(params.agent, params.mode)
        self.desk.audit.note(
            "agents_on",
            None,
            mode=self.board.mode,
            **({"agent": params.agent} if params.agent else {}),
        )
        return self.model()

    def _switch_off(self, params: ops.NoParams, call: Call) -> agent_ops.AgentsModel:
        self.board.switch_off()
        self.desk.audit.note("agents_off", None)
        return self.model()

    def _pending(self, params: ops.NoParams, call: Call) -> agent_ops.ApprovalsModel:
        if call.agents is not None:
            # Who asks for them shows them.
            self.approvals.add_screen(call.agents)
        return self.approvals_model()

    def _approve(self, params: agent_ops.ApproveParams, call: Call) -> ops.Done:
        self.approvals.decide(params.id, params.allow)
        return ops.Done()


def _model(agent: Agent) -> agent_ops.AgentModel:
    return agent_ops.AgentModel(
        name=agent.name,
        kernel_id=getattr(agent, "kernel_id", None),
        tools=[
            agent_ops.ToolModel(tool.name, tool.read_only)
            for tool in sorted(agent.tools.values(), key=lambda tool: tool.name)
        ],
    )
