"""The registered agents, and the owner's switches: whether agents answer, and in which mode."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, Protocol

from ..control.rows.agents import AgentMode
from ..errors import BusyError, UnknownAgentError
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

    Attributes:
        is_on: Whether peers may ask.
        mode: Mode of the agents: ``read-only`` or ``ask``.
        chosen: The agent that answers those who name none; None for the newest.
    """

    def __init__(self, config: AgentConfig, built_in: Agent) -> None:
        self.is_on = config.allow
        self.mode: AgentMode = config.mode
        self.chosen: str | None = None
        self._built_in = built_in
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
            raise UnknownAgentError(f"no agent {agent!r} is registered here")
        self.is_on = self._has_built_in = True
        if agent is not None:
            self.chosen = agent
        if mode is not None:
            self.mode = mode
        self._tell()

    def switch_off(self) -> None:
        """Stop answering questions."""
        self.is_on = self._has_built_in = False
        self._tell()

    def register(self, agent: Agent) -> None:
        """Register an agent, in place of one with the same name.

        Raises:
            BusyError: Too many agents are registered.
        """
        if agent.name not in self._agents and len(self._agents) >= MAX_AGENTS:
            raise BusyError(f"{MAX_AGENTS} agents are registered already")
        # the newest is the last
        self._agents.pop(agent.name, None)
        self._failures.pop(agent.name, None)
        self._agents[agent.name] = agent
        self._tell()

    def unregister(self, agent: Agent) -> None:
        """Remove an agent; a later agent of the same name stays."""
        if self._agents.get(agent.name) is agent:
            del self._agents[agent.name]
            self._failures.pop(agent.name, None)
            self._tell()

    def ended(self, agent: Agent, failure: AgentFailure | None) -> None:
        """Store the result of an agent's last turn for the owner."""
        if self._agents.get(agent.name) is not agent:
            return
        before = self._failures.pop(agent.name, None)
        if failure is not None:
            self._failures[agent.name] = failure
        if failure is not before:
            self._tell()

    def failure_of(self, name: str) -> AgentFailure | None:
        """Return why the last turn of an agent failed; None if it did not."""
        return self._failures.get(name)

    def agents(self) -> list[Agent]:
        """Return the agents that can be asked; the built-in reader is last, if it is on."""
        built_in = [self._built_in] if self._has_built_in else []
        return [*self._agents.values(), *built_in]

    def find(self, name: str | None = None) -> Agent:
        """Return the agent with a name; without a name, the agent for questions that name none.

        Raises:
            UnknownAgentError: There is no such agent.
        """
        if name is None:
            name = self.default_name()
        if name is not None and name in self._agents:
            return self._agents[name]
        if name == self._built_in.name and self._has_built_in:
            return self._built_in
        raise UnknownAgentError

    def default_name(self) -> str | None:
        """Return the name of the agent for questions that name none; None without an agent."""
        known = [agent.name for agent in self.agents()]
        if self.chosen in known:
            return self.chosen
        if self._agents:
            return next(reversed(self._agents))
        return self._built_in.name if self._has_built_in else None

    def _tell(self) -> None:
        self._changes.emit()
