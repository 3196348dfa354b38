"""REST: invites."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from .base import PeerAPIHandler


class InviteHandler(PeerAPIHandler):
    """``invite``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Mint an invite from ``{ttl_s?, note?}``."""
        await self.answer("invite")


class InvitesHandler(PeerAPIHandler):
    """``invites``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return the invites this node has minted, without their tokens."""
        await self.answer("invites", {})


class OneInviteHandler(PeerAPIHandler):
    """``invites/{id}``."""

    @web.authenticated
    @authorized
    async def delete(self, id: str) -> None:
        """Take an invite back."""
        await self.answer("revoke_invite", {"id": id})
