"""The panes of other nodes: those that peers offer, and those that are watched here.

A pane comes over the link once for all kernels and browser tabs of this node that watch it. Each of
them follows the replica at its own speed with a :class:`~.state.PaneCursor`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from ...errors import PaneEndedError, TooLargeError, UnknownPeerError
from ...hub.hub import PeerHub
from ...hub.info import HubEvent
from ...hub.message import Message
from ...phrase import phrase
from ...primitives.signal import Signal
from ...wire.link.identity import decode_public_key
from ...wire.payloads.hub import convert
from ...wire.payloads.panes import PaneGrant, PaneOffer, PaneWithdraw, check_pane_name
from ...wire.payloads.widgets import InputMessage
from ...wire.proofs.proof import MAX_KEPT, Proof, proof_of
from ..buffers import BufferCache
from ..state import PaneState
from .modules import PeerModules
from .replica import ENDED, LAST_SEEN, LIVE, WITHDRAWN, Replica

log = logging.getLogger(__name__)

Json = dict[str, Any]

#: Number of remembered offers of one peer; by default a node shares at most 64 panes.
MAX_OFFERS = 256


class Watch:
    """One consumer's subscription to a peer's pane. Close it when nobody looks at the pane.

    Attributes:
        state: State of the pane, to be followed with a cursor. It stays the same object as long as
            the watch lasts.
    """

    def __init__(self, watcher: PaneWatcher, replica: Replica) -> None:
        self.state: PaneState = replica.state
        self._watcher = watcher
        self._replica = replica
        self._changes = Signal[[]]("a watched pane changed")
        self._is_closed = False

    @property
    def info(self) -> Json:
        """The facts about the pane besides its outputs.

        ``{name, title, grant, since, status, last_seen, owner: {node_id, node_name, alias}, path,
        rtt_ms, truncated}``; times are epoch seconds, ``path`` is the transport or None.
        """
        replica = self._replica
        owner, path, rtt_ms = self._watcher.describe(replica.node_id)
        return {
            "name": replica.name,
            "title": replica.title,
            "grant": replica.grant,
            "since": replica.since,
            "status": "closed" if self._is_closed else replica.status,
            "last_seen": replica.last_seen if replica.status == LAST_SEEN else None,
            "owner": owner,
            "path": path,
            "rtt_ms": rtt_ms,
            "truncated": replica.state.outputs.truncated,
        }

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when state or info have changed; return a function that stops this."""
        return self._changes.connect(listener)

    def changed(self) -> None:
        """Call the listeners."""
        self._changes.emit()

    async def input(self, message: InputMessage, id: str | None = None) -> None:
        """Send an input to a widget of the pane; returns when the owner has accepted it.

        Args:
            message: The input, checked against the bounds.
            id: Id of the input; the echo of the owner's kernel repeats it as ``re``.

        Raises:
            PeerError: The owner refuses the input, or cannot be reached.
        """
        if self._is_closed:
            raise self._closed()
        await self._replica.input(message, id)

    async def prove(self) -> Proof:
        """Return a proof of the pane's current state, which its owner signs again.

        Raises:
            TooLargeError: The pane holds more than a proof may.
            PeerError: The owner refuses, or cannot be reached.
        """
        if self._is_closed:
            raise self._closed()
        signed = (await self._replica.prove()).signed
        if signed.size > MAX_KEPT:
            raise TooLargeError(
                phrase(
                    "a pane of {size} MiB cannot be proven: a proof has at most {most} MiB",
                    size=signed.size // 1024**2,
                    most=MAX_KEPT // 1024**2,
                ),
                hint="ask its owner to share the part that matters as a pane of its own",
            )
        return proof_of((signed,), self._watcher.public_key(self._replica.node_id))

    def _closed(self) -> PaneEndedError:
        name = self._replica.name
        return PaneEndedError(
            phrase("the pane '{name}' is no longer open", name=name), hint="open it again"
        )

    async def module(self, name: str) -> bytes:
        """Return the code that draws the pane's widgets of a module, as its owner has installed it.

        Raises:
            PeerError: The owner refuses, or cannot be reached.
        """
        if self._is_closed:
            raise self._closed()
        return await self._watcher.modules_of(self._replica.node_id).get(self._replica.name, name)

    async def close(self) -> None:
        """Let go of the pane; may be called twice."""
        if not self._is_closed:
            self._is_closed = True
            self._changes.clear()
            self._watcher.release(self, self._replica)


