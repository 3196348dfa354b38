"""Guests: browsers that have opened a guest link of this node (SPEC section 11).

A guest is not a peer. It exists in memory as long as its connection lasts, and has limits of its own.
It reaches only the handlers of its pane's messages.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ...errors import (
    BusyError,
    LinkUnknownError,
    NotGrantedError,
    NotTrustedError,
    PeerError,
)
from ...phrase import phrase
from ...primitives.rate_limit import RateLimit
from ...primitives.task_set import TaskSet
from ...store.records import Grant, LinkRecord
from ...transports.base import PeerLink
from ...wire.link.channel import Limits
from ...wire.link.envelope import KEEPS_ORDER, Envelope
from ...wire.link.handshake import Introduction
from ...wire.link.identity import clean_name
from ...wire.payloads.hub import GuestAuth
from ..links.connector import Connected
from ..links.linked_node import LinkedNode
from ..links.session import Session
from ..local_node import LocalNode
from ..message import Message, Messenger
from .guest_links import GuestLinks, MintedLink

#: Types of messages that a guest may send besides answers.
ALLOWED = frozenset(
    {"ping", "bye", "pane_open", "pane_close", "pane_input", "pane_module", "group_joined"}
)
#: Messages of one guest: at once, and a second. As many as the inputs of a peer.
BURST, RATE = 2_000, 500.0
#: Each opening may be answered by a snapshot of many megabytes.
OPEN_BURST, OPEN_RATE = 8, 0.5
#: Bytes of the largest message of a guest: an input, and what is around it.
MAX_MESSAGE = 5 * 1024 * 1024
_MAX_DROPPED = 4096
#: Arrivals and refusals that the audit log gets: at once, and a second.
_AUDIT_BURST, _AUDIT_RATE = 100, 1 / 60
_LONGEST_TIMER_S = 24 * 3600.0


class GuestInfo(msgspec.Struct, frozen=True):
    """A guest as the owner sees it: its id, announced name, start and path."""

    id: str
    name: str
    since: float
    path: str


class GuestLinkInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A guest link with its present guests. ``expires`` is in epoch seconds."""

    id: str
    pane: str
    grant: Grant
    expires: float
    max_guests: int
    guests: list[GuestInfo]


class Guest(LinkedNode):
    """One guest, as long as its connection lasts.

    Args:
        connected: The guest's link after the handshake.
        link: The guest link that it has opened.
        name: Name that the guest announces.
        local: This node.
        messenger: Writes messages, and passes received messages to their handlers.
        on_gone: Called when its connection has ended.

    Attributes:
        link, name: The values of the arguments.
    """

    def __init__(
        self,
        connected: Connected,
        link: LinkRecord,
        name: str,
        local: LocalNode,
        messenger: Messenger,
        on_gone: Callable[[Guest], None],
    ) -> None:
        super().__init__(messenger, local.clock)
        self.link = link
        self.name = name
        self._on_gone = on_gone
        self._id = connected.peer.node_id
        self._messages = RateLimit(RATE, BURST)
        self._openings = RateLimit(OPEN_RATE, OPEN_BURST)
        self._expiry: asyncio.TimerHandle | None = None
        self._capabilities = frozenset(connected.peer.capabilities)
        self._session = Session(
            connected.link,
            connected.channel,
            connected.peer,
            local.clock,
            on_envelope=self._receive,
            on_close=self._on_closed,
            room=messenger.handlers.room,
            id=connected.session,
        )

    @property
    def node_id(self) -> str:
        return self._id

    @property
    def capabilities(self) -> list[str]:
        """Capabilities of its page; guests get no strings by reference."""
        return sorted(self._capabilities & {"pane-widgets", "groups", KEEPS_ORDER})

    def start(self, end: Callable[[Guest, str], object]) -> None:
        """Start to receive, and call ``end`` when the link expires."""
        assert self._session is not None
        self._session.start()
        self._expire_later(end)

    def _expire_later(self, end: Callable[[Guest, str], object]) -> None:
        left = self.link.expires - self._clock.time()
        if left <= 0:
            end(self, "expired")
        else:
            self._expiry = asyncio.get_running_loop().call_later(
                min(left, _LONGEST_TIMER_S), self._expire_later, end
            )

    def info(self) -> GuestInfo:
        """Return its description for the owner."""
        session = self._session
        assert session is not None
        return GuestInfo(self._id, self.name, session.since, session.link.transport)

    def _receive(self, session: Session, envelope: Envelope) -> None:
        now = self._clock.monotonic()
        if not self._messages.allows(now):
            session.link.abort(BusyError.code)
            return
        if not self._messenger.is_new(envelope):
            return
        message = Message(self, envelope)
        if message.re is not None:
            self._replies.resolve(message)
        elif message.type not in ALLOWED:
            message.fail(
                NotGrantedError(
                    "a guest can open the pane of its link, and nothing else",
                    hint="ask the owner for an invite to become a peer",
                )
            )
        elif message.type == "bye":
            session.link.abort("bye")
        elif message.type == "pane_open" and not self._openings.allows(now):
            message.fail(BusyError("the pane was opened too often", hint="wait a few seconds"))
        else:
            self._messenger.handlers.dispatch(message)

    def _on_closed(self, session: Session, reason: str) -> None:
        self._session = None
        if self._expiry is not None:
            self._expiry.cancel()
        self._replies.fail(reason or "closed")
        self._on_gone(self)


