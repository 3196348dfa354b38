"""REST: peers, pairing and connecting."""

from __future__ import annotations

import msgspec
from jupyter_server.auth.decorator import authorized
from tornado import web

from ...control import operations as ops
from ...errors import BadRequestError, PeerError, to_wire
from ..operations.operations import Operations
from .base import PeerAPIHandler


class PeersHandler(PeerAPIHandler):
    """``peers``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return everybody this node knows."""
        await self.answer("peers", {})


class PeerChange(msgspec.Struct, frozen=True):
    """What can be set of a peer; ``alias`` None takes the alias away."""

    alias: str | msgspec.UnsetType | None = msgspec.UNSET
    blocked: bool | msgspec.UnsetType = msgspec.UNSET


class PeerHandler(PeerAPIHandler):
    """``peers/{node_id}``; an alias, a node name or a unique prefix does as well."""

    @web.authenticated
    @authorized
    async def patch(self, peer: str) -> None:
        """Set ``{alias?, blocked?}``."""

        async def work(operations: Operations) -> msgspec.Struct:
            change = ops.check_struct(PeerChange, self.json_body())
            # The second step has to find the peer also when the first has renamed it.
            node_id = operations.hub.find_peer(peer).node_id
            result: msgspec.Struct | None = None
            if change.alias is not msgspec.UNSET:
                params = {"peer": node_id, "alias": change.alias}
                result = await operations.run("alias", params)
            if change.blocked is not msgspec.UNSET:
                op = "block" if change.blocked else "unblock"
                result = await operations.run(op, {"peer": node_id})
            if result is None:
                raise BadRequestError("give alias, blocked or both")
            return result

        await self.respond(work)

    @web.authenticated
    @authorized
    async def delete(self, peer: str) -> None:
        """Forget the peer."""
        await self.answer("forget", {"peer": peer})


class PairAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """How pairing went."""

    ok: bool
    peer: ops.PeerModel | None = None
    error: dict[str, str] | None = None


class PairHandler(PeerAPIHandler):
    """``pair``: a request of the right form is answered with 200 and ``{ok, peer?, error?}``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Redeem ``{invite}``."""

        async def work(operations: Operations) -> msgspec.Struct:
            params = self.json_body()
            ops.check_params("pair", params)
            try:
                result = await operations.run("pair", params)
            except PeerError as error:
                return PairAnswer(ok=False, error=to_wire(error))
            assert isinstance(result, ops.PeerResult)
            return PairAnswer(ok=True, peer=result.peer)

        await self.respond(work)


class ConnectHandler(PeerAPIHandler):
    """``connect``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Dial ``{node_id}`` or ``{address}``."""
        await self.answer("connect")
