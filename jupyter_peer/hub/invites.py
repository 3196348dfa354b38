"""The invites this node has made."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from ..errors import BadRequestError
from ..store.records import InviteRecord
from ..store.store import Store
from ..wire.invite import Invite, make_token, token_hash
from ..wire.link.identity import Identity
from .clock import Clock
from .config import HubConfig

MAX_NOTE = 200
# Addresses that an invite says in a field of their own, or that whoever reads it cannot use.
_ELSEWHERE = ("lan:", "relay:", "webrtc:")


class MintedInvite(msgspec.Struct, frozen=True, kw_only=True):
    """A new invite; its text is shown once and never stored.

    Attributes:
        text: To copy.
        id: To revoke it by.
        expires: Epoch seconds.
        note: For the one who made it.
    """

    text: str
    id: str
    expires: float
    note: str


class InviteBook:
    """Mints, lists and revokes.

    Args:
        identity: Whose invites these are.
        store: Keeps the hash of each token.
        config: Life times, relay and lobby.
        clock: Time and random numbers.
        addresses: Returns where this node can be dialled now.
        node_name: Returns what it is called now.
    """

    def __init__(
        self,
        identity: Identity,
        store: Store,
        config: HubConfig,
        clock: Clock,
        *,
        addresses: Callable[[], list[str]],
        node_name: Callable[[], str],
    ) -> None:
        self._identity = identity
        self._store = store
        self._config = config
        self._clock = clock
        self._addresses = addresses
        self._node_name = node_name

    def mint(self, ttl_s: float | None, note: str) -> MintedInvite:
        """Make a single-use invite; see :meth:`.PeerHub.mint_invite`."""
        life = self._config.invite_ttl_s if ttl_s is None else ttl_s
        longest = self._config.max_invite_ttl_s
        if not (math.isfinite(life) and 0 < life <= longest):
            asked = f"{life / 86400:g} days" if life > 86400 else f"{life:g} seconds"
            raise BadRequestError(
                f"an invite cannot live for {asked}",
                hint=f"give a time from 1 second to {longest / 86400:g} days",
            )
        if len(note) > MAX_NOTE:
            raise BadRequestError(f"a note has at most {MAX_NOTE} characters")
        now = self._clock.time()
        token = make_token(self._clock.random_bytes(16))
        invite = Invite(
            v=1,
            id=self._identity.node_id,
            pk=self._identity.public_key_b64,
            t=token,
            a=[at for at in self._addresses() if not at.startswith(_ELSEWHERE)],
            x=now + life,
            n=self._node_name(),
            r=self._config.relay_url,
            l=self._config.lobby_url,
        )
        invite_id = self._clock.random_bytes(4).hex()
        self._store.add_invite(invite_id, token_hash(token), now, invite.x, note)
        return MintedInvite(text=invite.to_text(), id=invite_id, expires=invite.x, note=note)

    def all(self) -> list[InviteRecord]:
        """Return all that are still remembered."""
        return self._store.invites(self._clock.time())

    def revoke(self, invite_id: str) -> None:
        """Make an invite void; see :meth:`.PeerHub.revoke_invite`."""
        self._store.revoke_invite(invite_id, self._clock.time())
