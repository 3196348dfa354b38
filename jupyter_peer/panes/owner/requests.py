"""Answers the requests of peers about this node's panes, and checks the grant each time."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from ...errors import BusyError, NotGrantedError, PaneEndedError, PeerError
from ...hub.hub import PeerHub
from ...hub.message import Message
from ...phrase import phrase
from ...primitives.rate_limit import RateLimit
from ...wire.payloads.hub import convert
from ...wire.payloads.panes import PaneBuffers, PaneClose, PaneOpen
from ..buffers import pack
from .pane import OwnPane

#: Panes that are not shared with a peer and that it may ask for: at once, and a second.
TRIES = 20
TRIES_A_SECOND = 1 / 3
_MAX_REMEMBERED = 4096


class PaneRequests:
    """Answers ``pane_open``, ``pane_close`` and ``pane_buffers``.

    A viewer's own statement about its rights is never used. A pane that does not exist and one that
    is not shared with the peer have the same answer (``not_granted``), found by the same steps. So a
    peer learns no names, and it can try only a few.

    Args:
        hub: The node.
        panes: The node's panes by name.
        stored_grants: Returns the grants of a pane that is not shared at the moment.
        max_viewers: Highest number of viewers of one pane.
        on_change: Called when a viewer has come or gone.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        hub: PeerHub,
        panes: Mapping[str, OwnPane],
        stored_grants: Callable[[str], Mapping[str, str]],
        max_viewers: int,
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, RateLimit] = OrderedDict()
        self._hub = hub
        self._panes = panes
        self._stored_grants = stored_grants
        self._max_viewers = max_viewers
        self._on_change = on_change
        hub.on("pane_open", self._on_open)
        hub.on("pane_close", self._on_close)
        hub.on("pane_buffers", self._on_buffers, order=lambda message: "pane_buffers")

    def granted(self, node_id: str, name: str) -> OwnPane:
        """Return a pane that a peer or guest may see.

        Raises:
            PaneEndedError: The pane is shared with the peer, but its kernel has ended.
            NotGrantedError: The pane is not shared with the peer, or does not exist.
            BusyError: The peer has asked for too many panes that are not shared with it.
        """
        pane = self._panes.get(name)
        if pane is not None and pane.grant_of(node_id) and not self._is_blocked(node_id):
            return pane
        if not self._may_try(node_id):
            raise BusyError(
                "too many panes were asked for that are not shared with this node",
                hint="open a pane that the owner offers; wait a minute before another try",
            )
        # Looked up in both cases, so that the time of the answer reveals no name either.
        is_known = node_id in self._stored_grants(name) or node_id in self._hub.guests.of_pane(name)
        if pane is None and is_known:
            raise PaneEndedError(phrase("the pane '{name}' has ended", name=name))
        owner = self._hub.node_name
        raise NotGrantedError(
            phrase("{owner} has not shared the pane '{name}' with you", owner=owner, name=name),
            hint=phrase("ask {owner} to share '{name}' with you", owner=owner, name=name),
        )

    def _may_try(self, node_id: str) -> bool:
        limit = self._tries.pop(node_id, None) or RateLimit(TRIES_A_SECOND, TRIES)
        self._tries[node_id] = limit
        if len(self._tries) > _MAX_REMEMBERED:
            self._tries.popitem(last=False)
        return limit.allows(self._clock())

    def _is_blocked(self, node_id: str) -> bool:
        if self._hub.guests.get(node_id) is not None:
            return False
        try:
            return self._hub.peer(node_id).blocked
        except PeerError:
            return True

    def _on_open(self, message: Message) -> None:
        asked = convert(message.data, PaneOpen)
        pane = self.granted(message.peer_id, asked.pane)
        is_new = message.peer_id not in pane.audience.viewers
        # Guests have limits of their own and do not use a place of a peer.
        is_peer = self._hub.guests.get(message.peer_id) is None
        if is_new and is_peer and len(pane.peers_who_view()) >= self._max_viewers:
            raise BusyError("too many viewers have this pane open")
        viewer = pane.audience.admit(message.peer_id, pane.state, epoch=asked.epoch, rev=asked.rev)
        if viewer.reply_to is not None:
            viewer.reply_to.fail(BusyError("the pane was asked for again"))
        viewer.reply_to, viewer.is_whole = message, asked.whole
        pane.audience.changed()
        if is_new:
            self._on_change()

    def _on_close(self, message: Message) -> None:
        asked = convert(message.data, PaneClose)
        pane = self._panes.get(asked.pane)
        if pane is not None and pane.audience.drop(message.peer_id):
            self._on_change()

    async def _on_buffers(self, message: Message) -> None:
        if message.re is not None:
            return  # the request has ended, so nobody waits for an answer
        asked = convert(message.data, PaneBuffers)
        pane = self.granted(message.peer_id, asked.pane)
        if message.peer_id not in pane.audience.viewers:
            raise NotGrantedError(
                phrase("the pane '{pane}' is not open", pane=asked.pane),
                hint=phrase("open '{pane}' first", pane=asked.pane),
            )
        parts = pane.state.held()
        blobs = await asyncio.get_running_loop().run_in_executor(
            None, lambda: {name: blob for part in parts for name, blob in pack(part).blobs.items()}
        )
        # The grant may have been revoked meanwhile.
        self.granted(message.peer_id, asked.pane)
        names = [name for name in asked.hashes if name in blobs]
        message.reply(
            "pane_buffers",
            {"pane": asked.pane, "hashes": names},
            [blobs[name] for name in names],
            digests=names,
        )
