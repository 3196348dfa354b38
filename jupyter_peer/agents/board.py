"""The registered agents, and the owner's switches: whether agents answer, and in which mode."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, NamedTuple, Protocol

from ..control.rows.agents import AgentMode
from ..errors import BusyError, UnknownAgentError
from ..phrase import phrase
from ..primitives.signal import Signal
from .config import AgentConfig
from .tools import ToolUser
from .turn import Turn

MAX_AGENTS = 32


class Agent(ToolUser, Protocol):
    """An agent, which answers questions: a callable in a kernel, or the built-in reader."""

    def answer(self, turn: Turn) -> Coroutine[Any, Any, None]:
        """Write the whole answer with :meth:`.Turn.write`.

        Raises:
            PeerError: There is no answer; the asker receives the error.
        """


class AgentFailure(NamedTuple):
    """A failure of an agent: its time (epoch seconds), the error, and the asker's node id."""

    at: float
    why: str
    peer: str


class AgentBoard:
    """The agents of one node.

    Args:
        config: Settings at the start.
        built_in: Answers when the owner has switched agents on and none is registered.
        askers: Returns the node ids that may ask, for each agent that not every paired peer may ask.

    Attributes:
        is_on: Whether peers may ask.
        mode: Mode of the agents: ``read-only`` or ``ask``.
        chosen: The agent that answers those who name none; None for the newest.
    """

    def __init__(
        self,
        config: AgentConfig,
        built_in: Agent,
        askers: Callable[[], Mapping[str, Collection[str]]] = dict,
    ) -> None:
        self.is_on = config.allow
        self.mode: AgentMode = config.mode
        self.chosen: str | None = None
        self._built_in = built_in
        self._askers = askers
        self._has_built_in = False
        self._agents: dict[str, Agent] = {}
        self._failures: dict[str, AgentFailure] = {}
        self._changes = Signal[[]]("the agents changed")

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when agents or switches have changed; return a function that stops this."""
        return self._changes.connect(listener)

    def switch_on(self, agent: str | None = None, mode: AgentMode | None = None) -> None:
        """Let peers ask until the server ends or :meth:`switch_off` is called.

        Args:
            agent: The agent for questions that name no agent; None does not change it.
            mode: Mode of the agents; None does not change it.

        Raises:
            UnknownAgentError: There is no such agent.
        """
        if agent is not None and agent not in self._agents and agent != self._built_in.name:
            raise UnknownAgentError(phrase("no agent '{name}' is registered here", name=agent))
        self.is_on = self._has_built_in = True
        if agent is not None:
            self.chosen = agent
        if mode is not None:
            self.mode = mode
        self.tell()

    def switch_off(self) -> None:
        """Stop answering questions."""
        self.is_on = self._has_built_in = False
        self.tell()

    def register(self, agent: Agent) -> None:
        """Register an agent, in place of one with the same name.

        Raises:
            BusyError: Too many agents are registered.
        """
        if agent.name not in self._agents and len(self._agents) >= MAX_AGENTS:
            raise BusyError(phrase("{most} agents are registered already", most=MAX_AGENTS))
        # the newest is the last
        self._agents.pop(agent.name, None)
        self._failures.pop(agent.name, None)
        self._agents[agent.name] = agent
        self.tell()

    def unregister(self, agent: Agent) -> None:
        """Remove an agent; a later agent of the same name stays."""
        if self._agents.get(agent.name) is agent:
            del self._agents[agent.name]
            self._failures.pop(agent.name, None)
            self.tell()

    def ended(self, agent: Agent, failure: AgentFailure | None) -> None:
        """Store the result of an agent's last turn for the owner."""
        if self._agents.get(agent.name) is not agent:
            return
        before = self._failures.pop(agent.name, None)
        if failure is not None:
            self._failures[agent.name] = failure
        if failure is not before:
            self.tell()

    def failure_of(self, name: str) -> AgentFailure | None:
        """Return why the last turn of an agent failed; None if it did not."""
        return self._failures.get(name)

    def agents(self, peer: str | None = None) -> list[Agent]:
        """Return the agents that a peer may ask, or all; the built-in reader last if it is on."""
        built_in = [self._built_in] if self._has_built_in else []
        askers = self._askers() if peer is not None else {}
        return [
            agent
            for agent in (*self._agents.values(), *built_in)
            if agent.name not in askers or peer in askers[agent.name]
        ]

    def find(self, name: str | None, peer: str) -> Agent:
        """Return the agent of a name, or the one that answers a peer who names none.

        Raises:
            UnknownAgentError: There is none that the peer may ask.
        """
        if name is None:
            name = self.default_name(peer)
        for agent in self.agents(peer):
            if agent.name == name:
                return agent
        if name is None:
            raise UnknownAgentError
        raise UnknownAgentError(phrase("no agent '{name}' is registered here", name=name))

    def hides(self, name: str | None, peer: str) -> bool:
        """Return whether the only reason why a peer finds no such agent is that it may not ask it."""
        seen = self.agents(peer)
        return any(name in (None, agent.name) for agent in self.agents() if agent not in seen)

    def default_name(self, peer: str | None = None) -> str | None:
        """Return which agent answers those who name none, or a peer; None when there is no agent."""
        known = [agent.name for agent in self.agents(peer)]
        if self.chosen in known:
            return self.chosen
        # The newest, and the built-in one only if there is no other.
        registered = [name for name in known if name in self._agents]
        return next(reversed(registered or known), None)

    def tell(self) -> None:
        """Tell the subscribers that something has changed."""
        self._changes.emit()
