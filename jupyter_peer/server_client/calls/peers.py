"""The calls about invites and peers."""

from __future__ import annotations

import re

from ..bridge import exposed
from ..connection import Json
from ..durations import parse_duration
from ..results.codes import SpokenCode
from ..results.results import (
    Done,
    Invite,
    Invites,
    Peer,
    Peers,
)
from .asking import Asking, Steps

_ADDRESS = re.compile(r"\w+://.+|.+:\d+(/.*)?")


class PeerCalls(Asking):
    """The calls about invites and peers."""

    @exposed
    async def invite(
        self, ttl: str | float | None = None, note: str = "", code: bool = False
    ) -> Invite | SpokenCode:
        """Mint a single-use invite; the result is its text.

        Args:
            ttl: Its life: ``"24h"``, ``"10m"``, ``"90s"`` or seconds; None for the configured one.
            note: For your own list of invites.
            code: Whether to return a spoken code too, valid for ten minutes at most.

        Raises:
            BadRequestError: ``ttl`` is not a duration, or longer than allowed.
            NotEnabledError: A code needs a relay, and this node has none.
        """
        params: Json = {"note": note}
        if code:
            params["code"] = True
        if ttl is not None:
            params["ttl_s"] = parse_duration(ttl)
        answer = await self._ask("invite", params)
        if code:
            return SpokenCode(
                answer["code"], id=answer["id"], expires=answer["expires"], invite=answer["invite"]
            )
        return Invite(
            answer["invite"],
            id=answer["id"],
            expires=answer["expires"],
            note=note,
            local_only=answer["local_only"],
        )

    @exposed
    async def invites(self) -> Invites:
        """Return the invites this node made, newest first, without their texts."""
        return Invites((await self._ask("invites"))["invites"])

    @exposed
    async def revoke(self, id: str) -> Done:
        """Revoke an unused invite.

        Raises:
            LookupFailedError: No invite has this id.
        """
        # An Invite is a str, but its text is not its id.
        known = id.id if isinstance(id, Invite | SpokenCode) else id
        await self._ask("revoke_invite", {"id": known})
        return Done(f"invite {known} cannot be used any more")

    @exposed
    async def pair(self, invite: str, on_progress: Steps | None = None) -> Peer:
        """Redeem another node's invite; return the peer once both sides trust each other.

        Args:
            invite: The text that starts with ``jpeer1:``, or a code such as ``7-adult-amulet``.
            on_progress: Called with ``{step, address, ok, message}`` for each path that is tried.

        Raises:
            InviteMalformedError: It is not an invite.
            CodeUnknownError, CodeWrongError: Nobody waits for this code, or its words are wrong.
            RefusedError: The invite is used, expired, revoked or unknown, or the wrong node
                answered.
            UnreachableError: No path leads there.
        """
        answer = await self._ask("pair", {"invite": str(invite)}, on_progress=on_progress)
        return Peer(answer["peer"])

    @exposed
    async def connect(self, target: str, on_progress: Steps | None = None) -> Peer:
        """Dial a known peer (by any of its names) or an address.

        Raises:
            UnreachableError: Nobody answers there.
            RefusedError: The other side refused.
        """
        key = "address" if _ADDRESS.fullmatch(target) else "node_id"
        answer = await self._ask("connect", {key: target}, on_progress=on_progress)
        return Peer(answer["peer"])

    @exposed
    async def peers(self) -> Peers:
        """Return all peers."""
        answer = await self._ask("peers")
        return Peers(answer["peers"], answer.get("self") or {}, answer.get("found") or ())

    @exposed
    async def disconnect(self, peer: str) -> Peer:
        """Close the link to a peer until one side connects again."""
        return await self._peer("disconnect", peer)

    @exposed
    async def block(self, peer: str) -> Peer:
        """Refuse a peer from now on, and end its link and views at once."""
        return await self._peer("block", peer)

    @exposed
    async def unblock(self, peer: str) -> Peer:
        """Accept a blocked peer again."""
        return await self._peer("unblock", peer)

    @exposed
    async def forget(self, peer: str) -> Done:
        """Forget a peer, its grants included; it needs a new invite to come back."""
        await self._ask("forget", {"peer": peer})
        return Done(f"{peer} is forgotten; to connect again takes a new invite")

    @exposed
    async def alias(self, peer: str, alias: str | None) -> Peer:
        """Set your own name for a peer, or remove it with None."""
        return Peer((await self._ask("alias", {"peer": peer, "alias": alias}))["peer"])

    @exposed
    async def ping(self, peer: str) -> float:
        """Measure the round trip to a peer, in milliseconds."""
        return float((await self._ask("ping", {"peer": peer}))["rtt_ms"])

    async def _peer(self, op: str, peer: str) -> Peer:
        return Peer((await self._ask(op, {"peer": peer}))["peer"])
