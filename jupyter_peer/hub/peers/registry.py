"""All peers of a node: finds, dials and pings them, and keeps them on the best path."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from ...errors import (
    AmbiguousPeerError,
    DuplicateLinkError,
    NotConnectedError,
    NotTrustedError,
    UnknownPeerError,
)
from ...phrase import phrase
from ...primitives.pauses import pause_until
from ...primitives.task_set import TaskSet
from ...store.records import PeerRecord
from ...wire.link.identity import is_node_id
from ..links.connector import Connector, Progress, Target
from ..local_node import LocalNode
from ..message import Messenger
from .candidates import Candidates
from .dialling import DUPLICATE_WAIT_S
from .names import check_alias, local_name
from .peer import Peer

log = logging.getLogger(__name__)


class PeerRegistry:
    """Holds the peers.

    Args:
        local: This node.
        connector: Runs the handshakes.
        messenger: Encodes messages.
        candidates: The nodes that discovery has found.

    Attributes:
        is_open: Whether links are wanted, between :meth:`start` and :meth:`close`.
    """

    def __init__(
        self,
        local: LocalNode,
        connector: Connector,
        messenger: Messenger,
        candidates: Candidates,
    ) -> None:
        self.is_open = False
        self._local = local
        self._connector = connector
        self._messenger = messenger
        self._candidates = candidates
        self._peers: dict[str, Peer] = {}
        self._loops = TaskSet("keeping links")
        self._upgrade_soon = asyncio.Event()

    def __iter__(self) -> Iterator[Peer]:
        return iter(list(self._peers.values()))

    def __len__(self) -> int:
        return len(self._peers)

    def start(self) -> None:
        """Load the peers from the store, and start to ping them and to look for better paths."""
        for record in self._local.store.peers():
            self.put(record)
        for peer in self:
            if not peer.record.local_name:  # stored before peers had local names
                name = self.local_name(peer.node_id, peer.record.node_name)
                peer.note(quiet=True, local_name=name)
        self.is_open = True
        self._loops.start(self._ping_all())
        self._loops.start(self._upgrade_all())

    async def close(self) -> None:
        """Stop dialling, send `bye` on every link and close it."""
        self.is_open = False
        await asyncio.gather(*(peer.dialling.close() for peer in self))
        await self._loops.close()
        for peer in self:
            await peer.close("shutdown")

    # Finding peers.

    def get(self, node_id: str) -> Peer | None:
        """Return a peer by its id, or None."""
        return self._peers.get(node_id)

    def known(self, node_id: str) -> Peer:
        """Return a peer by its id.

        Raises:
            UnknownPeerError: No peer has this id.
        """
        peer = self._peers.get(node_id)
        if peer is None:
            raise UnknownPeerError(phrase("no peer has the id {id}", id=node_id[:64]))
        return peer

    def connected(self, node_id: str) -> Peer:
        """Return a peer that has a live link.

        Raises:
            NotConnectedError: The peer has no live link, or there is no such peer.
        """
        peer = self._peers.get(node_id)
        if peer is None or not peer.is_connected():
            raise NotConnectedError(
                phrase("{peer} is not connected", peer=node_id if peer is None else peer.label)
            )
        return peer

    def put(self, record: PeerRecord) -> Peer:
        """Add a peer, or give a known one its new record."""
        peer = self._peers.get(record.node_id)
        if peer is None:
            peer = self._peers[record.node_id] = Peer(
                record, self._local, self._connector, self._messenger, self._candidates
            )
        else:
            peer.update(record)
        return peer

    def remove(self, node_id: str) -> None:
        """Drop a peer and stop dialling it."""
        peer = self._peers.pop(node_id, None)
        if peer is not None:
            peer.retire()

    def find(self, text: object) -> Peer:
        """Find a peer by what a user typed.

        The text is compared with the node id, the alias, the local name, and the beginnings of
        these, in this order. Case is ignored, and announced names are not compared. A text in the
        form of a node id is never the beginning of a name.

        Raises:
            UnknownPeerError: No peer matches.
            AmbiguousPeerError: Several peers match; the message lists them.
        """
        wanted = text.strip().casefold() if isinstance(text, str) else ""
        if not wanted:
            raise UnknownPeerError("no peer was named")
        exact = self._peers.get(wanted)
        if exact is not None:
            return exact
        peers = list(self._peers.values())
        for fits in (
            [peer for peer in peers if (peer.record.alias or "").casefold() == wanted],
            [peer for peer in peers if peer.record.local_name.casefold() == wanted],
            [peer for peer in peers if not is_node_id(wanted) and peer.is_prefixed(wanted)],
        ):
            if len(fits) == 1:
                return fits[0]
            if fits:
                listed = ", ".join(
                    f"{(peer.names() or ['unnamed'])[0]} ({peer.node_id})" for peer in fits
                )
                raise AmbiguousPeerError(phrase("more than one peer fits: {listed}", listed=listed))
        raise UnknownPeerError(phrase("no peer is called {text}", text=repr(str(text)[:64])))

    def check_alias(self, owner: Peer, alias: str) -> str:
        """Check an alias and return its stored form; see :func:`.check_alias`."""
        return check_alias(alias, self._names_but_of(owner.node_id))

    def local_name(self, node_id: str, announced: str) -> str:
        """Return the name that a new peer gets here; see :func:`.local_name`."""
        return local_name(announced, node_id, self._names_but_of(node_id))

    def _names_but_of(self, node_id: str) -> list[str]:
        others = [peer for peer in self if peer.node_id != node_id]
        return [name for peer in others for name in (*peer.names(), peer.node_id)]

    # Connecting.

    async def dial(self, target: Target, on_progress: Progress | None = None) -> Peer:
        """Connect to a known or unknown node, unless it connects by itself meanwhile.

        Raises:
            PeerError: The node cannot be reached, or refuses.
        """
        clock = self._local.clock
        deadline = clock.monotonic() + self._local.config.handshake_timeout_s
        while (peer := self._peers.get(target.node_id or "")) is None:
            try:
                connected = await self._connector.dial(target, on_progress)
            except DuplicateLinkError as error:
                # The other node dials too, and its link stays.
                came = self._peers.get(error.data.get("node_id", ""))
                if came is None or not came.is_connected():
                    if clock.monotonic() >= deadline:
                        raise NotConnectedError from None
                    await asyncio.sleep(DUPLICATE_WAIT_S * clock.jitter())
                if came is not None and came.is_connected():
                    return came
            else:
                return self.known(connected.peer.node_id)
        await peer.dialling.dial(target, on_progress)
        return self.known(peer.node_id)

    def reconnect_now(self) -> None:
        """Dial all offline peers at once, without waiting for the end of their pauses."""
        for peer in self:
            peer.dialling.hurry()

    # Keeping links.

    def announce(self) -> None:
        """Send this node's addresses and name to all connected peers."""
        connected = [peer for peer in self if peer.is_connected()]
        if connected:
            item = self._messenger.write_for_many("addresses", self._local.announcement())
            for peer in connected:
                peer.try_put(item, "addresses")

    async def check_all(self, timeout: float) -> None:
        """Ping every link, and close those that do not answer within ``timeout`` seconds."""
        await asyncio.gather(*(peer.check(timeout) for peer in self))

    async def review(self) -> list[str]:
        """Apply the policy again to the nodes that it has admitted without trust.

        Nodes that it no longer admits are disconnected. The others are dialled if they are offline.

        Returns:
            The ids of the disconnected nodes.
        """
        ended = []
        for peer in self:
            record, dialling = peer.record, peer.dialling
            if record.trusted or record.blocked or record.origin != "directory":
                continue
            if peer.may_return():
                if dialling.is_resting and dialling.is_wanted and not peer.is_connected():
                    dialling.keep_connected()
                continue
            dialling.rest()
            if peer.is_connected():
                log.info("%s is cut off: it is not in the directory any more", peer.node_id)
                await peer.end(NotTrustedError.code)
                self._messenger.handlers.drop_peer(peer.node_id)
                ended.append(peer.node_id)
                self._local.tell("peer", peer.node_id)
        return ended

    def upgrade_soon(self, node_id: str | None = None) -> None:
        """Try better paths to one peer or all soon, because addresses or the network have changed."""
        for peer in self:
            if node_id in (None, peer.node_id):
                peer.dialling.upgrade_soon()
        self._upgrade_soon.set()

    async def _ping_all(self) -> None:
        interval = self._local.config.ping_interval_s
        while True:
            await asyncio.sleep(interval)
            await self.check_all(2 * interval)

    async def _upgrade_all(self) -> None:
        # Not `while True`: on Python 3.11 a library that dials may swallow the cancellation.
        while self.is_open:
            due = [peer.dialling for peer in self if peer.dialling.is_upgrade_due()]
            await asyncio.gather(*(dialling.upgrade() for dialling in due))
            self._upgrade_soon.clear()
            await pause_until(self._upgrade_soon, self._local.config.upgrade_s)
