"""The policy ``manual``: accepts only strangers with an open invite."""

from __future__ import annotations

import logging

from ..errors import BadRequestError, BusyError, NotTrustedError, RefusedError, StoreError
from ..store.store import PeerRecord, Store
from .base import Applicant, TrustPolicy, Verdict

log = logging.getLogger(__name__)


class InvitePolicy(TrustPolicy):
    """Redeems the applicant's invite, in one transaction of the store.

    So an accepted applicant is a trusted peer in the store before the verdict is returned. The hub
    adds addresses and capabilities later.
    """

    name = "invite"

    def __init__(self, store: Store) -> None:
        self._store = store

    def verdict(self, applicant: Applicant, now: float) -> Verdict:
        if applicant.token is None:
            return Verdict.refuse(NotTrustedError())
        peer = PeerRecord(
            node_id=applicant.node_id,
            public_key=applicant.public_key,
            node_name=applicant.node_name,
            trusted=True,
            added=now,
            last_seen=now,
            origin="invite",
        )
        try:
            self._store.redeem_invite(applicant.token, peer, now)
        except (RefusedError, BadRequestError) as error:
            return Verdict.refuse(error.with_traceback(None))
        except StoreError:
            # The applicant learns nothing about this machine's paths.
            log.exception("the invite of %s cannot be redeemed", applicant.node_id)
            return Verdict.refuse(
                BusyError(
                    "the peer cannot store this pairing right now",
                    hint="try again later; the invite was not used up",
                )
            )
        return Verdict.accept(self.name)

    def expects(self, node_id: str, now: float) -> bool:
        # An invite names nobody: while one is open, any stranger may have it.
        return any(invite.status == "open" for invite in self._store.invites(now))
