"""Operations of the control socket about agents: their parameters and results.

A kernel registers agents, is told of turns by ``turn`` events (:class:`TurnModel`) and of their end
by ``turn_over`` (``{"turn": number}``), and answers with the ``turn_...`` operations, which belong
to the connection that registered. What waits for the owner's yes is told by ``approval`` events.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from ..errors import BadRequestError
from ..wire.payloads.agents import MAX_ANSWER, MAX_PROMPT, AgentName

AgentMode = Literal["read-only", "ask"]

MAX_TOOLS = 64
MAX_TIMEOUT_S = 3600.0
DEFAULT_TIMEOUT_S = 60.0

_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
_Short = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_ToolName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}\Z")]
_Timeout = Annotated[float, msgspec.Meta(gt=0, le=MAX_TIMEOUT_S)]


class AskParams(msgspec.Struct, frozen=True, kw_only=True):
    """Ask a peer's agent; pieces of the answer come as progress ``{"text": ...}``.

    Attributes:
        peer: Any of its names.
        prompt: The question.
        agent: Which of its agents; None leaves it to the peer.
        timeout_s: Seconds after which nobody waits for the answer.
        turn: The turn of this connection in which it is asked.
        stream: Whether the answer is wanted in pieces, and not in the result.
    """

    peer: _Short
    prompt: Annotated[str, msgspec.Meta(max_length=MAX_PROMPT)]
    agent: AgentName | None = None
    timeout_s: _Timeout = DEFAULT_TIMEOUT_S
    turn: _Number | None = None
    stream: bool = False


class AskResult(msgspec.Struct, frozen=True):
    """The whole answer; empty when it came in pieces."""

    answer: str


class CancelParams(msgspec.Struct, frozen=True):
    """End a request of this connection that is under way, by its id."""

    request: _Number


class AgentOnParams(msgspec.Struct, frozen=True):
    """Let peers ask; ``agent`` answers those who name none."""

    agent: AgentName | None = None
    mode: AgentMode | None = None


class ToolModel(msgspec.Struct, frozen=True):
    """A tool of an agent."""

    name: _ToolName
    read_only: bool = False


class RegisterAgentParams(msgspec.Struct, frozen=True):
    """Put an agent up that runs in the calling kernel, until its connection ends."""

    name: AgentName
    tools: Annotated[list[ToolModel], msgspec.Meta(max_length=MAX_TOOLS)] = []

    def __post_init__(self) -> None:
        if len({tool.name for tool in self.tools}) < len(self.tools):
            raise ValueError("two tools have the same name")


class AgentParams(msgspec.Struct, frozen=True):
    """Name one agent of this connection."""

    name: AgentName


class AgentModel(msgspec.Struct, frozen=True, kw_only=True):
    """One agent that can be asked here; ``kernel_id`` is None for the built-in one."""

    name: str
    kernel_id: str | None
    tools: list[ToolModel]


class AgentsModel(msgspec.Struct, frozen=True, kw_only=True):
    """How agents stand on this node.

    Attributes:
        on: Whether peers may ask.
        mode: What agents may do for them.
        default: Who answers those who name nobody; None when nobody does.
        agents: Who can be asked.
        turns: How many questions are being answered now.
    """

    on: bool
    mode: str
    default: str | None
    agents: list[AgentModel]
    turns: int


class TurnModel(msgspec.Struct, frozen=True, kw_only=True):
    """A question, as the kernel that is to answer it is told.

    Attributes:
        turn: Names it in what the kernel sends.
        agent: Which of the kernel's agents is meant.
        prompt: The question.
        peer: ``{node_id, node_name, alias}`` of who sent it.
        chain: The same of everybody it has come through, the first asker first; of those that are
            no peers here the id alone is known.
        deadline: Until when it can be answered, epoch seconds.
        mode: ``read-only`` or ``ask``.
    """

    turn: int
    agent: str
    prompt: str
    peer: dict[str, Any]
    chain: list[dict[str, Any]]
    deadline: float
    mode: str


class TurnWriteParams(msgspec.Struct, frozen=True):
    """Write a piece of an answer; the result comes when the next may follow."""

    turn: _Number
    text: Annotated[str, msgspec.Meta(max_length=MAX_ANSWER)]


class TurnEndParams(msgspec.Struct, frozen=True):
    """End a turn: the answer is whole, or there is none for the reason ``error``."""

    turn: _Number
    error: dict[str, str] | None = None


class TurnToolParams(msgspec.Struct, frozen=True):
    """Ask whether a tool may be called now; ``arguments`` is what the owner reads."""

    turn: _Number
    tool: _Short
    arguments: Annotated[str, msgspec.Meta(max_length=64 * 1024)] = ""


class TurnParams(msgspec.Struct, frozen=True):
    """Name one turn of this connection."""

    turn: _Number


class TurnPaneParams(msgspec.Struct, frozen=True):
    """Name a pane that the asker of a turn may see."""

    turn: _Number
    name: _Short


class TurnPanesResult(msgspec.Struct, frozen=True):
    """The panes that the asker may see: ``{name, title, status, since, rev}`` of each."""

    panes: list[dict[str, Any]]


class TurnPaneResult(msgspec.Struct, frozen=True):
    """What such a pane shows now, as nbformat outputs."""

    outputs: list[dict[str, Any]]


class ApprovalModel(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a tool that waits for the owner.

    Attributes:
        id: To answer it by.
        peer: Node id of who asked the agent.
        agent, tool: Which agent wants to use what.
        arguments: Of the call, as text.
        expires: When no answer is a no, epoch seconds.
        peer_name: How the owner knows the peer.
    """

    id: int
    peer: str
    agent: str
    tool: str
    arguments: str
    expires: float
    peer_name: str = ""


class ApprovalsModel(msgspec.Struct, frozen=True):
    """What waits for the owner, the oldest first."""

    approvals: list[ApprovalModel]


class ApproveParams(msgspec.Struct, frozen=True):
    """Answer for the owner: this one call may be made, or not."""

    id: _Number
    allow: bool


def checked_timeout(seconds: object) -> float:
    """Return how long to wait for an answer.

    Raises:
        BadRequestError: It is no length of time up to an hour.
    """
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not 0 < float(seconds) <= MAX_TIMEOUT_S:  # type: ignore[arg-type]
        raise BadRequestError(
            "the timeout is not a number of seconds", hint=f"give 1 to {MAX_TIMEOUT_S:.0f}"
        )
    return float(seconds)  # type: ignore[arg-type]
