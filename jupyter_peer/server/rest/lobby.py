"""REST: the lobby and its rooms."""

from __future__ import annotations

import msgspec
from jupyter_server.auth.decorator import authorized
from tornado import web

from ...control import operations as ops
from ..operations.operations import Operations
from .base import PeerAPIHandler


class LobbyChange(msgspec.Struct, frozen=True):
    """What can be set: whether everybody at the lobby may see this node; False also leaves rooms."""

    listed: bool


class LobbyHandler(PeerAPIHandler):
    """``lobby``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return how this node stands at its lobby."""
        await self.answer("lobby", {})

    @web.authenticated
    @authorized
    async def patch(self) -> None:
        """Set ``{listed}``."""

        async def work(operations: Operations) -> msgspec.Struct:
            change = ops.check_struct(LobbyChange, self.json_body())
            return await operations.run("lobby_on" if change.listed else "lobby_off", {})

        await self.respond(work)


class WhoHandler(PeerAPIHandler):
    """``lobby/who``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return who is listed at the lobby."""
        await self.answer("lobby_who", {})


class RoomsHandler(PeerAPIHandler):
    """``rooms``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return the rooms this node is in, and the public ones."""
        await self.answer("rooms", {})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Make a room from ``{name, visibility?, join_policy?, group?}`` and enter it."""
        await self.answer("create_room")


class JoinHandler(PeerAPIHandler):
    """``rooms/{name}/join``."""

    @web.authenticated
    @authorized
    async def post(self, name: str) -> None:
        """Enter a room, with ``{token?}``."""

        async def work(operations: Operations) -> msgspec.Struct:
            return await operations.run("join_room", {**self.json_body(), "name": name})

        await self.respond(work)


class MembershipHandler(PeerAPIHandler):
    """``rooms/{name}/membership``."""

    @web.authenticated
    @authorized
    async def delete(self, name: str) -> None:
        """Leave a room."""
        await self.answer("leave_room", {"name": name})
