"""The invites of this node, and the targets of other nodes' invites."""

from __future__ import annotations

import math

import msgspec

from ..errors import BadRequestError, InviteExpiredError, OwnNodeError
from ..phrase import phrase
from ..store.records import InviteRecord
from ..wire.invite import Invite, make_token, token_hash
from .links.connector import Target
from .local_node import LocalNode

MAX_NOTE = 200
# Addresses that have their own field in an invite, or that its reader cannot use.
_ELSEWHERE = ("lan:", "relay:", "webrtc:")


class MintedInvite(msgspec.Struct, frozen=True, kw_only=True):
    """A new invite; its text is shown once and never stored.

    Attributes:
        text: The invite, to copy.
        id: Id by which it can be revoked.
        expires: Epoch seconds.
        note: Note for the user who made it.
        local_only: Whether it works on this machine only.
    """

    text: str
    id: str
    expires: float
    note: str
    local_only: bool


class InviteBook:
    """Mints, lists and revokes the invites of this node.

    Args:
        local: This node.
    """

    def __init__(self, local: LocalNode) -> None:
        self._local = local

    def mint(self, ttl_s: float | None = None, note: str = "") -> MintedInvite:
        """Make a single-use invite.

        Args:
            ttl_s: Its lifetime in seconds; None for the configured one.
            note: Up to 200 characters for the user who makes it.

        Raises:
            BadRequestError: The lifetime is not positive or too long, or the note is too long.
        """
        local, config = self._local, self._local.config
        life = config.invite_ttl_s if ttl_s is None else ttl_s
        longest = config.max_invite_ttl_s
        if not (math.isfinite(life) and 0 < life <= longest):
            asked = f"{life / 86400:g} days" if life > 86400 else f"{life:g} seconds"
            raise BadRequestError(
                phrase("an invite cannot live for {asked}", asked=asked),
                hint=phrase("give a time from 1 second to {most:g} days", most=longest / 86400),
            )
        if len(note) > MAX_NOTE:
            raise BadRequestError(phrase("a note has at most {most} characters", most=MAX_NOTE))
        now = local.clock.time()
        token = make_token(local.clock.random_bytes(16))
        invite = Invite(
            v=1,
            id=local.identity.node_id,
            pk=local.identity.public_key_b64,
            t=token,
            a=[at for at in local.addresses() if not at.startswith(_ELSEWHERE)],
            x=now + life,
            n=local.name,
            r=local.relay_url,
            l=local.lobby_url,
        )
        invite_id = local.clock.random_bytes(4).hex()
        local.store.add_invite(invite_id, token_hash(token), now, invite.x, note)
        return MintedInvite(
            text=invite.to_text(),
            id=invite_id,
            expires=invite.x,
            note=note,
            local_only=local.is_local_only,
        )

    def all(self) -> list[InviteRecord]:
        """Return all invites of this node that are still in the store."""
        return self._local.store.invites(self._local.clock.time())

    def revoke(self, invite_id: str) -> None:
        """Revoke an invite.

        Raises:
            LookupFailedError: There is no such invite.
        """
        self._local.store.revoke_invite(invite_id, self._local.clock.time())

    def target(self, text: object) -> Target:
        """Return the target of another node's invite.

        Args:
            text: The pasted invite.

        Raises:
            InviteMalformedError, InviteExpiredError, OwnNodeError: The invite cannot be redeemed.
        """
        invite = Invite.from_text(text)
        if invite.id == self._local.identity.node_id:
            raise OwnNodeError("this node itself has made this invite")
        if invite.x <= self._local.clock.time():
            raise InviteExpiredError
        addresses = list(invite.a)
        if invite.r is not None:
            addresses.append(f"relay:{invite.r}")
        if invite.l is not None:
            addresses.append(f"webrtc:{invite.l}")
        return Target(addresses=addresses, node_id=invite.id, public_key=invite.pk, token=invite.t)
