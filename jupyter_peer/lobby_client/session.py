"""One visit at a lobby: over one connection, the node registers and enters its rooms."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from ..errors import (
    LinkError,
    PeerError,
    PeerTimeoutError,
    ProtocolError,
    RoomExistsError,
    UnknownRoomError,
)
from ..primitives.backoff import Backoff
from ..wire.relay import lobby as wire
from .connection import LobbyConnection
from .limits import Pace
from .rooms import JoinedRoom, JoinedRooms


class LobbyVisit:
    """One registered connection to a lobby.

    Args:
        connection: The connection.
        rooms: The rooms that the node should be in.
        saying: Returns the facts that the node tells about itself now.
        pace: Pauses and limits.
        jitter: Returns a factor that spreads simultaneous attempts of many nodes.
    """

    def __init__(
        self,
        connection: LobbyConnection,
        rooms: JoinedRooms,
        saying: Callable[[], wire.Register],
        pace: Pace,
        jitter: Callable[[], float],
    ) -> None:
        self.connection = connection
        self._rooms = rooms
        self._saying = saying
        self._pace = pace
        self._said: wire.Register | None = None
        self._backoff = Backoff(pace.look_s, pace.max_backoff_s, jitter)
        self._retry_at = 0.0

    async def ask(self, message: Any, kind: type[Any]) -> Any:
        """Send a request and return its answer, which must be of the class ``kind``.

        Raises:
            PeerError: The lobby refuses, or does not answer.
        """
        answer = await self.connection.request(message)
        if not isinstance(answer, kind):
            raise ProtocolError("the lobby's answer is not one to this request")
        return answer

    async def register(self) -> None:
        """Send the facts about this node that have changed; the first time, all of them.

        Raises:
            PeerError: The lobby refuses, or does not answer.
        """
        said = self._saying()
        if said == self._said:
            return
        is_first = self._said is None
        answer = await self.ask(said, wire.Registered)
        self._said = said
        if is_first:
            self._rooms.not_in(answer.rooms)
            for name in answer.rooms:
                if self._rooms.get(name) is None:
                    with contextlib.suppress(UnknownRoomError):
                        await self.connection.request(wire.LeaveRoom(name=name))

    async def leave_room(self, name: str) -> None:
        """Tell the lobby that the node has left a room."""
        with contextlib.suppress(LinkError, UnknownRoomError):
            await self.connection.request(wire.LeaveRoom(name=name))

    async def leave_all(self) -> None:
        """Tell the lobby to forget listing and rooms."""
        # After a reconnect the node is neither listed nor in a room.
        with contextlib.suppress(PeerError):
            await self.connection.request(wire.Leave())

    async def look(self) -> bool:
        """Run the checks that are due now; return whether the node tried to enter a room.

        Raises:
            PeerError: The lobby no longer answers.
        """
        await self.register()
        now = asyncio.get_running_loop().time()
        is_due = now >= self._retry_at and bool(self._rooms.waiting())
        if is_due:
            await self._enter_again()
            self._retry_at = now + self._backoff.next()
        silent = now - self.connection.read_at
        if silent > 2 * self._pace.silence_s:
            self.connection.close()
            raise PeerTimeoutError("the lobby no longer answers")
        if silent > self._pace.silence_s:
            self.connection.ping()
        return is_due

    async def _enter_again(self) -> None:
        for room in self._rooms.waiting():
            try:
                self._rooms.take(await self._reenter(room))
            except PeerError as error:
                room.error = error
                if isinstance(error, LinkError):
                    raise

    async def _reenter(self, room: JoinedRoom) -> wire.RoomInfo:
        join = wire.JoinRoom(name=room.name, token=room.token)
        try:
            info: wire.RoomInfo = await self.ask(join, wire.RoomInfo)
        except UnknownRoomError:
            if room.made_by is None:
                raise
            # A restarted lobby has forgotten the room, so the node that made it makes it again.
            try:
                info = await self.ask(room.made_by, wire.RoomInfo)
            except RoomExistsError:
                info = await self.ask(join, wire.RoomInfo)
        return info
