"""Messages between a node and the lobby, without I/O (``relay/SPEC.md``, *The lobby*).

Each text message is one JSON object. A node sends a :data:`Request`, the lobby a :data:`Notice`;
``type`` names the kind. A request may have an ``id``, which its answer or its error repeats. Unknown
keys are ignored, so that newer programs can add keys.
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import Annotated, Literal, TypeVar

import msgspec

from ...errors import (
    BadNameError,
    MalformedError,
    PeerError,
    TooLargeError,
    UnsupportedError,
    from_wire,
    to_wire,
)
from ..link.identity import clean_name
from ..payloads.validation import misfit

#: Largest message of a node; an offer with many candidates has 10 KiB.
MAX_REQUEST = 64 * 1024
#: Largest message of the lobby; a full room of talkative members has half of it.
MAX_NOTICE = 1024 * 1024
MAX_SDP = 48 * 1024
#: Mailboxes for codes are numbered from 1; people say the number.
MAX_NUMBER = 999
#: Life of a code and its mailbox, in seconds.
CODE_LIFE_S = 600.0
#: A message in a mailbox is base64; the largest is a sealed invite.
MAX_CODE_BODY = 24 * 1024
MAX_ADDRESSES = 16
#: Characters of all addresses of one node, so that a whole room fits into one message.
MAX_ADDRESS_TEXT = 2048
MAX_MEMBERS = 256
#: Rooms and nodes in one answer; the directory of a busy lobby is cut here.
MAX_LISTED = 1000
TOKEN_BYTES = 16

Visibility = Literal["public", "unlisted"]
JoinPolicy = Literal["open", "token", "directory"]
SignalKind = Literal["offer", "answer"]
#: Why a mailbox has ended: all was said, the words differed, its time is over, a node has gone.
CodeEnd = Literal["over", "wrong", "expired", "gone"]

_ROOM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_Id = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None
_NodeId = Annotated[str, msgspec.Meta(pattern="^[a-z2-7]{16}$")]
_RoomName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Text = Annotated[str, msgspec.Meta(max_length=256)]
_Addresses = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=512)]],
    msgspec.Meta(max_length=MAX_ADDRESSES),
]
_Capabilities = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=32)
]
_Token = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Group = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_CodeNumber = Annotated[int, msgspec.Meta(ge=1, le=MAX_NUMBER)]
_CodeBody = Annotated[str, msgspec.Meta(max_length=MAX_CODE_BODY)]
_Sdp = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SDP)]


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """The base of all messages: a type, and the number of the request or of the answered request."""

    id: _Id = None

    def to_text(self) -> str:
        """Encode the message."""
        return msgspec.json.encode(self).decode()


# Requests of a node.


class Register(_Message, frozen=True, kw_only=True, tag="register"):
    """Registers the node, or updates its facts after a change.

    Attributes:
        addresses: Addresses of the node; only fellow members of a room receive them.
        node_name: Name that the node announces.
        capabilities: Names of the features that the node has.
        listed: Whether everybody at the lobby may see the node. A node that is not listed appears
            only in its rooms, and receives signals from nodes that know its id.
    """

    addresses: _Addresses
    node_name: _Text = ""
    capabilities: _Capabilities = []
    listed: bool = True

    def __post_init__(self) -> None:
        if sum(map(len, self.addresses)) > MAX_ADDRESS_TEXT:
            raise ValueError(f"all addresses have at most {MAX_ADDRESS_TEXT} characters")


class Leave(_Message, frozen=True, kw_only=True, tag="leave"):
    """Leaves the listing and all rooms. The connection stays open for signals."""


class Who(_Message, frozen=True, kw_only=True, tag="who"):
    """Asks for the listed nodes."""


class ListRooms(_Message, frozen=True, kw_only=True, tag="list_rooms"):
    """Asks for the public rooms and the rooms that the node is in."""


class CreateRoom(_Message, frozen=True, kw_only=True, tag="create_room"):
    """Makes a room and enters it.

    Attributes:
        name: 1 to 64 letters, digits, dots, dashes and underscores; case is ignored.
        visibility: ``public`` rooms are listed; ``unlisted`` rooms are found only by their name.
        join_policy: Admits everybody, nodes with the token, or nodes in the lobby's directory.
        token_sha256: SHA-256 of the token in hex, for the policy ``token``. Without it the lobby
            makes a token.
        group: Group of the directory that admits a node, for the policy ``directory``.
    """

    name: _RoomName
    visibility: Visibility
    join_policy: JoinPolicy
    token_sha256: _Digest | None = None
    group: _Group | None = None


class JoinRoom(_Message, frozen=True, kw_only=True, tag="join_room"):
    """Enters a room."""

    name: _RoomName
    token: _Token | None = None


class LeaveRoom(_Message, frozen=True, kw_only=True, tag="leave_room"):
    """Leaves a room; a room ends when its last member leaves."""

    name: _RoomName


class Signal(_Message, frozen=True, kw_only=True, tag="signal"):
    """Sends a WebRTC offer or answer (RFC 8829) to another node."""

    to: _NodeId
    kind: SignalKind
    sdp: _Sdp


class OpenCode(_Message, frozen=True, kw_only=True, tag="open_code"):
    """Opens a mailbox, in which one other node can leave a message (SPEC, *Codes*)."""


class ClaimCode(_Message, frozen=True, kw_only=True, tag="claim_code"):
    """Leaves the first message in a mailbox, which then belongs to these two nodes."""

    number: _CodeNumber
    body: _CodeBody


class SayCode(_Message, frozen=True, kw_only=True, tag="say_code"):
    """Sends a message to the other node at a mailbox."""

    number: _CodeNumber
    body: _CodeBody


class CloseCode(_Message, frozen=True, kw_only=True, tag="close_code"):
    """Ends a mailbox, with a reason for the other node."""

    number: _CodeNumber
    reason: CodeEnd = "over"


CodeRequest = OpenCode | ClaimCode | SayCode | CloseCode
Request = (
    Register | Leave | Who | ListRooms | CreateRoom | JoinRoom | LeaveRoom | Signal | CodeRequest
)


# Notices of the lobby.


class NodeCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node as other nodes see it.

    Attributes:
        node_id: The node's id, which it has proven to the lobby.
        node_name: Name that the node announces.
        capabilities: Names of the features that the node claims to have.
        addresses: Addresses that the node claims; empty for a reader that shares no room with it.
        away: Whether its connection broke a moment ago.
    """

    node_id: _NodeId
    node_name: _Text = ""
    capabilities: _Capabilities = []
    addresses: _Addresses = []
    away: bool = False


