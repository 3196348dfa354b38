"""The guest links of a node: makes, lists, stops and checks them."""

from __future__ import annotations

import hmac
import math

import msgspec

from ...errors import BadRequestError, LinkExpiredError, LinkUnknownError, LookupFailedError
from ...phrase import phrase
from ...store.records import Grant, LinkRecord
from ...wire.guest_link import LINK_ID_BYTES, fragment, link_id
from ...wire.invite import make_token, token_hash
from ...wire.payloads.hub import GuestAuth
from ..local_node import LocalNode

# Compared with the secret for an unknown link, so that the check takes as long as for a known one.
_NO_HASH = token_hash("")


class MintedLink(msgspec.Struct, frozen=True, kw_only=True):
    """A new guest link. Its fragment, which has the secret, is shown once and never stored.

    Attributes:
        id: Public part, in the path of the URL.
        fragment: The part after ``#`` in the URL.
        expires: Epoch seconds.
    """

    id: str
    fragment: str
    expires: float


class GuestLinks:
    """The guest links of this node.

    Args:
        local: This node.
    """

    def __init__(self, local: LocalNode) -> None:
        self._local = local

    def mint(
        self, pane: str, grant: Grant, ttl_s: float | None, max_guests: int | None
    ) -> MintedLink:
        """Make a link; see :meth:`.Guests.mint`."""
        local, config = self._local, self._local.config
        life = config.link_ttl_s if ttl_s is None else ttl_s
        longest = config.max_link_ttl_s
        if not (math.isfinite(life) and 0 < life <= longest):
            raise BadRequestError(
                phrase("a guest link cannot live for {life:g} seconds", life=life),
                hint=phrase("give a time from 1 second to {most:g} days", most=longest / 86400),
            )
        count = config.max_link_guests if max_guests is None else max_guests
        if not 0 < count <= config.max_link_guests:
            raise BadRequestError(
                phrase("a guest link cannot be for {count} guests", count=count),
                hint=phrase(
                    "give a number from 1 to {most}",
                    most=config.max_link_guests,
                ),
            )
        now = local.clock.time()
        secret = make_token(local.clock.random_bytes(16))
        record = LinkRecord(
            id=link_id(local.clock.random_bytes(LINK_ID_BYTES)),
            secret_hash=token_hash(secret),
            pane=pane,
            grant=grant,
            created=now,
            expires=now + life,
            max_guests=count,
        )
        local.store.add_link(record)
        return MintedLink(
            id=record.id,
            fragment=fragment(secret, local.identity.public_key),
            expires=record.expires,
        )

    def all(self) -> list[LinkRecord]:
        """Return the links that have not expired, newest first."""
        now = self._local.clock.time()
        return [link for link in self._local.store.links() if now < link.expires]

    def known(self, id: str) -> LinkRecord:
        """Return a link by its id.

        Raises:
            LookupFailedError: There is no such guest link.
        """
        link = self._local.store.link(id)
        if link is None:
            raise LookupFailedError(
                phrase("there is no guest link {id}", id=repr(id[:64])),
                hint=phrase("%peer links lists them").on_page(phrase("“Links” lists them")),
            )
        return link

    def stop(self, id: str) -> LinkRecord:
        """Delete a link, which ends its validity, and return its record.

        Raises:
            LookupFailedError: There is no such guest link.
        """
        link = self.known(id)
        self._local.store.delete_link(id)
        return link

    def opened(self, shown: GuestAuth) -> LinkRecord:
        """Return the link that a guest opens.

        Raises:
            LinkUnknownError: No link has this id, or its secret is another.
            LinkExpiredError: It has expired.
        """
        link = self._local.store.link(shown.link)
        expected = _NO_HASH if link is None else link.secret_hash
        is_right = hmac.compare_digest(token_hash(shown.secret), expected)
        if link is None or not is_right:
            raise LinkUnknownError
        if not self._local.clock.time() < link.expires:
            raise LinkExpiredError
        return link
