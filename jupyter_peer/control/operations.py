"""Operations of the control socket: their parameters and results. REST takes the same as bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from ..errors import BadRequestError
from ..findings import Finding
from ..wire.payloads.validation import misfit
from ..wire.relay.lobby import JoinPolicy, Visibility
from . import agents as agent_ops, chat as chat_ops
from .panes import InputParams

Grant = Literal["view", "interact"]
GrantOrNone = Literal["view", "interact", "none"]

_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_Short = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_Text = Annotated[str, msgspec.Meta(max_length=512)]


class NoParams(msgspec.Struct, frozen=True):
    """Parameters of an operation that takes none."""


class SetNameParams(msgspec.Struct, frozen=True):
    """Set the cosmetic name of this node."""

    name: _Short


class InviteParams(msgspec.Struct, frozen=True):
    """Mint a single-use invite; ``ttl_s`` in seconds, None for the configured life."""

    ttl_s: _Seconds | None = None
    note: _Text = ""


class RevokeInviteParams(msgspec.Struct, frozen=True):
    """Take an unused invite back."""

    id: _Short


class PairParams(msgspec.Struct, frozen=True):
    """Redeem somebody's invite."""

    invite: Annotated[str, msgspec.Meta(max_length=16384)]


class ConnectParams(msgspec.Struct, frozen=True):
    """Dial a known peer, a node that was found, or an address."""

    node_id: _Short | None = None
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=512)] | None = None

    def __post_init__(self) -> None:
        if (self.node_id is None) == (self.address is None):
            raise ValueError("give either node_id or address")


class PeerParams(msgspec.Struct, frozen=True):
    """Name one peer: alias, node name, node id, or a unique prefix of one."""

    peer: _Short


class DoctorParams(msgspec.Struct, frozen=True):
    """Examine this node, or the paths to one peer."""

    peer: _Short | None = None


class AliasParams(msgspec.Struct, frozen=True):
    """Give a peer a name of one's own, or take it away with None."""

    peer: _Short
    alias: _Short | None


class ShareParams(msgspec.Struct, frozen=True, kw_only=True):
    """Share what one cell or one display of a kernel shows.

    Attributes:
        name: Name of the pane, unique on this node.
        title: For people; the name when empty.
        with_: Peers that may see it at once.
        grant: What those peers may do.
        kernel_id: Whose output it is. A kernel may leave it out, and can name no kernel but itself.
        cell: ``msg_id`` of the execute request whose output is the pane, or
        display: a ``display_id``.
    """

    name: _Short
    title: _Text = ""
    with_: Annotated[list[_Short], msgspec.Meta(max_length=256)] = msgspec.field(
        name="with", default_factory=list
    )
    grant: Grant = "view"
    kernel_id: _Short | None = None
    cell: _Short | None = None
    display: _Short | None = None

    def __post_init__(self) -> None:
        if (self.cell is None) == (self.display is None):
            raise ValueError("give either cell or display")


class GrantParams(msgspec.Struct, frozen=True):
    """Let a peer see a pane, also touch it, or neither any more."""

    name: _Short
    peer: _Short
    grant: GrantOrNone | None


class PaneParams(msgspec.Struct, frozen=True):
    """Name one of this node's panes."""

    name: _Short


class OpenParams(msgspec.Struct, frozen=True):
    """Watch a pane that a peer offers.

    Attributes:
        peer: The owner.
        name: The pane.
        if_watched: Only if a kernel of this server is watching it already. So an output that came
            with a notebook file cannot make this node ask a peer for anything.
    """

    peer: _Short
    name: _Short
    if_watched: bool = False


class AckParams(msgspec.Struct, frozen=True):
    """Say that everything of a watch up to ``rev`` has been taken in."""

    watch: _Number
    rev: _Number


class WatchParams(msgspec.Struct, frozen=True):
    """Name one watch of this connection."""

    watch: _Number