class RoomCard(msgspec.Struct, frozen=True, kw_only=True):
    """A room as nodes outside see it: the number of its members, without their names."""

    name: _RoomName
    visibility: Visibility
    join_policy: JoinPolicy
    members: Annotated[int, msgspec.Meta(ge=0)]


class Registered(_Message, frozen=True, kw_only=True, tag="registered"):
    """The registration is accepted; the state of each room follows as ``room_info``.

    Attributes:
        node_id: Id of the registered node.
        listed: Whether it is listed.
        rooms: Names of the rooms that it entered before its connection broke.
        grace_s: Seconds that it stays in its rooms after its connection breaks.
    """

    node_id: _NodeId
    listed: bool
    rooms: Annotated[list[_RoomName], msgspec.Meta(max_length=MAX_LISTED)] = []
    grace_s: float = 0.0


class Presence(_Message, frozen=True, kw_only=True, tag="presence"):
    """With an ``id``: the listed nodes. Without one: fellow members whose card has changed."""

    nodes: Annotated[list[NodeCard], msgspec.Meta(max_length=MAX_LISTED)]


class Rooms(_Message, frozen=True, kw_only=True, tag="rooms"):
    """The visible rooms."""

    rooms: Annotated[list[RoomCard], msgspec.Meta(max_length=MAX_LISTED)]


class RoomInfo(_Message, frozen=True, kw_only=True, tag="room_info"):
    """A room as its members see it; it replaces earlier notices about the room.

    Attributes:
        members: All members, the reader included.
        token: The token that admits other nodes. Only the creator of the room receives it, once,
            if the lobby made it.
    """

    name: _RoomName
    visibility: Visibility
    join_policy: JoinPolicy
    group: _Group | None = None
    members: Annotated[list[NodeCard], msgspec.Meta(max_length=MAX_MEMBERS)]
    token: _Token | None = None


class PeerJoining(_Message, frozen=True, kw_only=True, tag="peer_joining"):
    """Another node has entered one of the node's rooms."""

    room: _RoomName
    peer: NodeCard


class PeerLeaving(_Message, frozen=True, kw_only=True, tag="peer_leaving"):
    """Another node has left one of the node's rooms, or was away for too long."""

    room: _RoomName
    node_id: _NodeId


class Left(_Message, frozen=True, kw_only=True, tag="left"):
    """The node has left a room; None means all rooms and the listing.

    Without an ``id`` the lobby has removed the node, and ``reason`` is an error code.
    """

    room: _RoomName | None = None
    reason: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Signalled(_Message, frozen=True, kw_only=True, tag="signal"):
    """A signal of another node; the lobby has checked the sender's id and not the content."""

    sender: _NodeId = msgspec.field(name="from")
    kind: SignalKind
    sdp: _Sdp


class CodeOpened(_Message, frozen=True, kw_only=True, tag="code_opened"):
    """A mailbox was opened, with its number and its lifetime in seconds."""

    number: _CodeNumber
    life_s: float