class PaneWatcher:
    """Keeps the offers of all peers and the replicas of what is watched.

    Args:
        hub: The node.
        clock: Epoch seconds.
    """

    def __init__(self, hub: PeerHub, *, clock: Callable[[], float] = time.time) -> None:
        self._hub = hub
        self._clock = clock
        self._offers: dict[str, dict[str, PaneOffer]] = {}
        self._replicas: dict[tuple[str, str], Replica] = {}
        self._watches: dict[Replica, list[Watch]] = {}
        self._caches: dict[str, BufferCache] = {}
        self._modules: dict[str, PeerModules] = {}
        self._changes = Signal[[]]("offered panes changed")
        self._unsubscribe = hub.subscribe(self._on_hub_event)
        hub.on("pane_offer", self._on_offer)
        hub.on("pane_withdraw", self._on_withdraw)
        hub.on("pane_grant", self._on_grant)
        hub.on("pane_update", self._on_update)

    async def close(self) -> None:
        """Close all watches; may be called twice."""
        self._unsubscribe()
        for watches in list(self._watches.values()):
            for watch in list(watches):
                await watch.close()
        for replica in list(self._replicas.values()):
            replica.stop()
        self._replicas.clear()
        for modules in self._modules.values():
            modules.close()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when :meth:`offered` has changed; returns what ends it."""
        return self._changes.connect(listener)

    def offered(self) -> list[Json]:
        """Return the panes peers offer to this node.

        Those of a peer that is away stay in the list, with status ``last seen``.
        """
        offered: list[Json] = []
        for node_id, offers in self._offers.items():
            try:
                peer = self._hub.peer(node_id)
            except UnknownPeerError:
                continue
            who = {"node_id": node_id, "node_name": peer.node_name, "alias": peer.alias}
            status = LIVE if peer.status == "connected" else LAST_SEEN
            offered += [
                {
                    "name": offer.pane,
                    "title": offer.title,
                    "grant": offer.grant,
                    "since": offer.since,
                    "status": status,
                    "peer": who,
                }
                for offer in offers.values()
            ]
        return offered

    async def open(self, node_id: str, name: str) -> Watch:
        """Watch a peer's pane.

        Raises:
            BadNameError: No pane can be called that.
            UnknownPeerError: There is no such peer.
            NotGrantedError, PaneEndedError, BusyError: The owner's answer.
            LinkError: The owner cannot be reached.
        """
        check_pane_name(name)
        self._hub.peer(node_id)
        key = (node_id, name)
        replica = self._replicas.get(key)
        if replica is None:
            replica = Replica(
                self._hub,
                self._cache,
                node_id,
                name,
                self._clock,
                lambda: self._changed(key),
            )
            self._replicas[key] = replica
        watch = Watch(self, replica)
        # Held from now on, so that another one who lets go meanwhile does not end it.
        self._watches.setdefault(replica, []).append(watch)
        try:
            if not replica.is_known or replica.status in (WITHDRAWN, ENDED):
                await replica.opened()
        except BaseException:
            await watch.close()
            raise
        return watch

    def release(self, watch: Watch, replica: Replica) -> None:
        """Take notice that a watch was closed."""
        watches = self._watches.get(replica, [])
        if watch in watches:
            watches.remove(watch)
        if not watches:
            self._watches.pop(replica, None)
            if self._replicas.get((replica.node_id, replica.name)) is replica:
                del self._replicas[replica.node_id, replica.name]
            replica.close()

    def describe(self, node_id: str) -> tuple[Json, str | None, float | None]:
        """Return a peer's names, the transport of its connection, and the round trip."""
        try:
            peer = self._hub.peer(node_id)
        except UnknownPeerError:
            return {"node_id": node_id, "node_name": "", "alias": None}, None, None
        who = {"node_id": node_id, "node_name": peer.node_name, "alias": peer.alias}
        return who, peer.transport, peer.rtt_ms

    def public_key(self, node_id: str) -> bytes:
        """Return the raw public key of a peer.

        Raises:
            UnknownPeerError: It was forgotten.
        """
        return decode_public_key(self._hub.peer(node_id).public_key)

    def _cache(self, node_id: str) -> BufferCache:
        return self._caches.setdefault(node_id, BufferCache())

    def modules_of(self, node_id: str) -> PeerModules:
        """Return the widget modules of a peer, for as long as its link lasts."""
        return self._modules.setdefault(node_id, PeerModules(self._hub, node_id))

    def _changed(self, key: tuple[str, str]) -> None:
        replica = self._replicas.get(key)
        if replica is not None:
            for watch in list(self._watches.get(replica, ())):
                watch.changed()

    def _tell(self) -> None:
        self._changes.emit()

    # What peers say.

    def _on_offer(self, message: Message) -> None:
        offer = convert(message.data, PaneOffer)
        offers = self._offers.setdefault(message.peer_id, {})
        if offer.pane not in offers and len(offers) >= MAX_OFFERS:
            log.warning("%s offers too many panes", message.peer_id)
            return
        offers[offer.pane] = offer
        replica = self._replicas.get((message.peer_id, offer.pane))
        if replica is not None:
            replica.title, replica.grant, replica.since = offer.title, offer.grant, offer.since
            self._changed((message.peer_id, offer.pane))
            if replica.status in (WITHDRAWN, ENDED):
                replica.ask()
        self._tell()

    def _on_withdraw(self, message: Message) -> None:
        withdrawn = convert(message.data, PaneWithdraw)
        self._offers.get(message.peer_id, {}).pop(withdrawn.pane, None)
        replica = self._replicas.get((message.peer_id, withdrawn.pane))
        if replica is not None:
            if withdrawn.reason == "ended":
                replica.end(withdrawn.epoch)
            else:
                replica.mark(WITHDRAWN)
        self._tell()

    def _on_grant(self, message: Message) -> None:
        granted = convert(message.data, PaneGrant)
        offers = self._offers.get(message.peer_id, {})
        offer = offers.get(granted.pane)
        if offer is None:
            return
        offers[granted.pane] = PaneOffer(
            pane=offer.pane,
            title=offer.title,
            grant=granted.grant,
            epoch=offer.epoch,
            since=offer.since,
        )
        replica = self._replicas.get((message.peer_id, granted.pane))
        if replica is not None:
            replica.grant = granted.grant
            self._changed((message.peer_id, granted.pane))
        self._tell()

    def _on_update(self, message: Message) -> None:
        name = message.data.get("pane")
        replica = self._replicas.get((message.peer_id, name)) if isinstance(name, str) else None
        if replica is not None:
            replica.take(message)

    def _on_hub_event(self, event: HubEvent) -> None:
        node_id = event.node_id
        replicas = [replica for key, replica in self._replicas.items() if key[0] == node_id]
        match event.kind:
            case "peer":
                # its name, path or round trip, which stand above the pane
                for replica in replicas:
                    self._changed((node_id, replica.name))
                return
            case "link_up":
                # The owner says anew what it offers.
                self._offers.pop(node_id, None)
                for replica in replicas:
                    if replica.status != WITHDRAWN:
                        replica.stop()
                        replica.ask()
            case "link_down":
                for replica in replicas:
                    replica.mark(LAST_SEEN)
            case "blocked" | "forgotten":
                self._offers.pop(node_id, None)
                for replica in replicas:
                    replica.mark(WITHDRAWN)
            case _:
                return
        self._caches.pop(node_id, None)
        if (modules := self._modules.pop(node_id, None)) is not None:
            modules.close()
        self._tell()