class Guests:
    """The guests of a node, and its guest links.

    Args:
        local: This node.
        messenger: Writes messages.
        is_peer: Returns whether a node id is that of a peer.
    """

    def __init__(
        self, local: LocalNode, messenger: Messenger, is_peer: Callable[[str], bool]
    ) -> None:
        self._local = local
        self._messenger = messenger
        self._is_peer = is_peer
        self._links = GuestLinks(local)
        self._guests: dict[str, Guest] = {}
        self._dropped: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._audits = RateLimit(_AUDIT_RATE, _AUDIT_BURST)
        self._tasks = TaskSet("serving guests")
        self._is_open = False

    def __iter__(self) -> Iterator[Guest]:
        return iter(list(self._guests.values()))

    def start(self) -> None:
        """Start to admit guests and to ping them."""
        self._is_open = True
        self._tasks.start(self._ping_all())

    async def close(self) -> None:
        """End the links of all guests; may be called twice."""
        self._is_open = False
        await self._tasks.close()
        await asyncio.gather(*(guest.end("shutdown") for guest in self))

    def get(self, node_id: str) -> Guest | None:
        """Return a guest by its id, or None."""
        return self._guests.get(node_id)

    def of_pane(self, pane: str) -> dict[str, Grant]:
        """Return the grant of each guest of a pane, by node id."""
        return {guest.node_id: guest.link.grant for guest in self if guest.link.pane == pane}

    # Operations of the owner.

    def mint(
        self,
        pane: str,
        grant: Grant = "view",
        ttl_s: float | None = None,
        max_guests: int | None = None,
    ) -> MintedLink:
        """Make a guest link.

        Args:
            pane: The pane that it opens.
            grant: Grant of the guests.
            ttl_s: Lifetime in seconds; None for the configured one.
            max_guests: Highest number of guests at once; None for the largest allowed number.

        Raises:
            UnknownPaneError: There is no such pane.
            BadRequestError: The lifetime or the number is out of range.
        """
        minted = self._links.mint(pane, grant, ttl_s, max_guests)
        self._note("link_made", link=minted.id, pane=pane, grant=grant, expires=minted.expires)
        return minted

    def links(self) -> list[GuestLinkInfo]:
        """Return all links that have not expired, newest first, each with its guests."""
        return [
            GuestLinkInfo(
                id=link.id,
                pane=link.pane,
                grant=link.grant,
                expires=link.expires,
                max_guests=link.max_guests,
                guests=[guest.info() for guest in self._of_link(link.id)],
            )
            for link in self._links.all()
        ]

    async def stop(self, link_id: str) -> None:
        """Delete a link and disconnect its guests.

        Raises:
            LookupFailedError: There is no such guest link.
        """
        link = self._links.stop(link_id)
        self._note("link_stopped", link=link.id, pane=link.pane)
        await self._end_all(self._of_link(link_id), "stopped")

    def end_pane(self, pane: str) -> None:
        """Disconnect the guests of a pane that is no longer shared, and delete its guest links."""
        guests = [guest for guest in self if guest.link.pane == pane]
        self._tasks.start(self._end_all(guests, "stopped"))

    async def drop(self, link_id: str, guest_id: str) -> None:
        """Disconnect one guest and refuse it from now on.

        Raises:
            LookupFailedError: There is no such link.
            NotGrantedError: No such guest has the link open.
        """
        link = self._links.known(link_id)
        guest = self._guests.get(guest_id)
        if guest is None or guest.link.id != link_id:
            raise NotGrantedError(
                phrase(
                    "no guest {guest_id} has the link {link_id} open",
                    guest_id=repr(guest_id[:64]),
                    link_id=link_id,
                ),
                hint=phrase("%peer links lists who has it open").on_page(
                    phrase("“Links” lists who has it open")
                ),
            )
        self._dropped[link_id, guest_id] = None
        while len(self._dropped) > _MAX_DROPPED:
            self._dropped.popitem(last=False)
        self._note("guest_dropped", link=link_id, pane=link.pane, guest=guest_id)
        await guest.end("dropped")

    # Admission and departure of guests.

    def check(self, link: PeerLink, introduction: Introduction, shown: GuestAuth) -> LinkRecord:
        """Decide about a browser that has proven its key and opens a guest link.

        Raises:
            RefusedError: The browser is not admitted.
        """
        try:
            return self._check(link, introduction.node_id, shown)
        except (LinkUnknownError, BusyError) as error:
            self._audit_paced("guest_refused", code=error.code, path=link.transport)
            raise

    def _check(self, link: PeerLink, node_id: str, shown: GuestAuth) -> LinkRecord:
        if self._is_peer(node_id) or link.guests == "never":
            raise NotTrustedError("no guest is admitted here", hint="open the link in a browser")
        record = self._links.opened(shown)
        if (record.id, node_id) in self._dropped:
            raise LinkUnknownError
        others = [guest for guest in self if guest.node_id != node_id]
        if sum(guest.link.id == record.id for guest in others) >= record.max_guests:
            raise BusyError(
                "this link already has as many guests as it allows", hint="try again later"
            )
        if len(others) >= self._local.config.max_guests:
            raise BusyError("the owner has as many guests as it allows", hint="try again later")
        return record

    def limits(self, limits: Limits) -> Limits:
        """Return the limits of a guest's link."""
        return limits._replace(max_received=MAX_MESSAGE)

    def admit(self, connected: Connected, record: LinkRecord, name: str) -> None:
        """Accept the link of a guest after the handshake."""
        if not self._is_open or self._local.store.link(record.id) is None:
            connected.link.abort("shutdown" if not self._is_open else "stopped")
            return
        guest = Guest(connected, record, clean_name(name), self._local, self._messenger, self._gone)
        before = self._guests.pop(guest.node_id, None)
        self._guests[guest.node_id] = guest
        if before is not None:
            self._local.tell("guest_down", guest.node_id)
            self._end_soon(before, "replaced")
        else:
            self._audit_paced(
                "guest_joined",
                link=record.id,
                pane=record.pane,
                guest=guest.node_id,
                path=connected.link.transport,
            )
        self._local.tell("guest_up", guest.node_id)
        guest.start(self._end_soon)

    def _gone(self, guest: Guest) -> None:
        if self._guests.get(guest.node_id) is guest:
            del self._guests[guest.node_id]
            self._messenger.handlers.drop_peer(guest.node_id)
            self._local.tell("guest_down", guest.node_id)

    def _end_soon(self, guest: Guest, reason: str) -> None:
        self._tasks.start(guest.end(reason))

    async def _end_all(self, guests: list[Guest], reason: str) -> None:
        await asyncio.gather(*(guest.end(reason) for guest in guests))

    def _of_link(self, link_id: str) -> list[Guest]:
        return [guest for guest in self if guest.link.id == link_id]

    async def _ping_all(self) -> None:
        interval = self._local.config.ping_interval_s
        while True:
            await asyncio.sleep(interval)
            await asyncio.gather(*(self._ping(guest, 2 * interval) for guest in self))

    async def _ping(self, guest: Guest, timeout: float) -> None:
        try:
            await guest.ping(timeout)
        except PeerError:
            await guest.end("timeout")

    def _audit_paced(self, kind: str, **detail: Any) -> None:
        """Write an entry that strangers can cause; a limit keeps them from filling the audit log."""
        if self._audits.allows(self._local.clock.monotonic()):
            self._note(kind, **detail)

    def _note(self, kind: str, **detail: Any) -> None:
        self._local.store.note_audit(kind, None, detail, self._local.clock.time())
