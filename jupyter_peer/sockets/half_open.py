"""Connections that have not proven a key yet, and the choice of which one a newcomer replaces.

Anybody can open a connection and send nothing, or a hello with a fresh key. So a newer connection
may replace one that has not proven a key. A connection of a known peer is not replaced.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Hashable

import msgspec

from ..errors import BusyError

# A node sends its hello as soon as it is connected. After this many seconds without a hello, a
# connection is replaced before older ones.
HELLO_GRACE_S = 1.0
# Others can record a hello and repeat it, so one key gets only some of the places.
PLACES_A_PEER = 2
# All connections of one IPv6 network count as one source: a provider gives one customer all of it.
_IPV6_NETWORK_BITS = 64


class _Place(msgspec.Struct, eq=False):
    """The place of one connection.

    Attributes:
        link: The connection's owner, such as its protocol object.
        source: Where the connection comes from.
        came: Time when it was opened, in seconds.
        close: Closes the connection.
        has_greeted: Whether a valid hello has arrived.
        peer: The known peer that the hello names; None for strangers.
    """

    link: Hashable
    source: str
    came: float
    close: Callable[[], None]
    has_greeted: bool = False
    peer: str | None = None


class HalfOpen:
    """The places for connections that have not proven a key yet.

    A source is an IPv4 address or an IPv6 network of 64 bits. When a source has its quota, its own
    oldest connection makes room. When all places are taken, a connection of the source with the most
    connections makes room: first the oldest without a hello in time, then the oldest. A connection
    of a known peer is not replaced and does not count for its source.

    Args:
        limit: Number of places.
        now: The time in seconds, from a monotonic clock.
        quota: Places of one source; None for all.
        spares_prompt: For servers where many honest nodes may arrive at once, perhaps through one
            proxy. A newcomer whose source would have the most connections then replaces only a
            connection without a hello in time.
    """

    def __init__(
        self,
        limit: int,
        now: Callable[[], float],
        *,
        quota: int | None = None,
        spares_prompt: bool = False,
    ) -> None:
        self.limit = limit
        self._quota = quota
        self._spares_prompt = spares_prompt
        self._now = now
        self._places: dict[Hashable, _Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, link: Hashable) -> bool:
        return link in self._places

    def enter(self, link: Hashable, host: str, close: Callable[[], None]) -> None:
        """Give a connection a place; another connection may be closed for it.

        Args:
            link: What the connection belongs to.
            host: Where the connection comes from: an IP address, or any other text.
            close: Closes the connection when it makes room.

        Raises:
            BusyError: No other connection makes room.
        """
        source = _source_of(host)
        own = [] if self._quota is None else self._strangers(source)
        if self._quota is not None and len(own) >= self._quota:
            self._replace(own)
        elif len(self._places) >= self.limit:
            self._replace(self._replaceable(source))
        self._places[link] = _Place(link, source, self._now(), close)

    def greeted(self, link: Hashable, peer: str | None) -> None:
        """Record that a valid hello has arrived.

        Args:
            link: What the connection belongs to.
            peer: The id of the known peer whose key has signed it; None for a stranger.
        """
        place = self._places.get(link)
        if place is None:
            return
        place.has_greeted = True
        if peer is not None and self._count_of(peer) < PLACES_A_PEER:
            place.peer = peer

    def leave(self, link: Hashable) -> None:
        """Free the place of a connection, if it still has one."""
        self._places.pop(link, None)

    def _count_of(self, peer: str) -> int:
        return sum(place.peer == peer for place in self._places.values())

    def _strangers(self, source: str | None = None) -> list[_Place]:
        """Return the places of strangers, of one source or of all."""
        return [
            place
            for place in self._places.values()
            if place.peer is None and source in (None, place.source)
        ]

    def _replaceable(self, source: str) -> list[_Place]:
        strangers = self._strangers()
        count = Counter(place.source for place in strangers)
        most = max(count.values(), default=0)
        if self._spares_prompt and count[source] + 1 >= most:
            return [place for place in strangers if self._is_late(place)]
        return [place for place in strangers if count[place.source] == most]

    def _is_late(self, place: _Place) -> bool:
        return not place.has_greeted and place.came <= self._now() - HELLO_GRACE_S

    def _replace(self, places: list[_Place]) -> None:
        if not places:
            raise BusyError
        victim = min(places, key=lambda place: (not self._is_late(place), place.came))
        del self._places[victim.link]
        victim.close()


def _source_of(host: str) -> str:
    """Return the source that a host belongs to."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_NETWORK_BITS), strict=False))
