"""Operations on the lobby and its rooms."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ...wire.relay.lobby import JoinPolicy, Visibility
from ..fields import Done, ErrorModel, NameParams, NoParams, PeerStatus, Short
from ..operation import Operation, looks


class AtLobbyModel(msgspec.Struct, frozen=True, kw_only=True):
    """A node at the lobby.

    Attributes:
        addresses: Known only of fellow members of a room.
        away: Whether its connection to the lobby broke.
        me: Whether it is this node.
        peer: Its status if it is a peer, else None.
    """

    node_id: str
    node_name: str
    capabilities: list[str]
    addresses: list[str]
    away: bool
    me: bool
    peer: PeerStatus | None


class RoomModel(msgspec.Struct, frozen=True, kw_only=True):
    """A room of the lobby.

    Attributes:
        joined: Whether this node's user has entered it.
        members: Known only of a room that this node is in, else None.
        error: Why the node is not in a room that its user has entered.
    """

    name: str
    visibility: Visibility | None
    join_policy: JoinPolicy | None
    group: str | None
    member_count: int
    joined: bool
    members: list[AtLobbyModel] | None
    error: ErrorModel | None = None


class LobbyModel(msgspec.Struct, frozen=True, kw_only=True):
    """The connection of this node to its lobby.

    Attributes:
        url: URL of the lobby; None if none is configured.
        status: ``off`` without a lobby, ``idle`` while the lobby is not needed.
        listed: Whether everybody at the lobby can see this node.
        rooms: Those this node's user has entered.
        error: Why the lobby cannot be reached.
    """

    url: str | None
    status: Literal["off", "idle", "connecting", "connected"]
    listed: bool
    rooms: list[RoomModel]
    error: ErrorModel | None


class SetListedParams(msgspec.Struct, frozen=True):
    """Whether everybody at the lobby can see this node; False also leaves all rooms."""

    listed: bool


class WhoResult(msgspec.Struct, frozen=True):
    """The nodes that are listed at the lobby."""

    nodes: list[AtLobbyModel]


class RoomsResult(msgspec.Struct, frozen=True):
    """The rooms this node is in, and the public ones, by name."""

    rooms: list[RoomModel]


class CreateRoomParams(msgspec.Struct, frozen=True):
    """A new room.

    Attributes:
        name: 1 to 64 letters, digits, dots, dashes and underscores.
        visibility: Whether everybody at the lobby can see it.
        join_policy: Admits everybody who knows its name, holders of its token, or members
            of the lobby's directory.
        group: With ``directory``: only members of this group.
    """

    name: Short
    visibility: Visibility = "unlisted"
    join_policy: JoinPolicy = "open"
    group: Short | None = None


class JoinRoomParams(msgspec.Struct, frozen=True):
    """A room, and its token if it requires one."""

    name: Short
    token: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None


class RoomResult(msgspec.Struct, frozen=True):
    """The room after the operation. Its creator sees ``token`` this once."""

    room: RoomModel
    token: str | None = None


LOBBY = looks(
    "lobby", NoParams, LobbyModel, "Return the state of the connection to the lobby.", "GET lobby"
)
LOBBY_ON = Operation("lobby_on", NoParams, LobbyModel, "List this node at the lobby.")
LOBBY_OFF = Operation(
    "lobby_off", NoParams, LobbyModel, "Remove this node from the lobby's list and from all rooms."
)
SET_LISTED = Operation(
    "set_listed", SetListedParams, LobbyModel, "List this node, or leave the lobby.", "PATCH lobby"
)
LOBBY_WHO = looks(
    "lobby_who", NoParams, WhoResult, "Return the nodes listed at the lobby.", "GET lobby/who"
)
ROOMS = looks(
    "rooms", NoParams, RoomsResult, "Return this node's rooms, and the public ones.", "GET rooms"
)
CREATE_ROOM = Operation(
    "create_room", CreateRoomParams, RoomResult, "Create a room and enter it.", "POST rooms"
)
JOIN_ROOM = Operation(
    "join_room", JoinRoomParams, RoomResult, "Enter a room.", "POST rooms/{name}/join"
)
LEAVE_ROOM = Operation(
    "leave_room", NameParams, Done, "Leave a room.", "DELETE rooms/{name}/membership"
)
