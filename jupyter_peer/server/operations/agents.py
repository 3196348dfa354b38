"""Operations on agents: to ask those of peers, and to offer those of this node.

Below is :mod:`jupyter_peer.agents`; above are control socket and REST. A kernel's agents and their
turns belong to its connection and end with it (:mod:`jupyter_peer.server.control.agents`).
"""

from __future__ import annotations

import time

import msgspec

from ...agents.approvals import Approvals, PendingCall
from ...agents.board import Agent, AgentBoard
from ...agents.config import AgentConfig
from ...agents.questions import WAITING, Piece, Questions
from ...agents.reader import GrantedPane, PaneReader
from ...agents.turns import TurnManager
from ...control.fields import Done, NoParams
from ...control.rows import agents as rows
from ...control.rows.agents import AskerModel
from ...document.plain_text import to_text, visible
from ...errors import BadRequestError, PeerError, UnknownAgentError
from ...hub.hub import PeerHub
from ...panes.owner.publish import PanePublisher
from ...phrase import phrase
from ..call import Call, serves


class NodeAgents:
    """Asks agents of peers, and lets peers ask agents of this node.

    Args:
        hub: The node.
        publisher: Its panes.
        config: Limits, and the state at the start.

    Attributes:
        board: The agents of this node.
        approvals: The tool calls that wait for the owner.
        turns: The questions that are being answered here.
        questions: The questions that this node has asked.
    """

    def __init__(self, hub: PeerHub, publisher: PanePublisher, config: AgentConfig) -> None:
        self._hub = hub
        self._publisher = publisher
        self.board = AgentBoard(config, PaneReader(self.panes_for), hub.store.askers)
        self.approvals = Approvals(config.approval_s)
        self.turns = TurnManager(hub, self.board, self.approvals, config)
        self.questions = Questions(hub, self.turns.audit)

    async def close(self) -> None:
        """End all turns; may be called twice."""
        await self.turns.close()

    def model(self) -> rows.AgentsModel:
        """Return the agents of this node."""
        return rows.AgentsModel(
            on=self.board.is_on,
            mode=self.board.mode,
            default=self.board.default_name() if self.board.is_on else None,
            agents=[self._agent(agent) for agent in self.board.agents()],
            turns=self.turns.under_way,
            running=[
                rows.TurnModel(
                    turn=turn.number,
                    agent=turn.agent.name,
                    peer=self.person(turn.peer),
                    chain=[self.person(node_id) for node_id in turn.chain.nodes],
                    since=time.time() - turn.taken_s,
                )
                for turn in self.turns.running()
            ],
        )

    def _agent(self, agent: Agent) -> rows.AgentModel:
        failure = self.board.failure_of(agent.name)
        askers = self._hub.store.askers().get(agent.name)
        return rows.AgentModel(
            name=agent.name,
            kernel_id=getattr(agent, "kernel_id", None),
            tools=[
                rows.ToolModel(tool.name, tool.read_only)
                for tool in sorted(agent.tools.values(), key=lambda tool: tool.name)
            ],
            failure=failure
            and rows.AgentFailureModel(failure.at, visible(failure.why), self.person(failure.peer)),
            askers=None if askers is None else [self.person(each) for each in sorted(askers)],
        )

    @serves(rows.AGENTS)
    def _agents(self, params: NoParams, call: Call) -> rows.AgentsModel:
        return self.model()

    def approvals_model(self) -> rows.ApprovalsModel:
        """Return the tool calls that wait for the owner."""
        return rows.ApprovalsModel([self._approval(each) for each in self.approvals.pending()])

    def _approval(self, pending: PendingCall) -> rows.ApprovalModel:
        call = pending.call
        return rows.ApprovalModel(
            id=pending.id,
            peer=call.peer,
            peer_name=visible(self.person(call.peer).label),
            chain=[_readable(self.person(node_id)) for node_id in call.chain],
            question=visible(call.question),
            agent=call.agent,
            tool=call.tool,
            arguments=[
                msgspec.structs.replace(each, name=visible(each.name), value=visible(each.value))
                for each in call.arguments
            ],
            expires=pending.expires,
        )

    def panes_for(self, node_id: str) -> list[GrantedPane]:
        """Return the panes that a node may see, with their current outputs."""
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

    def person(self, node_id: str) -> AskerModel:
        """Return the names of a node; only the id is known of a stranger."""
        if node_id == self._hub.node_id:
            name = self._hub.node_name
            return AskerModel(node_id, name, None, name)
        try:
            peer = self._hub.peer(node_id)
        except PeerError:
            return AskerModel(node_id, "", None, node_id)
        return AskerModel(node_id, peer.node_name, peer.alias, peer.label)

    @serves(rows.ASK)
    async def _ask(self, params: rows.AskParams, call: Call) -> rows.AskResult:
        turn = None
        if params.turn is not None:
            if call.turns is None:
                raise BadRequestError(
                    "a turn belongs to the kernel that answers it", hint="leave out turn"
                )
            turn = call.turns.turn(params.turn)
        pieces: list[str] = []

        async def keep(piece: Piece) -> None:
            pieces.append(_text_of(piece))

        async def tell(piece: Piece) -> None:
            assert call.tell is not None
            more = (
                {}
                if isinstance(piece, str)
                else WAITING
                if piece is WAITING
                else {"display": piece}
            )
            await call.tell({"text": _text_of(piece), **more})

        is_streamed = params.stream and call.tell is not None
        asking = self.questions.ask(
            self._hub.find_peer(params.peer).node_id,
            params.prompt,
            tell if is_streamed else keep,
            agent=params.agent,
            timeout_s=params.timeout_s,
            chain=None if turn is None else turn.chain,
            conversation=params.conversation,
        )
        proof = await (asking if turn is None else turn.during(asking))
        text = proof.to_text() if params.prove and proof is not None else ""
        return rows.AskResult("".join(pieces), text)

    @serves(rows.PEER_AGENTS)
    async def _peer_agents(
        self, params: rows.PeerAgentsParams, call: Call
    ) -> rows.PeerAgentsResult:
        found = await self.questions.list(self._hub.find_peer(params.peer).node_id)
        return rows.PeerAgentsResult(
            [rows.PeerAgentModel(a.name, visible(a.description), a.default) for a in found]
        )

    @serves(rows.AGENT_ON)
    def _switch_on(self, params: rows.AgentOnParams, call: Call) -> rows.AgentsModel:
        self.board.switch_on(params.agent, params.mode)
        self.turns.audit.note(
            "agents_on",
            None,
            mode=self.board.mode,
            **({"agent": params.agent} if params.agent else {}),
        )
        return self.model()

    @serves(rows.AGENT_OFF)
    def _switch_off(self, params: NoParams, call: Call) -> rows.AgentsModel:
        self.board.switch_off()
        self.turns.audit.note("agents_off", None)
        return self.model()

    @serves(rows.AGENT_ALLOW)
    def _allow(self, params: rows.AgentAllowParams, call: Call) -> rows.AgentsModel:
        names = [agent.name for agent in self.board.agents()]
        if params.agent not in {*names, *self._hub.store.askers()}:
            raise UnknownAgentError(
                phrase("no agent '{name}' is registered here", name=params.agent),
                hint=phrase("the agents are {names}", names=", ".join(names))
                if names
                else phrase("register one first"),
            )
        only = params.only and sorted({self._hub.find_peer(peer).node_id for peer in params.only})
        self._hub.store.set_askers(params.agent, only)
        self.turns.audit.note("agent_allowed", None, agent=params.agent, only=only)
        self.board.tell()
        return self.model()

    @serves(rows.STOP_TURN)
    def _stop_turn(self, params: rows.StopTurnParams, call: Call) -> rows.AgentsModel:
        self.turns.stop(params.turn)
        return self.model()

    @serves(rows.APPROVALS)
    def _pending(self, params: rows.ApprovalsParams, call: Call) -> rows.ApprovalsModel:
        if call.turns is not None and params.watching is not None:
            if params.watching:
                self.approvals.add_screen(call.turns)
            else:
                self.approvals.remove_screen(call.turns)
        return self.approvals_model()

    @serves(rows.APPROVE)
    def _approve(self, params: rows.ApproveParams, call: Call) -> Done:
        self.approvals.decide(params.id, params.allow, for_turn=params.for_turn)
        return Done()


def _readable(person: AskerModel) -> AskerModel:
    return msgspec.structs.replace(
        person, node_name=visible(person.node_name), label=visible(person.label)
    )


def _text_of(piece: Piece) -> str:
    if isinstance(piece, str):
        return piece
    if piece is WAITING:
        return ""
    return f"{to_text({'output_type': 'display_data', **piece})}\n"