class AuditParams(msgspec.Struct, frozen=True):
    """Read the newest entries of the audit log."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100


class SelfModel(msgspec.Struct, frozen=True, kw_only=True):
    """This node as its own user sees it."""

    node_id: str
    public_key: str
    fingerprint: str
    node_name: str
    capabilities: list[str]
    addresses: list[str]
    version: str


class PeerModel(msgspec.Struct, frozen=True, kw_only=True):
    """One peer. ``status`` is ``connected``, ``connecting``, ``offline`` or ``blocked``.

    ``panes`` are the names of those it offers to this node, ``addresses`` is where it can be dialled,
    ``since`` when the live link began and ``last_error`` why the last attempt to connect failed
    (``{code, message, hint}``). Times are epoch seconds.
    """

    node_id: str
    node_name: str
    alias: str | None
    public_key: str
    transport: str | None
    address: str | None
    status: str
    trusted: bool
    blocked: bool
    last_seen: float | None
    rtt_ms: float | None
    capabilities: list[str]
    panes: list[str]
    since: float | None = None
    sealed: bool | None = None
    origin: str = ""
    addresses: list[str] = []
    last_error: dict[str, str] | None = None


class FoundModel(msgspec.Struct, frozen=True, kw_only=True):
    """A node that discovery sees and that is no peer; nothing of this is proven.

    ``source`` is ``lan`` or ``lobby``; a node that both see is listed twice.
    """

    node_id: str
    node_name: str
    source: str
    addresses: list[str]


class PeersResult(msgspec.Struct, frozen=True):
    """Everybody this node knows, and who else was found; ``me`` is ``self`` on the wire."""

    me: SelfModel = msgspec.field(name="self")
    peers: list[PeerModel]
    found: list[FoundModel] = []


class PeerResult(msgspec.Struct, frozen=True):
    """The peer an operation was about, as it is afterwards."""

    peer: PeerModel


class InviteResult(msgspec.Struct, frozen=True):
    """A fresh invite: the only time its text is shown."""

    invite: str
    id: str
    expires: float


class InviteModel(msgspec.Struct, frozen=True, kw_only=True):
    """An invite as it is remembered, without its token."""

    id: str
    created: float
    expires: float
    note: str
    status: str
    used_by: str | None
    used_at: float | None


class InvitesResult(msgspec.Struct, frozen=True):
    """The invites this node has minted, newest first."""

    invites: list[InviteModel]


class PanesResult(msgspec.Struct, frozen=True):
    """Own panes and those offered by peers, each as ``GET panes`` describes it."""

    mine: list[dict[str, Any]]
    offered: list[dict[str, Any]]


class PaneResult(msgspec.Struct, frozen=True):
    """The own pane an operation was about, as it is afterwards."""

    pane: dict[str, Any]


class OpenResult(msgspec.Struct, frozen=True):
    """A watch has begun: what is known of the pane, and its state so far."""

    watch: int
    info: dict[str, Any]
    state: dict[str, Any]


class MetricsResult(msgspec.Struct, frozen=True):
    """Figures of each link, by node id."""

    peers: dict[str, dict[str, Any]]


class AuditModel(msgspec.Struct, frozen=True):
    """Something that happened, for the owner to read."""

    at: float
    kind: str
    peer: str | None
    detail: dict[str, Any]


class AuditResult(msgspec.Struct, frozen=True):
    """Entries of the audit log, newest first."""

    audit: list[AuditModel]


class PingResult(msgspec.Struct, frozen=True):
    """A round trip that was just measured."""

    rtt_ms: float


class DoctorResult(msgspec.Struct, frozen=True):
    """What the doctor found.

    Attributes:
        findings: Of this node, or of the paths to the peer.
        peer: The peer that was asked about, None for this node.
        at: When that was, epoch seconds.
        took_s: How long it took.
    """

    findings: list[Finding]
    peer: PeerModel | None
    at: float
    took_s: float


class CreateRoomParams(msgspec.Struct, frozen=True):
    """Make a room at the lobby and enter it.

    Attributes:
        name: 1 to 64 letters, digits, dots, dashes and underscores.
        visibility: Whether it is in the list that everybody at the lobby can see.
        join_policy: Who may enter: everybody who names it, who has its token, or who is in the
            directory of the lobby.
        group: With ``directory``: only members of this group of it.
    """

    name: _Short
    visibility: Visibility = "unlisted"
    join_policy: JoinPolicy = "open"
    group: _Short | None = None


class JoinRoomParams(msgspec.Struct, frozen=True):
    """Enter a room; ``token`` when it asks for one."""

    name: _Short
    token: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None


class RoomParams(msgspec.Struct, frozen=True):
    """Name a room that this node is in."""

    name: _Short


class AtLobbyModel(msgspec.Struct, frozen=True, kw_only=True):
    """A node as the lobby tells of it.

    ``addresses`` are known of fellow members of a room only, ``away`` are those whose connection to
    the lobby broke. ``me`` is this node, ``peer`` the status of one that is a peer, else None.
    """

    node_id: str
    node_name: str
    capabilities: list[str]
    addresses: list[str]
    away: bool
    me: bool
    peer: str | None


class RoomModel(msgspec.Struct, frozen=True, kw_only=True):
    """A room. ``members`` are known of those this node is in only, and None else.

    ``joined`` says that this node's user has entered it; ``error`` why the node is not in it all
    the same.
    """

    name: str
    visibility: str | None
    join_policy: str | None
    group: str | None
    member_count: int
    joined: bool
    members: list[AtLobbyModel] | None
    error: dict[str, str] | None = None


class LobbyModel(msgspec.Struct, frozen=True, kw_only=True):
    """This node at its lobby.

    Attributes:
        url: Of the lobby; None when there is none in the settings.
        status: ``off`` without a lobby, ``idle`` while nothing is wanted of it, ``connecting`` or
            ``connected``.
        listed: Whether everybody at the lobby may see this node.
        rooms: Those this node's user has entered.
        error: Why the lobby cannot be reached, if it cannot.
    """

    url: str | None
    status: str
    listed: bool
    rooms: list[RoomModel]
    error: dict[str, str] | None


class WhoResult(msgspec.Struct, frozen=True):
    """Who is listed at the lobby."""

    nodes: list[AtLobbyModel]


class RoomsResult(msgspec.Struct, frozen=True):
    """The rooms this node is in, and the public ones, by name."""

    rooms: list[RoomModel]


class RoomResult(msgspec.Struct, frozen=True):
    """The room an operation was about; ``token`` is shown once, to who has made it."""

    room: RoomModel
    token: str | None = None


class Done(msgspec.Struct, frozen=True):
    """The result of an operation that has nothing to tell: ``{}``."""


#: Operation -> its parameters and its result.
OPS: dict[str, tuple[type[msgspec.Struct], type[msgspec.Struct]]] = {
    "identity": (NoParams, SelfModel),
    "set_name": (SetNameParams, SelfModel),
    "invite": (InviteParams, InviteResult),
    "invites": (NoParams, InvitesResult),
    "revoke_invite": (RevokeInviteParams, Done),
    "pair": (PairParams, PeerResult),
    "connect": (ConnectParams, PeerResult),
    "peers": (NoParams, PeersResult),
    "disconnect": (PeerParams, PeerResult),
    "block": (PeerParams, PeerResult),
    "unblock": (PeerParams, PeerResult),
    "forget": (PeerParams, Done),
    "alias": (AliasParams, PeerResult),
    "ping": (PeerParams, PingResult),
    "panes": (NoParams, PanesResult),
    "share": (ShareParams, PaneResult),
    "grant": (GrantParams, PaneResult),
    "unshare": (PaneParams, Done),
    "open": (OpenParams, OpenResult),
    "ack": (AckParams, Done),
    "close": (WatchParams, Done),
    "input": (InputParams, Done),
    "lobby": (NoParams, LobbyModel),
    "lobby_on": (NoParams, LobbyModel),
    "lobby_off": (NoParams, LobbyModel),
    "lobby_who": (NoParams, WhoResult),
    "rooms": (NoParams, RoomsResult),
    "create_room": (CreateRoomParams, RoomResult),
    "join_room": (JoinRoomParams, RoomResult),
    "leave_room": (RoomParams, Done),
    "ask": (agent_ops.AskParams, agent_ops.AskResult),
    "cancel": (agent_ops.CancelParams, Done),
    "agents": (NoParams, agent_ops.AgentsModel),
    "agent_on": (agent_ops.AgentOnParams, agent_ops.AgentsModel),
    "agent_off": (NoParams, agent_ops.AgentsModel),
    "agent_register": (agent_ops.RegisterAgentParams, agent_ops.AgentsModel),
    "agent_unregister": (agent_ops.AgentParams, Done),
    "turn_write": (agent_ops.TurnWriteParams, Done),
    "turn_end": (agent_ops.TurnEndParams, Done),
    "turn_tool": (agent_ops.TurnToolParams, Done),
    "read": (PaneParams, agent_ops.TurnPaneResult),
    "turn_panes": (agent_ops.TurnParams, agent_ops.TurnPanesResult),
    "turn_pane": (agent_ops.TurnPaneParams, agent_ops.TurnPaneResult),
    "approvals": (NoParams, agent_ops.ApprovalsModel),
    "approve": (agent_ops.ApproveParams, Done),
    "chat": (chat_ops.ChatParams, chat_ops.ChatResult),
    "chats": (chat_ops.ChatsParams, chat_ops.ChatsResult),
    "metrics": (NoParams, MetricsResult),
    "audit": (AuditParams, AuditResult),
    "doctor": (DoctorParams, DoctorResult),
}

P = TypeVar("P", bound=msgspec.Struct)


def check_params(op: str, params: Mapping[str, Any]) -> msgspec.Struct:
    """Return the parameters of an operation as its struct.

    Raises:
        BadRequestError: The operation is unknown, or the parameters do not fit it.
    """
    if op not in OPS:
        raise BadRequestError(f"there is no operation {op[:64]!r}", hint="update the older side")
    return check_struct(OPS[op][0], params)


def check_struct(cls: type[P], fields: Mapping[str, Any]) -> P:
    """Return the fields as a struct.

    Raises:
        BadRequestError: They do not fit; the message names the field, never its value.
    """
    try:
        return msgspec.convert(fields, cls)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadRequestError(words_of(error)) from None


def words_of(error: Exception) -> str:
    """Return what a validation error says, as the beginning of a message."""
    text, has_place, place = misfit(error).rpartition(" - at `$")
    if not has_place:
        text, place = place, ""
    if " matching regex " in text:
        text = "these characters cannot stand there"
    said, where = text[:1].lower() + text[1:], place.rstrip("`").lstrip(".")
    return f"{where}: {said}" if where else said
