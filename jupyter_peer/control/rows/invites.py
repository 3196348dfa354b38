"""Operations on invites, and pairing by one."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ..fields import Done, NoParams, Short, StepModel
from ..operation import Operation, looks
from .peers import PeerResult

InviteStatus = Literal["open", "used", "revoked", "expired"]
#: ``wrong``: somebody used it with other words. ``ended``: the lobby has gone, or it was revoked.
CodeStatus = Literal["waiting", "used", "wrong", "expired", "ended"]


class InviteParams(msgspec.Struct, frozen=True):
    """A new invite.

    Attributes:
        ttl_s: Life in seconds; None for the configured one, with a code 10 minutes at most.
        note: For its owner.
        code: Whether to make a spoken code too.
        qr: Whether to draw the invite as a QR code, too.
    """

    ttl_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=512)] = ""
    code: bool = False
    qr: bool = False


class InviteResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """A new invite.

    Attributes:
        invite: Its text, shown this once.
        id: Names it when it is revoked.
        expires: Epoch seconds.
        local_only: Whether it works on this machine alone, since no other machine can dial this
            node. Another reach (``PUT reach``) and a new invite change that.
        code: Spoken code for the invite, if it was requested.
        qr: SVG of its QR code, if it was asked for; None for a text that is too long.
    """

    invite: str
    id: str
    expires: float
    local_only: bool
    code: str | None = None
    qr: str | None = None


class InviteModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An invite as the node remembers it, without its token. Times are epoch seconds.

    Attributes:
        code: Status of its code; None without one, or after a restart.
    """

    id: str
    created: float
    expires: float
    note: str
    status: InviteStatus
    used_by: str | None
    used_at: float | None
    code: CodeStatus | None = None


class InvitesResult(msgspec.Struct, frozen=True):
    """The invites of this node, newest first."""

    invites: list[InviteModel]


class RevokeInviteParams(msgspec.Struct, frozen=True):
    """The id of an invite."""

    id: Short


class PairParams(msgspec.Struct, frozen=True):
    """The text of another node's invite, or a code such as ``7-adult-amulet``."""

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
    "Redeem another node's invite, or a code.",
    "POST pair",
    is_outcome=True,
    progress=StepModel,
    timeout_s=None,
)
