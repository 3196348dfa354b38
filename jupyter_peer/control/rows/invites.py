"""Operations on invites, and pairing by one."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ..fields import Done, NoParams, Short, StepModel
from ..operation import Operation, looks
from .peers import PeerResult

InviteStatus = Literal["open", "used", "revoked", "expired"]


class InviteParams(msgspec.Struct, frozen=True):
    """Life of the new invite in seconds (None: as configured), and a note for its owner."""

    ttl_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=512)] = ""


class InviteResult(msgspec.Struct, frozen=True):
    """A new invite.

    Attributes:
        invite: Its text, shown this once.
        id: Names it when it is revoked.
        expires: Epoch seconds.
        local_only: Whether it works on this machine alone, since no other machine can dial this
            node. Another reach (``PUT reach``) and a new invite change that.
    """

    invite: str
    id: str
    expires: float
    local_only: bool


class InviteModel(msgspec.Struct, frozen=True, kw_only=True):
    """An invite as the node remembers it, without its token. Times are epoch seconds."""

    id: str
    created: float
    expires: float
    note: str
    status: InviteStatus
    used_by: str | None
    used_at: float | None


class InvitesResult(msgspec.Struct, frozen=True):
    """The invites of this node, newest first."""

    invites: list[InviteModel]


class RevokeInviteParams(msgspec.Struct, frozen=True):
    """The id of an invite."""

    id: Short


class PairParams(msgspec.Struct, frozen=True):
    """The text of another node's invite."""

    invite: Annotated[str, msgspec.Meta(max_length=16384)]


INVITE = Operation("invite", InviteParams, InviteResult, "Mint a single-use invite.", "POST invite")
INVITES = looks(
    "invites",
    NoParams,
    InvitesResult,
    "Return the invites of this node, without their tokens.",
    "GET invites",
)
REVOKE_INVITE = Operation(
    "revoke_invite", RevokeInviteParams, Done, "Revoke an unused invite.", "DELETE invites/{id}"
)
PAIR = Operation(
    "pair",
    PairParams,
    PeerResult,
    "Redeem another node's invite.",
    "POST pair",
    is_outcome=True,
    progress=StepModel,
    timeout_s=None,
)
