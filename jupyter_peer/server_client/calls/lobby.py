"""The calls about the lobby and its rooms."""

from __future__ import annotations

from ..bridge import exposed
from ..results.results import (
    Done,
)
from ..results.rooms import Lobby, Room, Rooms, Who
from .asking import Asking


class LobbyCalls(Asking):
    """The calls about the lobby and its rooms."""

    @exposed
    async def lobby(self) -> Lobby:
        """Return the state of the connection to the lobby."""
        return Lobby(await self._ask("lobby"))

    @exposed
    async def lobby_on(self) -> Lobby:
        """List this node at the lobby: its name, id and capabilities.

        Raises:
            NotEnabledError: No lobby is set.
        """
        return Lobby(await self._ask("lobby_on"))

    @exposed
    async def lobby_off(self) -> Lobby:
        """Remove this node from the lobby's list and from all rooms.

        Raises:
            NotEnabledError: No lobby is set.
        """
        return Lobby(await self._ask("lobby_off"))

    @exposed
    async def lobby_who(self) -> Who:
        """Return the nodes that are listed at the lobby.

        Raises:
            NotEnabledError, LinkError: No lobby is set, or it does not answer.
        """
        return Who((await self._ask("lobby_who"))["nodes"])

    @exposed
    async def rooms(self) -> Rooms:
        """Return the rooms this node is in, with their members, and the public ones.

        Raises:
            NotEnabledError, LinkError: No lobby is set, or it does not answer.
        """
        return Rooms((await self._ask("rooms"))["rooms"])

    @exposed
    async def create_room(
        self,
        name: str,
        visibility: str = "unlisted",
        join_policy: str = "open",
        group: str | None = None,
    ) -> Room:
        """Create a room and enter it.

        Args:
            name: 1 to 64 letters, digits, dots, dashes and underscores.
            visibility: ``public`` lists it for everybody at the lobby; ``unlisted`` does not.
            join_policy: Who may enter: ``open`` (everybody who knows the name), ``token`` (holders of
                the token in the result) or ``directory`` (members of the lobby's directory).
            group: With ``directory``: only members of this group.

        Raises:
            RoomExistsError, RoomRefusedError, NotEnabledError, LinkError: No room was created.
        """
        params = {"name": name, "visibility": visibility, "join_policy": join_policy}
        return Room(await self._ask("create_room", {**params, "group": group}))

    @exposed
    async def join_room(self, name: str, token: str | None = None) -> Room:
        """Enter a room; members see each other, and each other's addresses.

        Raises:
            UnknownRoomError, RoomRefusedError, NotEnabledError, LinkError: It was not entered.
        """
        return Room(await self._ask("join_room", {"name": name, "token": token}))

    @exposed
    async def leave_room(self, name: str) -> Done:
        """Leave a room.

        Raises:
            UnknownRoomError: This node is not in it.
        """
        await self._ask("leave_room", {"name": name})
        return Done(f"you have left {name}")
