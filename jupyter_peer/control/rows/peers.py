"""Operations on peers."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ..fields import Done, ErrorModel, NoParams, PeerStatus, Short, StepModel
from ..operation import Operation, looks


class SelfModel(msgspec.Struct, frozen=True, kw_only=True):
    """This node as its own user sees it.

    Attributes:
        named: Whether its user or the configuration has given it its name; else the name is a
            proposal.
        fingerprint: SHA-256 of the public key in groups of hex digits, for people to compare.
        addresses: Where peers can dial this node.
        version: Of jupyter-peer.
        guest_page: Hex SHA-256 of the page that guest links open, for people to compare.
    """

    node_id: str
    public_key: str
    fingerprint: str
    node_name: str
    capabilities: list[str]
    addresses: list[str]
    version: str
    named: bool = True
    guest_page: str | None = None


class PeerModel(msgspec.Struct, frozen=True, kw_only=True):
    """One peer. Times are epoch seconds.

    Attributes:
        node_name: Local name, given at the first meeting; names that it announces later do not
            change it.
        calls_itself: Announced name, if it differs.
        alias: The name its owner here gave it.
        transport, address: Transport and address of the live connection, or None.
        origin: Reason why it is a peer: ``invite``, or the policy that admits it for now.
        panes: Names of the panes it offers to this node.
        since: Start of the live connection.
        sealed: Whether the live connection is encrypted by the peer wire.
        addresses: Addresses at which it can be dialled.
        last_error: Why the last attempt to connect failed.
    """

    node_id: str
    node_name: str
    alias: str | None
    public_key: str
    transport: str | None
    address: str | None
    status: PeerStatus
    trusted: bool
    blocked: bool
    last_seen: float | None
    rtt_ms: float | None
    capabilities: list[str]
    panes: list[str]
    calls_itself: str | None = None
    since: float | None = None
    sealed: bool | None = None
    origin: str = ""
    addresses: list[str] = []
    last_error: ErrorModel | None = None


class FoundModel(msgspec.Struct, frozen=True, kw_only=True):
    """A node that discovery sees and that is not a peer; no fact about it is proven.

    ``source`` is ``lan`` or ``lobby``. A node that both see is listed twice.
    """

    node_id: str
    node_name: str
    source: str
    addresses: list[str]


class PeersResult(msgspec.Struct, frozen=True):
    """All peers, and the nodes that discovery sees; ``me`` is ``self`` on the wire."""

    me: SelfModel = msgspec.field(name="self")
    peers: list[PeerModel]
    found: list[FoundModel] = []


class PeerResult(msgspec.Struct, frozen=True):
    """The peer after the operation."""

    peer: PeerModel


class PeerParams(msgspec.Struct, frozen=True):
    """One peer: its alias, node name, node id, or a unique prefix of one."""

    peer: Short


class ConnectParams(msgspec.Struct, frozen=True):
    """A peer or a discovered node, or an address."""

    node_id: Short | None = None
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=512)] | None = None

    def __post_init__(self) -> None:
        if (self.node_id is None) == (self.address is None):
            raise ValueError("give either node_id or address")


class AliasParams(msgspec.Struct, frozen=True):
    """The new alias of a peer; None removes it."""

    peer: Short
    alias: Short | None


class ChangePeerParams(msgspec.Struct, frozen=True):
    """A change of a peer: its alias (None removes it), whether it is blocked, or both."""

    peer: Short
    alias: Short | msgspec.UnsetType | None = msgspec.UNSET
    blocked: bool | msgspec.UnsetType = msgspec.UNSET


class PingResult(msgspec.Struct, frozen=True):
    """A round trip that was just measured, in milliseconds."""

    rtt_ms: float


PEERS = looks(
    "peers", NoParams, PeersResult, "Return all peers, and discovered nodes.", "GET peers"
)
CONNECT = Operation(
    "connect",
    ConnectParams,
    PeerResult,
    "Dial a peer, a discovered node, or an address.",
    "POST connect",
    progress=StepModel,
    timeout_s=None,
)
DISCONNECT = Operation(
    "disconnect", PeerParams, PeerResult, "Close a connection until one side connects again."
)
BLOCK = Operation(
    "block", PeerParams, PeerResult, "Refuse a peer from now on, and close its connection."
)
UNBLOCK = Operation("unblock", PeerParams, PeerResult, "Accept a blocked peer again.")
FORGET = Operation(
    "forget", PeerParams, Done, "Delete a peer and its grants.", "DELETE peers/{peer}"
)
ALIAS = Operation("alias", AliasParams, PeerResult, "Set or remove a peer's alias.")
CHANGE_PEER = Operation(
    "change_peer",
    ChangePeerParams,
    PeerResult,
    "Set a peer's alias, block or unblock it.",
    "PATCH peers/{peer}",
)
PING = looks("ping", PeerParams, PingResult, "Measure the round trip to a peer.")
