"""REST: panes."""

from __future__ import annotations

import msgspec
from jupyter_server.auth.decorator import authorized
from tornado import web

from ...control import operations as ops
from ...errors import BadRequestError
from ..operations.operations import Operations
from .base import PeerAPIHandler


class PanesHandler(PeerAPIHandler):
    """``panes``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return own panes and those offered by peers."""
        await self.answer("panes", {})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Share ``{name, title?, with?, grant?, kernel_id, cell | display}``."""
        await self.answer("share")


class PaneChange(msgspec.Struct, frozen=True):
    """Grants to set: one as ``{peer, grant}``, or several as ``{grants: {peer: grant}}``."""

    peer: str | None = None
    grant: ops.GrantOrNone | None = None
    grants: dict[str, ops.GrantOrNone | None] = msgspec.field(default_factory=dict)


class PaneHandler(PeerAPIHandler):
    """``panes/{name}``."""

    @web.authenticated
    @authorized
    async def patch(self, name: str) -> None:
        """Change who may see the pane."""

        async def work(operations: Operations) -> msgspec.Struct:
            change = ops.check_struct(PaneChange, self.json_body())
            grants = dict(change.grants)
            if change.peer is not None:
                grants[change.peer] = change.grant
            if not grants:
                raise BadRequestError("give peer and grant, or grants")
            for peer in grants:
                operations.hub.find_peer(peer)
            for peer, grant in grants.items():
                result = await operations.run("grant", {"name": name, "peer": peer, "grant": grant})
            return result

        await self.respond(work)

    @web.authenticated
    @authorized
    async def delete(self, name: str) -> None:
        """End the pane."""
        await self.answer("unshare", {"name": name})
