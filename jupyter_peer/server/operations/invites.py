"""Operations on the invites of this node and on their spoken codes."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from ...control.fields import Done, NoParams
from ...control.rows import invites as rows
from ...document.qr import invite_qr
from ...errors import LookupFailedError, PeerError, StoreError
from ...hub.hub import PeerHub
from ...wire.relay.lobby import CODE_LIFE_S
from ..call import Call, serves
from .codes import Codes
from .group import Group

log = logging.getLogger(__name__)


class InviteOperations(Group):
    """Mints, lists and revokes invites.

    Args:
        hub: The node.
        on_change: See :class:`.Group`.
        codes: Makes codes.
    """

    def __init__(self, hub: PeerHub, on_change: Callable[..., None], codes: Codes) -> None:
        super().__init__(hub, on_change)
        self._codes = codes
        codes.on_end = self._code_ended

    @serves(rows.INVITE)
    async def _invite(self, params: rows.InviteParams, call: Call) -> rows.InviteResult:
        ttl_s = params.ttl_s
        if params.code:
            self._codes.check()
            ttl_s = min(CODE_LIFE_S, CODE_LIFE_S if ttl_s is None else ttl_s)
        minted = self.hub.invites.mint(ttl_s, params.note)
        self.audit("invite_minted", invite=minted.id, expires=minted.expires)
        code = None
        if params.code:
            try:
                code = await self._codes.offer(minted)
            except PeerError:
                self.hub.invites.revoke(minted.id)
                raise
        self.on_change("invites")
        return rows.InviteResult(
            minted.text,
            minted.id,
            minted.expires,
            local_only=minted.local_only,
            code=code,
            qr=invite_qr(minted.text) if params.qr else None,
        )

    @serves(rows.INVITES)
    def _invites(self, params: NoParams, call: Call) -> rows.InvitesResult:
        return rows.InvitesResult(
            [
                rows.InviteModel(
                    **msgspec.structs.asdict(invite), code=self._codes.status(invite.id)
                )
                for invite in self.hub.invites.all()
            ]
        )

    @serves(rows.REVOKE_INVITE)
    def _revoke(self, params: rows.RevokeInviteParams, call: Call) -> Done:
        self.hub.invites.revoke(params.id)
        self._codes.cancel(params.id)
        self.audit("invite_revoked", invite=params.id)
        self.on_change("invites")
        return Done()

    def _code_ended(self, invite_id: str, status: rows.CodeStatus) -> None:
        """Handle the end of a code: nobody can use the invite without it."""
        self.audit(f"code_{status}", invite=invite_id)
        if status != "used":
            try:
                self.hub.invites.revoke(invite_id)
            except LookupFailedError:
                pass
            except StoreError as error:
                log.warning("the invite %s stays valid, its code does not: %s", invite_id, error)
        self.on_change("invites")
