"""Links over relays: this node's own, and those of peers (``relay/SPEC.md``)."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from collections.abc import Callable

from ...errors import BadAddressError, PeerTimeoutError, UnreachableError
from ...findings import Finding, failed, ok
from ...phrase import phrase
from ...primitives.task_set import TaskSet
from ...wire.addresses import RELAY_SCHEME, relay_address, relay_urls
from ...wire.link.identity import Identity
from ...wire.relay.frames import LINK_BYTES
from ..base import Accept, PeerLink, Transport
from .link import RelayLink
from .multiplexer import RelayMultiplexer

DIAL_TIMEOUT_S = 10.0
DIAGNOSE_TIMEOUT_S = 5.0
# The connection to a foreign relay stays open this long after its last link, for a reconnect.
_IDLE_S = 30.0
_MAX_FOREIGN = 16


class RelayTransport(Transport):
    """Dials ``relay:<URL>``, and accepts links over this node's own relay.

    Args:
        identity: This node's key; only its own relay sees it.
        relay_url: This node's relay, see :func:`.relay_urls`; None for none. Relays of peers are
            used in any case, while links run over them.
        ssl_context: For ``wss://``. By default the system's authorities decide: a relay, unlike a
            peer, has no other proof of its identity.
        now: Monotonic seconds.

    Raises:
        BadAddressError: ``relay_url`` is not a URL.
    """

    name = "relay"
    priority = 4

    def __init__(
        self,
        identity: Identity,
        relay_url: str | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identity = identity
        self._own_urls = relay_urls(relay_url) if relay_url else []
        self._ssl_context = ssl_context or ssl.create_default_context()
        self._now = now
        self._own: RelayMultiplexer | None = None
        self._foreign: dict[tuple[str, ...], RelayMultiplexer] = {}
        self._accept: Accept | None = None
        self._accepting = TaskSet("a handshake with a node that dialled")

    async def start(self, accept: Accept) -> None:
        # Made again, because a transport that was closed may start again.
        self._accepting = TaskSet("a handshake with a node that dialled")
        self._accept = accept
        if self._own_urls:
            self._own = self._open_own()

    async def use(self, relay_url: str | None) -> None:
        """Register at another relay, or at none; links over the former relay end.

        Raises:
            BadAddressError: ``relay_url`` is not a URL; nothing has changed.
        """
        urls = relay_urls(relay_url) if relay_url else []
        if set(urls) == set(self._own_urls):
            return
        former, self._own, self._own_urls = self._own, None, urls
        if former is not None:
            await former.close()
        if urls and self._accept is not None:
            self._own = self._open_own()

    async def close(self) -> None:
        self._accept = None
        await self._accepting.close()
        await asyncio.gather(*(multiplexer.close() for multiplexer in self._multiplexers()))
        self._own = None
        self._foreign.clear()

    def can_dial(self, address: str) -> bool:
        return address.startswith(RELAY_SCHEME)

    async def dial(self, address: str, node_id: str | None) -> PeerLink:
        if node_id is None:
            raise UnreachableError(
                "over a relay only a node that is known by its id can be dialled",
                hint="pair with it by an invite",
            )
        try:
            urls = relay_urls(address.removeprefix(RELAY_SCHEME))
        except BadAddressError as error:
            raise UnreachableError(
                phrase("{address} is no address of a relay", address=address[:200])
            ) from error
        multiplexer = self._multiplexer_of(urls)
        link = await multiplexer.dial(node_id, secrets.token_bytes(LINK_BYTES), DIAL_TIMEOUT_S)
        link.address = address
        return link

    def addresses(self) -> list[str]:
        return [relay_address(self._own_urls)] if self._own_urls else []

    def network_changed(self) -> None:
        for multiplexer in self._multiplexers():
            multiplexer.socket.nudge()

    async def diagnose(self) -> list[Finding]:
        if self._own is None:
            return []
        urls = ", ".join(self._own_urls)
        try:
            await self._own.socket.until_registered(DIAGNOSE_TIMEOUT_S)
        except UnreachableError as error:
            hint = (
                phrase(
                    "set PeerExtension.relay_certificate to the PEM file of its certificate, if it "
                    "is self-signed; otherwise its operator renews it"
                )
                if _is_untrusted(error)
                else phrase("check the URL of the relay, and whether its /health answers")
            )
            reason = self._own.socket.last_error or PeerTimeoutError("it does not answer")
            text = phrase("The relay cannot be used: {reason}.", reason=reason.message_phrase)
            return [failed("relay", text, hint, urls)]
        text = phrase(
            "This node is registered there; links over it now: {links}.", links=self._own.links
        )
        return [ok("relay", text, urls, links=self._own.links)]

    @property
    def is_registered(self) -> bool:
        """Whether this node is registered at its own relay now."""
        return self._own is not None and self._own.socket.is_registered

    def _multiplexers(self) -> list[RelayMultiplexer]:
        return [*([self._own] if self._own is not None else []), *self._foreign.values()]

    def _multiplexer_of(self, urls: list[str]) -> RelayMultiplexer:
        if self._own is not None and not set(urls).isdisjoint(self._own_urls):
            return self._own
        key = tuple(sorted(urls))
        multiplexer = self._foreign.get(key)
        if multiplexer is None or multiplexer.socket.is_over:
            live = {at: kept for at, kept in self._foreign.items() if not kept.socket.is_over}
            if len(live) >= _MAX_FOREIGN:
                raise UnreachableError("links over too many relays are open already")
            if len(self._foreign) >= 4 * _MAX_FOREIGN:
                self._foreign = live
            multiplexer = self._foreign[key] = self._open_foreign(urls)
        return multiplexer

    def _open_own(self) -> RelayMultiplexer:
        return self._open(self._own_urls, self._identity, self._take, None)

    def _open_foreign(self, urls: list[str]) -> RelayMultiplexer:
        """Connect to a relay that a peer has named.

        The node registers with a throwaway key, whose signatures prove nothing elsewhere.
        """
        return self._open(urls, Identity.from_seed(secrets.token_bytes(32)), None, _IDLE_S)

    def _open(
        self,
        urls: list[str],
        identity: Identity,
        on_incoming: Callable[[RelayLink], None] | None,
        idle_s: float | None,
    ) -> RelayMultiplexer:
        return RelayMultiplexer(
            urls, relay_address(urls), identity, self._ssl_context, on_incoming, idle_s, self._now
        )

    def _take(self, link: RelayLink) -> None:
        """Accept a link that another node has opened."""
        if self._accept is None:
            link.abort("not accepting")
            return

        self._accepting.start(self._accept(link))


def _is_untrusted(error: BaseException | None) -> bool:
    """Return whether the certificate of the relay was refused."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__
    return error is not None