class CodeSaid(_Message, frozen=True, kw_only=True, tag="code_said"):
    """A message of the other node at a mailbox."""

    number: _CodeNumber
    body: _CodeBody


class CodeClosed(_Message, frozen=True, kw_only=True, tag="code_closed"):
    """A mailbox has ended."""

    number: _CodeNumber
    reason: CodeEnd


class Done(_Message, frozen=True, kw_only=True, tag="done"):
    """The answer to a request that has no result, such as a signal that was passed on."""


class Refusal(_Message, frozen=True, kw_only=True, tag="error"):
    """Why a request was refused; without an ``id``, the request could not be read."""

    code: Annotated[str, msgspec.Meta(max_length=64)]
    message: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    hint: Annotated[str, msgspec.Meta(max_length=2000)] = ""

    @classmethod
    def of(cls, error: PeerError, id: int | None = None) -> Refusal:
        """Return the message that reports an error."""
        return cls(id=id, **to_wire(error))

    @property
    def error(self) -> PeerError:
        """The reported error."""
        return from_wire({"code": self.code, "message": self.message, "hint": self.hint})


Notice = (
    Registered
    | Presence
    | Rooms
    | RoomInfo
    | PeerJoining
    | PeerLeaving
    | Left
    | Signalled
    | CodeOpened
    | CodeSaid
    | CodeClosed
    | Done
    | Refusal
)

_M = TypeVar("_M")


@functools.cache
def _requests() -> msgspec.json.Decoder[Request]:
    """Return the decoder, which is made on first use: that takes long, and few servers need it."""
    return msgspec.json.Decoder(Request)


@functools.cache
def _notices() -> msgspec.json.Decoder[Notice]:
    """Return the decoder, made as in :func:`_requests`."""
    return msgspec.json.Decoder(Notice)


class _Head(msgspec.Struct):
    type: str
    id: _Id = None


_heads = msgspec.json.Decoder(_Head)
_REQUEST_TYPES = frozenset(cls.__struct_config__.tag for cls in Request.__args__)
_NOTICE_TYPES = frozenset(cls.__struct_config__.tag for cls in Notice.__args__)


def read_request(text: str) -> Request:
    """Decode a request of a node.

    Raises:
        TooLargeError: The text is over :data:`MAX_REQUEST` bytes.
        UnsupportedError: This program does not know its type.
        MalformedError: The text is not a message of its type. The error names the field, never its
            value.
    """
    _check_size(text, MAX_REQUEST)
    if _head(text).type not in _REQUEST_TYPES:
        raise UnsupportedError("the lobby does not know this kind of message")
    return _decode(_requests(), text)


def read_notice(text: str) -> Notice | None:
    """Decode a notice of the lobby; None for a type that this node does not know.

    Raises:
        TooLargeError: The text is over :data:`MAX_NOTICE` bytes.
        MalformedError: The text is not a message of its type.
    """
    _check_size(text, MAX_NOTICE)
    if _head(text).type not in _NOTICE_TYPES:
        return None
    return _decode(_notices(), text)


def request_id(text: str) -> int | None:
    """Return the id of an unreadable message, if it has one, so that it can be answered."""
    try:
        return _head(text).id
    except MalformedError:
        return None


def check_room_name(name: str) -> str:
    """Check the name of a room and return it.

    Raises:
        BadNameError: The name has characters that are not allowed.
    """
    if not _ROOM.fullmatch(name):
        raise BadNameError("this name cannot be used for a room")
    return name


def make_token(raw: bytes) -> str:
    """Return the text of a room's token from 16 random bytes.

    It is hexadecimal, because base64 can begin with a dash, which commands read as an option.

    Raises:
        ValueError: ``raw`` does not have 16 bytes.
    """
    if len(raw) != TOKEN_BYTES:
        raise ValueError("a room's token has 16 bytes")
    return raw.hex()


def token_hash(token: str) -> str:
    """Return the stored form of a room's token: its SHA-256 in hex.

    Tokens are 16 random bytes, so they cannot be guessed, and no slower hash is needed.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def printable(node: NodeCard) -> NodeCard:
    """Return a node's card with a printable name and addresses without control characters."""
    return msgspec.structs.replace(
        node,
        node_name=clean_name(node.node_name),
        addresses=[address for address in node.addresses if address.isprintable()],
    )


def _check_size(text: str, limit: int) -> None:
    # Each character has at least one byte, so a text that is much too long is not even encoded.
    if len(text) > limit or len(text.encode("utf-8", "surrogatepass")) > limit:
        raise TooLargeError(f"a message of over {limit} bytes is refused")


def _head(text: str) -> _Head:
    return _decode(_heads, text)


def _decode(decoder: msgspec.json.Decoder[_M], text: str) -> _M:
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedError(_words(error)) from None


def _words(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"the message does not fit its type: {misfit(error)}"
    return "the message is not a JSON object that can be read"
