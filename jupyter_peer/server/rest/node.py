"""REST: this node, its figures and its audit log."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from ...errors import BadRequestError
from .base import PeerAPIHandler


class IdentityHandler(PeerAPIHandler):
    """``identity``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return who this node is."""
        await self.answer("identity", {})

    @web.authenticated
    @authorized
    async def patch(self) -> None:
        """Set ``{name}``."""
        await self.answer("set_name")


class MetricsHandler(PeerAPIHandler):
    """``metrics``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return the figures of each link."""
        await self.answer("metrics", {})


class DoctorHandler(PeerAPIHandler):
    """``doctor?peer=``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Examine this node, or the paths to one peer."""
        peer = self.get_query_argument("peer", "")
        await self.answer("doctor", {"peer": peer} if peer else {})


class AuditHandler(PeerAPIHandler):
    """``audit?limit=``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return the newest entries of the audit log."""
        text = self.get_query_argument("limit", "")
        try:
            params = {"limit": int(text)} if text else {}
        except ValueError:
            self.refuse(BadRequestError("limit must be a whole number"))
            return
        await self.answer("audit", params)
