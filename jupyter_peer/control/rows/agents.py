"""Operations on agents: to ask those of peers, and to offer those of this node."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from ...errors import BadRequestError
from ...wire.payloads.agents import MAX_PROMPT, AgentName, RequestId
from ..fields import Done, NoParams, Number, PersonModel, Short
from ..operation import Operation, looks, of_connection

AgentMode = Literal["read-only", "ask"]

MAX_TIMEOUT_S = 3600.0
DEFAULT_TIMEOUT_S = 60.0

Prompt = Annotated[str, msgspec.Meta(max_length=MAX_PROMPT)]
Timeout = Annotated[float, msgspec.Meta(gt=0, le=MAX_TIMEOUT_S)]
ToolName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}\Z")]


class AskParams(msgspec.Struct, frozen=True, kw_only=True):
    """A question for a peer's agent.

    Attributes:
        peer: Any of its names.
        prompt: The question.
        agent: Which of its agents; None leaves the choice to the peer.
        timeout_s: Seconds until the question expires.
        turn: The turn of this connection on whose behalf it is asked.
        stream: Whether the answer comes in pieces as progress, and not in the result.
        prove: Whether the result has a proof of the answer.
        conversation: Id of the conversation that it belongs to.
    """

    peer: Short
    prompt: Prompt
    agent: AgentName | None = None
    timeout_s: Timeout = DEFAULT_TIMEOUT_S
    turn: Number | None = None
    stream: bool = False
    prove: bool = False
    conversation: RequestId | None = None


class AskBody(msgspec.Struct, frozen=True, kw_only=True, rename={"peer": "peer_id"}):
    """The question in a REST body; ``peer_id`` is any name of the peer."""

    peer: Short
    prompt: Prompt
    agent: AgentName | None = None
    timeout_s: Timeout = DEFAULT_TIMEOUT_S


class DisplayModel(msgspec.Struct, frozen=True):
    """Something displayed in an answer: a MIME bundle."""

    data: dict[str, Any]
    metadata: dict[str, Any] = {}


class AskPiece(msgspec.Struct, frozen=True):
    """A piece of an answer: a text, or something displayed with its plain text.

    ``waiting`` without both means that the owner is asked about a tool.
    """

    text: str
    display: DisplayModel | None = None
    waiting: bool = False


class AskResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole answer as text; empty if it came in pieces.

    ``proof`` is the text of a proof file (SPEC section 12), if one was asked for and there is one.
    """

    answer: str
    proof: str = ""


class CancelParams(msgspec.Struct, frozen=True):
    """The id of a request of this connection."""

    request: Number


class ToolModel(msgspec.Struct, frozen=True):
    """A tool of an agent."""

    name: ToolName
    read_only: bool = False


class AskerModel(PersonModel, frozen=True):
    """A node in the chain of askers. Only the id is known of a stranger.

    ``label`` is the best name there is.
    """

    label: str


class AgentFailureModel(msgspec.Struct, frozen=True):
    """The last failure of an agent, for its owner only.

    Attributes:
        at: Time, epoch seconds.
        why: The error, for the owner alone.
        peer: The asker.
    """

    at: float
    why: str
    peer: AskerModel


class AgentModel(msgspec.Struct, frozen=True, kw_only=True):
    """An agent of this node; ``kernel_id`` is None for the built-in one.

    ``failure`` is None unless its last turn failed. ``askers`` are the peers that may ask it; None
    for every paired peer.
    """

    name: str
    kernel_id: str | None
    tools: list[ToolModel]
    failure: AgentFailureModel | None = None
    askers: list[AskerModel] | None = None


class TurnModel(msgspec.Struct, frozen=True, kw_only=True):
    """A question that is being answered.

    Attributes:
        turn: Its number, for ``stop_turn``.
        agent: The agent that answers.
        peer: The asker.
        chain: Everybody the question came through, the first asker first, ``peer`` last.
        since: Time of its start, epoch seconds.
    """

    turn: int
    agent: str
    peer: AskerModel
    chain: list[AskerModel]
    since: float


class AgentsModel(msgspec.Struct, frozen=True, kw_only=True):
    """The agents of this node.

    Attributes:
        on: Whether peers may ask.
        mode: Mode of the agents: ``read-only`` or ``ask``.
        default: Agent for questions that name no agent; None without one.
        agents: All of them.
        turns: Number of questions that are being answered now.
        running: These questions, the oldest first.
    """

    on: bool
    mode: AgentMode
    default: str | None
    agents: list[AgentModel]
    turns: int
    running: list[TurnModel] = []


