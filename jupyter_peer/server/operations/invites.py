"""Operations on the invites of this node."""

from __future__ import annotations

import msgspec

from ...control.fields import Done, NoParams
from ...control.rows import invites as rows
from ..call import Call, serves
from .group import Group


class InviteOperations(Group):
    """Mints, lists and revokes invites."""

    @serves(rows.INVITE)
    def _invite(self, params: rows.InviteParams, call: Call) -> rows.InviteResult:
        minted = self.hub.invites.mint(params.ttl_s, params.note)
        self.audit("invite_minted", invite=minted.id, expires=minted.expires)
        self.on_change("invites")
        return rows.InviteResult(
            minted.text, minted.id, minted.expires, local_only=minted.local_only
        )

    @serves(rows.INVITES)
    def _invites(self, params: NoParams, call: Call) -> rows.InvitesResult:
        shape = list[rows.InviteModel]
        return rows.InvitesResult(
            msgspec.convert(self.hub.invites.all(), shape, from_attributes=True)
        )

    @serves(rows.REVOKE_INVITE)
    def _revoke(self, params: rows.RevokeInviteParams, call: Call) -> Done:
        self.hub.invites.revoke(params.id)
        self.audit("invite_revoked", invite=params.id)
        self.on_change("invites")
        return Done()
