"""Messages between a node and the lobby, without I/O (``relay/SPEC.md``, *The lobby*).

One JSON object a text message. What a node sends is a :data:`Request`, what the lobby sends a
:data:`Notice`; both are told by ``type``. A request may carry an ``id``, which its answer or its
error repeats. Unknown keys are ignored, so that newer programs can add some.
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
    """What all messages have: a type, and the number of the request they are or answer."""

    id: _Id = None

    def to_text(self) -> str:
        """Return the message as it travels."""
        return msgspec.json.encode(self).decode()


# What a node says.


class Register(_Message, frozen=True, kw_only=True, tag="register"):
    """Says who the node is; again when that has changed.

    Attributes:
        addresses: Where it can be dialled; told to fellow members of a room only.
        node_name: What it calls itself.
        capabilities: What it can do.
        listed: Whether everybody at the lobby may see that it is here. A node that is not listed
            is seen in its rooms only, and can be signalled to by who knows its id.
    """

    addresses: _Addresses
    node_name: _Text = ""
    capabilities: _Capabilities = []
    listed: bool = True

    def __post_init__(self) -> None:
        if sum(map(len, self.addresses)) > MAX_ADDRESS_TEXT:
            raise ValueError(f"all addresses have at most {MAX_ADDRESS_TEXT} characters")


class Leave(_Message, frozen=True, kw_only=True, tag="leave"):
    """Clears everything: the listing and all rooms. The connection stays, for signals."""


class Who(_Message, frozen=True, kw_only=True, tag="who"):
    """Asks who is listed."""


class ListRooms(_Message, frozen=True, kw_only=True, tag="list_rooms"):
    """Asks which rooms there are: the public ones, and those the node is in."""


class CreateRoom(_Message, frozen=True, kw_only=True, tag="create_room"):
    """Makes a room and enters it.

    Attributes:
        name: 1 to 64 letters, digits, dots, dashes and underscores; case does not tell two apart.
        visibility: ``public`` rooms are listed, ``unlisted`` ones are for those told the name.
        join_policy: Who may enter: everybody, who has the token, who is in the lobby's directory.
        token_sha256: With ``token``: hex of the token's SHA-256. Without it the lobby makes one.
        group: With ``directory``: the group of the directory one has to be in.
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
    """Leaves a room; when nobody is left it is gone."""

    name: _RoomName


class Signal(_Message, frozen=True, kw_only=True, tag="signal"):
    """WebRTC's offer or answer (RFC 8829), for another node."""

    to: _NodeId
    kind: SignalKind
    sdp: _Sdp


class OpenCode(_Message, frozen=True, kw_only=True, tag="open_code"):
    """Asks for a mailbox, in which one other node can leave a message (SPEC, *Codes*)."""


class ClaimCode(_Message, frozen=True, kw_only=True, tag="claim_code"):
    """Leaves the first message in a mailbox, which from then on belongs to these two nodes."""

    number: _CodeNumber
    body: _CodeBody


class SayCode(_Message, frozen=True, kw_only=True, tag="say_code"):
    """Says something to the other node at a mailbox."""

    number: _CodeNumber
    body: _CodeBody


class CloseCode(_Message, frozen=True, kw_only=True, tag="close_code"):
    """Ends a mailbox; the other node is told the reason."""

    number: _CodeNumber
    reason: CodeEnd = "over"


CodeRequest = OpenCode | ClaimCode | SayCode | CloseCode
Request = (
    Register | Leave | Who | ListRooms | CreateRoom | JoinRoom | LeaveRoom | Signal | CodeRequest
)


# What the lobby says.


class NodeCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node as others see it.

    Attributes:
        node_id: Who; the lobby has seen the proof.
        node_name: What it calls itself.
        capabilities: What it says it can do.
        addresses: Where it says it can be dialled; empty for who is not in a room with it.
        away: Whether its connection broke a moment ago.
    """

    node_id: _NodeId
    node_name: _Text = ""
    capabilities: _Capabilities = []
    addresses: _Addresses = []
    away: bool = False


class RoomCard(msgspec.Struct, frozen=True, kw_only=True):
    """A room as everybody sees it who may see that it exists: how many are in it, not who."""

    name: _RoomName
    visibility: Visibility
    join_policy: JoinPolicy
    members: Annotated[int, msgspec.Meta(ge=0)]


class Registered(_Message, frozen=True, kw_only=True, tag="registered"):
    """The registration is taken; the state of each room follows as ``room_info``.

    Attributes:
        node_id: Of the node itself.
        listed: Whether it is listed.
        rooms: Names of the rooms it is in, from before its connection broke.
        grace_s: How long it stays in them when its connection breaks.
    """

    node_id: _NodeId
    listed: bool
    rooms: Annotated[list[_RoomName], msgspec.Meta(max_length=MAX_LISTED)] = []
    grace_s: float = 0.0


class Presence(_Message, frozen=True, kw_only=True, tag="presence"):
    """With an ``id``: who is listed. Without: fellow members of whom something has changed."""

    nodes: Annotated[list[NodeCard], msgspec.Meta(max_length=MAX_LISTED)]


class Rooms(_Message, frozen=True, kw_only=True, tag="rooms"):
    """Which rooms there are."""

    rooms: Annotated[list[RoomCard], msgspec.Meta(max_length=MAX_LISTED)]


class RoomInfo(_Message, frozen=True, kw_only=True, tag="room_info"):
    """A room as its members see it; replaces what was known of it.

    Attributes:
        members: Who is in it, the reader too.
        token: What lets others in, told once to the one who made the room, and only when the
            lobby made it.
    """

    name: _RoomName
    visibility: Visibility
    join_policy: JoinPolicy
    group: _Group | None = None
    members: Annotated[list[NodeCard], msgspec.Meta(max_length=MAX_MEMBERS)]
    token: _Token | None = None


class PeerJoining(_Message, frozen=True, kw_only=True, tag="peer_joining"):
    """Somebody has entered one of the node's rooms."""

    room: _RoomName
    peer: NodeCard


