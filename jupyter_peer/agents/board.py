"""Which agents answer here, whether they do at all, and in which mode: what the owner has switched."""

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
    """Something that answers questions: a callable in a kernel, or the built-in reader."""

    def answer(self, turn: Turn) -> Coroutine[Any, Any, None]:
        """Write the answer with :meth:`.Turn.write`; returns when it is whole.

        Raises:
            PeerError: There is no answer; the asker is told why.
        """


class AgentFailure(NamedTuple):
    """Why an agent failed: when (epoch seconds), the error, and the node id of who asked."""

    at: float
    why: str
    peer: str


class AgentBoard:
    """The agents of one node.

    Args:
        config: How it stands at the start.
        built_in: Answers when the owner has switched agents on and none is registered.

    Attributes:
        is_on: Whether peers may ask.
        mode: What an agent may do for a peer.
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
        """Call back when anything here has changed; returns what ends it."""
        return self._changes.connect(listener)

    def switch_on(self, agent: str | None = None, mode: AgentMode | None = None) -> None:
        """Let peers ask until the server ends or :meth:`switch_off`.

        Args:
            agent: Who answers those who name nobody; None leaves it as it is.
            mode: What agents may do; None leaves it as it is.

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
        """Let nobody ask any more."""
        self.is_on = self._has_built_in = False
        self._tell()

    def register(self, agent: Agent) -> None:
        """Put an agent up, in place of one of the same name.

        Raises:
            BusyError: There are too many.
        """
        if agent.name not in self._agents and len(self._agents) >= MAX_AGENTS:
            raise BusyError(f"{MAX_AGENTS} agents are registered already")
        # the newest is the last
        self._agents.pop(agent.name, None)
        self._failures.pop(agent.name, None)
        self._agents[agent.name] = agent
        self._tell()

    def unregister(self, agent: Agent) -> None:
        """Take an agent down; one that took its name stays."""
        if self._agents.get(agent.name) is agent:
            del self._agents[agent.name]
            self._failures.pop(agent.name, None)
            self._tell()

    def ended(self, agent: Agent, failure: AgentFailure | None) -> None:
        """Keep for the owner how the last turn of an agent ended."""
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
        """Return who can be asked, the built-in reader last if it is switched on."""
        built_in = [self._built_in] if self._has_built_in else []
        return [*self._agents.values(), *built_in]

    def find(self, name: str | None = None) -> Agent:
        """Return the agent of a name, or the one that answers those who name none.

        Raises:
            UnknownAgentError: There is none.
        """
        if name is None:
            name = self.default_name()
        if name is not None and name in self._agents:
            return self._agents[name]
        if name == self._built_in.name and self._has_built_in:
            return self._built_in
        raise UnknownAgentError

    def default_name(self) -> str | None:
        """Return which agent answers those who name none; None when there is no agent."""
        known = [agent.name for agent in self.agents()]
        if self.chosen in known:
            return self.chosen
        if self._agents:
            return next(reversed(self._agents))
        return self._built_in.name if self._has_built_in else None

    def _tell(self) -> None:
        self._changes.emit()
