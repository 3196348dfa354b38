"""REST: what is written to peers, and what they have written."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from ...errors import BadRequestError
from .base import PeerAPIHandler


class ChatHandler(PeerAPIHandler):
    """``chat``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return the newest ``?limit=`` lines with ``?peer=``, or with all; reading marks nothing."""
        params: dict[str, object] = {}
        if peer := self.get_query_argument("peer", ""):
            params["peer"] = peer
        if limit := self.get_query_argument("limit", ""):
            try:
                params["limit"] = int(limit)
            except ValueError:
                self.refuse(BadRequestError("limit must be a whole number"))
                return
        await self.answer("chats", params)

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Send ``{peer, text}``."""
        await self.answer("chat")