class PeerLeaving(_Message, frozen=True, kw_only=True, tag="peer_leaving"):
    """Somebody has left one of the node's rooms, or was away for too long."""

    room: _RoomName
    node_id: _NodeId


class Left(_Message, frozen=True, kw_only=True, tag="left"):
    """The node is out of a room; None says out of all, and not listed.

    Without an ``id`` the lobby has put it out: ``reason`` is an error code.
    """

    room: _RoomName | None = None
    reason: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Signalled(_Message, frozen=True, kw_only=True, tag="signal"):
    """A signal of another node; the lobby has seen the proof of its id, and not what is in it."""

    sender: _NodeId = msgspec.field(name="from")
    kind: SignalKind
    sdp: _Sdp


class CodeOpened(_Message, frozen=True, kw_only=True, tag="code_opened"):
    """There is a mailbox of this number for so many seconds."""

    number: _CodeNumber
    life_s: float


class CodeSaid(_Message, frozen=True, kw_only=True, tag="code_said"):
    """What the other node at a mailbox said."""

    number: _CodeNumber
    body: _CodeBody


class CodeClosed(_Message, frozen=True, kw_only=True, tag="code_closed"):
    """A mailbox has ended."""

    number: _CodeNumber
    reason: CodeEnd


class Done(_Message, frozen=True, kw_only=True, tag="done"):
    """The answer to a request that has nothing to tell, such as a signal that was passed on."""


class Refusal(_Message, frozen=True, kw_only=True, tag="error"):
    """Why a request was refused; without an ``id``, one that could not be read."""

    code: Annotated[str, msgspec.Meta(max_length=64)]
    message: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    hint: Annotated[str, msgspec.Meta(max_length=2000)] = ""

    @classmethod
    def of(cls, error: PeerError, id: int | None = None) -> Refusal:
        """Return the message that tells an error."""
        return cls(id=id, **to_wire(error))

    @property
    def error(self) -> PeerError:
        """The error it tells."""
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
    """Return the decoder; made when first needed, since it takes long and few servers have a lobby."""
    return msgspec.json.Decoder(Request)


@functools.cache
def _notices() -> msgspec.json.Decoder[Notice]:
    """Return the decoder; as :func:`_requests`."""
    return msgspec.json.Decoder(Notice)


class _Head(msgspec.Struct):
    type: str
    id: _Id = None


_heads = msgspec.json.Decoder(_Head)
_REQUEST_TYPES = frozenset(cls.__struct_config__.tag for cls in Request.__args__)
_NOTICE_TYPES = frozenset(cls.__struct_config__.tag for cls in Notice.__args__)


def read_request(text: str) -> Request:
    """Read what a node sent.

    Raises:
        TooLargeError: It is over :data:`MAX_REQUEST` bytes.
        UnsupportedError: Its type is none this program knows.
        MalformedError: It is not a message of its type. The text names the field, never its value.
    """
    _check_size(text, MAX_REQUEST)
    if _head(text).type not in _REQUEST_TYPES:
        raise UnsupportedError("the lobby does not know this kind of message")
    return _decode(_requests(), text)


def read_notice(text: str) -> Notice | None:
    """Read what the lobby sent; None for a type this node does not know.

    Raises:
        TooLargeError: It is over :data:`MAX_NOTICE` bytes.
        MalformedError: It is not a message of its type.
    """
    _check_size(text, MAX_NOTICE)
    if _head(text).type not in _NOTICE_TYPES:
        return None
    return _decode(_notices(), text)


def request_id(text: str) -> int | None:
    """Return the id of a message that cannot be read, if it has one, so that it can be answered."""
    try:
        return _head(text).id
    except MalformedError:
        return None


def check_room_name(name: str) -> str:
    """Return a room's name.

    Raises:
        BadNameError: It has other characters than a name may have.
    """
    if not _ROOM.fullmatch(name):
        raise BadNameError("this cannot be the name of a room")
    return name


def make_token(raw: bytes) -> str:
    """Return the text of a room's token from 16 random bytes.

    Hexadecimal, since it is typed behind an option: base64 can begin with a dash.

    Raises:
        ValueError: There are not 16 bytes.
    """
    if len(raw) != TOKEN_BYTES:
        raise ValueError("a room's token has 16 bytes")
    return raw.hex()


def token_hash(token: str) -> str:
    """Return what is kept of a room's token: hex of its SHA-256.

    Tokens are 16 random bytes, so nothing slower is needed to keep them from being guessed.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def printable(node: NodeCard) -> NodeCard:
    """Return a node's card with a name that can be shown and addresses without control characters."""
    return msgspec.structs.replace(
        node,
        node_name=clean_name(node.node_name),
        addresses=[address for address in node.addresses if address.isprintable()],
    )


def _check_size(text: str, limit: int) -> None:
    # No character has less than a byte, so most of what is too long is not even encoded.
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
