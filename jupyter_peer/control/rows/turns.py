"""Operations of a kernel that answers questions; they belong to its connection.

A kernel registers agents and receives each question as a ``turn`` event. It writes the answer with
``turn_write`` and ends the turn with ``turn_end``. A ``turn_over`` event (``{"turn": number}``)
ends the turn from the server's side. An ``agent_removed`` event (``{"name": name}``) says that a page of
the owner has removed an agent of the kernel.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ...wire.payloads.agents import MAX_ANSWER, MAX_DESCRIPTION, AgentName
from ..fields import Done, Number, Short
from ..operation import of_connection
from .agents import (
    AgentMode,
    AgentsModel,
    ArgumentModel,
    AskerModel,
    DisplayModel,
    ToolModel,
)
from .panes import OutputsResult

MAX_TOOLS = 64
#: Characters of the reason why an agent failed.
MAX_WHY = 2000
#: Arguments of one call.
MAX_ARGUMENTS = 64


class RegisterAgentParams(msgspec.Struct, frozen=True):
    """An agent that runs in the calling kernel until its connection ends."""

    name: AgentName
    tools: Annotated[list[ToolModel], msgspec.Meta(max_length=MAX_TOOLS)] = []
    description: Annotated[str, msgspec.Meta(max_length=MAX_DESCRIPTION)] = ""

    def __post_init__(self) -> None:
        if len({tool.name for tool in self.tools}) < len(self.tools):
            raise ValueError("two tools have the same name")


class AgentParams(msgspec.Struct, frozen=True):
    """One agent by its name."""

    name: AgentName


class TurnEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A question for an agent of this connection.

    Attributes:
        turn: Names the turn in the operations of this connection.
        agent: Which of the kernel's agents is asked.
        prompt: The question.
        peer: The peer that sent the question.
        chain: Everybody it came through, the first asker first.
        deadline: Deadline, epoch seconds.
        mode: Mode of the agents: ``read-only`` or ``ask``.
    """

    turn: int
    agent: str
    prompt: str
    peer: AskerModel
    chain: list[AskerModel]
    deadline: float
    mode: AgentMode


class TurnOverEvent(msgspec.Struct, frozen=True):
    """A turn that ended before its agent; nobody waits for the answer."""

    turn: int


class TurnParams(msgspec.Struct, frozen=True):
    """One turn of this connection."""

    turn: Number


class TurnWriteParams(msgspec.Struct, frozen=True):
    """A piece of an answer, a text or a display. The result means that the next may follow."""

    turn: Number
    text: Annotated[str, msgspec.Meta(max_length=MAX_ANSWER)] = ""
    display: DisplayModel | None = None


class TurnEndParams(msgspec.Struct, frozen=True):
    """The end of a turn: the answer is complete, or failed with ``error``.

    ``why`` is for the owner of the agent alone.
    """

    turn: Number
    error: dict[str, str] | None = None
    why: Annotated[str, msgspec.Meta(max_length=MAX_WHY)] = ""


class TurnToolParams(msgspec.Struct, frozen=True):
    """A tool call to be allowed; the owner reads the arguments."""

    turn: Number
    tool: Short
    arguments: Annotated[list[ArgumentModel], msgspec.Meta(max_length=MAX_ARGUMENTS)] = []


class TurnPaneParams(msgspec.Struct, frozen=True):
    """A pane that the asker of a turn may see."""

    turn: Number
    name: Short


class TurnPaneModel(msgspec.Struct, frozen=True, kw_only=True):
    """A pane that the asker of a turn may see; ``since`` is epoch seconds."""

    name: str
    title: str
    status: Literal["live", "ended"]
    since: float
    rev: int


class TurnPanesResult(msgspec.Struct, frozen=True):
    """The panes that the asker may see."""

    panes: list[TurnPaneModel]


class ExchangeModel(msgspec.Struct, frozen=True):
    """An earlier question of the asker and its answer, each up to 8,192 characters."""

    question: str
    answer: str


class TurnHistoryResult(msgspec.Struct, frozen=True):
    """The earlier answers of the agent in this conversation, the oldest first."""

    exchanges: list[ExchangeModel]


AGENT_REGISTER = of_connection(
    "agent_register", RegisterAgentParams, AgentsModel, "Register an agent of the calling kernel."
)
AGENT_UNREGISTER = of_connection(
    "agent_unregister",
    AgentParams,
    Done,
    "Remove a kernel's agent, and end its turns; a kernel removes only its own.",
)
TURN_WRITE = of_connection("turn_write", TurnWriteParams, Done, "Send a piece of an answer.")
TURN_END = of_connection("turn_end", TurnEndParams, Done, "End a turn.")
TURN_TOOL = of_connection(
    "turn_tool", TurnToolParams, Done, "Wait until a tool may be called.", ends_unawaited=True
)
TURN_HISTORY = of_connection(
    "turn_history", TurnParams, TurnHistoryResult, "Return the last exchanges of the conversation."
)
TURN_PANES = of_connection(
    "turn_panes", TurnParams, TurnPanesResult, "Return the panes that the asker may see."
)
TURN_PANE = of_connection(
    "turn_pane", TurnPaneParams, OutputsResult, "Return what a pane shows to the asker."
)