class PeerAgentsParams(msgspec.Struct, frozen=True):
    """A peer, by any of its names."""

    peer: Short


class PeerAgentModel(msgspec.Struct, frozen=True):
    """An agent of a peer; ``description`` is a stranger's text. ``default`` answers unnamed questions."""

    name: str
    description: str
    default: bool


class PeerAgentsResult(msgspec.Struct, frozen=True):
    """The agents of a peer that this node may ask."""

    agents: list[PeerAgentModel]


class AgentOnParams(msgspec.Struct, frozen=True):
    """The agent for questions that name none, and the mode of all agents."""

    agent: AgentName | None = None
    mode: AgentMode | None = None


class AgentAllowParams(msgspec.Struct, frozen=True):
    """The peers that may ask an agent, by any of their names; None for every paired peer."""

    agent: AgentName
    only: list[Short] | None = None


class ArgumentModel(msgspec.Struct, frozen=True):
    """One argument of a tool call.

    Attributes:
        name: Name of the parameter.
        value: The whole value as Python writes it.
        is_exact: False for an object that describes itself, and may leave out parts.
    """

    name: Short
    value: Annotated[str, msgspec.Meta(max_length=64 * 1024)]
    is_exact: bool = True


class ApprovalModel(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that waits for the owner's decision.

    Characters that cannot be seen are written as their codes in all texts.

    Attributes:
        id: For the answer.
        peer: Node id of the asker.
        peer_name: The owner's own name for the peer.
        chain: Everybody the question came through, the first asker first.
        question: Text of the question.
        agent, tool: Names of the agent and of the tool.
        arguments: Arguments of the call, each by its name.
        expires: Time at which it is refused without an answer, epoch seconds.
    """

    id: int
    peer: str
    peer_name: str
    chain: list[AskerModel]
    question: str
    agent: str
    tool: str
    arguments: list[ArgumentModel]
    expires: float


class ApprovalsModel(msgspec.Struct, frozen=True):
    """The tool calls that wait for the owner's decision, oldest first."""

    approvals: list[ApprovalModel]


class StopTurnParams(msgspec.Struct, frozen=True):
    """A question that is being answered."""

    turn: Number


class ApprovalsParams(msgspec.Struct, frozen=True):
    """Whether a person can see the calls at the other end of this connection now; None changes nothing."""

    watching: bool | None = True


class ApproveParams(msgspec.Struct, frozen=True):
    """The owner's decision about one tool call; ``for_turn`` allows the tool until the turn ends."""

    id: Number
    allow: bool
    for_turn: bool = False


def checked_timeout(seconds: object) -> float:
    """Return a number of seconds to wait for an answer.

    Raises:
        BadRequestError: It is not a number of seconds up to an hour.
    """
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not 0 < float(seconds) <= MAX_TIMEOUT_S:  # type: ignore[arg-type]
        raise BadRequestError(
            "the timeout is not a number of seconds", hint=f"give 1 to {MAX_TIMEOUT_S:.0f}"
        )
    return float(seconds)  # type: ignore[arg-type]


ASK = Operation(
    "ask",
    AskParams,
    AskResult,
    "Ask a peer's agent.",
    "POST ask-peer",
    body=AskBody,
    is_outcome=True,
    progress=AskPiece,
    ends_unawaited=True,
    timeout_s=None,
)
CANCEL = of_connection(
    "cancel", CancelParams, Done, "Cancel a request of this connection that is under way."
)
AGENTS = looks("agents", NoParams, AgentsModel, "Return the agents of this node.", "GET agents")
PEER_AGENTS = looks(
    "peer_agents",
    PeerAgentsParams,
    PeerAgentsResult,
    "Return the agents of a peer that this node may ask.",
)
AGENT_ON = Operation(
    "agent_on", AgentOnParams, AgentsModel, "Let peers ask the agents of this node."
)
AGENT_OFF = Operation(
    "agent_off", NoParams, AgentsModel, "Stop peers from asking, and end running turns."
)
AGENT_ALLOW = Operation(
    "agent_allow",
    AgentAllowParams,
    AgentsModel,
    "Choose the peers that may ask an agent.",
    "PUT agents/{agent}/askers",
)
STOP_TURN = Operation(
    "stop_turn", StopTurnParams, AgentsModel, "Stop answering one question, and tell its asker."
)
APPROVALS = looks(
    "approvals", ApprovalsParams, ApprovalsModel, "Return the tool calls that await the owner."
)
APPROVE = Operation("approve", ApproveParams, Done, "Allow or refuse one tool call.")
