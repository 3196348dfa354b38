"""The handshakes under way that others began, and which of them makes room for the next.

Anybody can open a connection and send nothing, or a hello with a fresh key. So a handshake that has
proven nothing is cheap, and may be replaced by a newer one; one of a known peer is not replaced.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import msgspec

from ..errors import BusyError

# A node sends its hello when it is connected. One that is silent for so many seconds is replaced
# before others that came earlier.
HELLO_GRACE_S = 1.0
# A hello can be recorded and repeated by others, so those of one key do not get all places.
PLACES_A_PEER = 2
# All links of one IPv6 network count as one source: a customer is given such a network as a whole.
_IPV6_NETWORK_BITS = 64


class Source(Protocol):
    """A link that came in, as far as its place needs it."""

    remote_host: str | None
    address: str

    def abort(self, reason: str) -> None:
        """Close it."""


class _Place(msgspec.Struct, eq=False):
    """The place of one handshake.

    Attributes:
        link: Its link.
        source: Where the link comes from.
        came: When, in seconds.
        has_greeted: Whether it has sent a hello.
        peer: The known peer that the hello names; None for strangers.
    """

    link: Source
    source: str
    came: float
    has_greeted: bool = False
    peer: str | None = None


class HalfOpen:
    """The places for handshakes that others began.

    One source, an IPv4 address or an IPv6 network of 64 bits, has a quarter of them. When a source
    has no place left, its own oldest handshake makes room. When all places are taken, a handshake
    of the source that has most makes room: first the oldest that has not sent its hello in time,
    then the oldest. A handshake of a known peer is not replaced and does not count for its source.

    Args:
        limit: Number of places.
        now: The time in seconds, from a monotonic clock.
    """

    def __init__(self, limit: int, now: Callable[[], float]) -> None:
        self._limit = limit
        self._quota = max(1, limit // 4)
        self._now = now
        self._places: dict[Source, _Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, link: Source) -> None:
        """Give a link a place; another link may be closed for it.

        Raises:
            BusyError: Known peers have all places.
        """
        source = _source_of(link)
        strangers = [place for place in self._places.values() if place.peer is None]
        own = [place for place in strangers if place.source == source]
        if len(own) >= self._quota:
            self._replace(own)
        elif len(self._places) >= self._limit:
            if not strangers:
                raise BusyError
            count = Counter(place.source for place in strangers)
            most = max(count.values())
            self._replace([place for place in strangers if count[place.source] == most])
        self._places[link] = _Place(link, source, self._now())

    def greeted(self, link: Source, peer: str | None) -> None:
        """Note that a valid hello came.

        Args:
            link: Its link.
            peer: The id of the known peer whose key has signed it; None for a stranger.
        """
        place = self._places.get(link)
        if place is None:
            return
        place.has_greeted = True
        if peer is not None and self._count_of(peer) < PLACES_A_PEER:
            place.peer = peer

    def leave(self, link: Source) -> None:
        """Free the place of a link, if it still has one."""
        self._places.pop(link, None)

    def _count_of(self, peer: str) -> int:
        return sum(place.peer == peer for place in self._places.values())

    def _replace(self, places: list[_Place]) -> None:
        late = self._now() - HELLO_GRACE_S

        def rank(place: _Place) -> tuple[bool, float]:
            is_late = not place.has_greeted and place.came <= late
            return not is_late, place.came

        victim = min(places, key=rank)
        del self._places[victim.link]
        victim.link.abort(BusyError.code)


def _source_of(link: Source) -> str:
    """Return where a link comes from; by a relay, the node that the relay names."""
    if link.remote_host is None:
        return link.address
    try:
        host = ipaddress.ip_address(link.remote_host.partition("%")[0])
    except ValueError:
        return link.remote_host
    if isinstance(host, ipaddress.IPv4Address):
        return str(host)
    if host.ipv4_mapped is not None:
        return str(host.ipv4_mapped)
    return str(ipaddress.ip_network((host, _IPV6_NETWORK_BITS), strict=False))
