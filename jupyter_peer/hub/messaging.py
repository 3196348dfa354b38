"""Messages between this node and its peers and guests, by the id of the other node."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..errors import NotConnectedError, UnsupportedError
from ..phrase import phrase
from ..wire.link.envelope import Buffer
from ..wire.link.outbox import Outgoing
from .groups.groups import Groups
from .guests.guests import Guests
from .links.linked_node import LinkedNode
from .message import Handler, Message, Messenger, Order
from .peers.registry import PeerRegistry


class Messaging:
    """Sends messages, and calls the handlers of received ones.

    Args:
        messenger: Encodes messages and knows the handlers.
        peers: All peers.
        guests: All guests.
        groups: The groups of this node, and those that it has joined.
    """

    def __init__(
        self, messenger: Messenger, peers: PeerRegistry, guests: Guests, groups: Groups
    ) -> None:
        self.guests = guests
        self.groups = groups
        self._messenger = messenger
        self._peers = peers

    def on(self, type: str, handler: Handler, *, order: Order | None = None) -> None:
        """Register the handler of a message type; see :class:`.Dispatcher`."""
        self._messenger.handlers.on(type, handler, order)

    def is_original(self, node_id: str) -> bool:
        """Return whether a connected peer is a node of the original system, with an unsealed link."""
        peer = self._peers.get(node_id)
        return peer is not None and peer.session is not None and not peer.session.is_sealed

    def check_original(self, message: Message) -> None:
        """Check that the sender of a message is a node of the original system.

        Raises:
            UnsupportedError: The sender is another node.
        """
        if not self.is_original(message.peer_id):
            raise UnsupportedError(phrase("{type} is not known here", type=repr(message.type)))

    def send(
        self,
        node_id: str,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        stream: str | None = None,
        re: str | None = None,
    ) -> None:
        """Send a message to a connected peer, without waiting.

        Args:
            node_id: The peer.
            type: Kind of message.
            data: Payload, a JSON object.
            buffers: Raw bytes of the message.
            digests: Hex SHA-256 of each buffer; None computes them.
            stream: Messages of one stream arrive in the order they were sent; large ones of
                different streams take turns.
            re: The request that this message answers.

        Raises:
            NotConnectedError: There is no link to the peer.
            OverflowLinkError: The peer does not read fast enough.
            MalformedError, TooLargeError: The payload cannot be sent.
        """
        node = self._node(node_id)
        if node is None:
            raise NotConnectedError(phrase("{peer} is not connected", peer=node_id))
        node.send(type, data, buffers, digests=digests, stream=stream, re=re)

    def _node(self, node_id: str) -> LinkedNode | None:
        """Return a guest or a peer by its id, or None."""
        return self.guests.get(node_id) or self._peers.get(node_id)

    def send_many(
        self,
        node_ids: Iterable[str],
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        stream: str | None = None,
    ) -> list[str]:
        """Send one message to many peers; it is hashed once, and encoded and signed once in each form.

        The two forms have the payload's keys in their order, and sorted for older peers.

        Args:
            node_ids: The peers.
            type: Kind of message, as in :meth:`send`.
            data: Payload.
            buffers: Raw bytes.
            digests: Hex SHA-256 of each buffer.
            stream: Stream of the message, as in :meth:`send`.

        Returns:
            The ids of the peers for which the message could not be queued.
        """
        if digests is None:
            digests = [hashlib.sha256(buffer).hexdigest() for buffer in buffers]
        forms: dict[bool, Outgoing] = {}
        failed = []
        for node_id in node_ids:
            node = self._node(node_id)
            if node is None or node.session is None:
                failed.append(node_id)
                continue
            keep_order = node.session.keeps_order
            if keep_order not in forms:
                forms[keep_order] = self._messenger.write_for_many(
                    type, data, buffers, digests=digests, keep_order=keep_order
                )
            if not node.try_put(forms[keep_order], stream or ""):
                failed.append(node_id)
        return failed

    async def request(
        self,
        node_id: str,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        timeout: float = 10.0,
        stream: str | None = None,
    ) -> Message:
        """Send a message and return the answer.

        Args:
            node_id: The peer.
            type: Kind of message, as in :meth:`send`.
            data: Payload.
            buffers: Raw bytes.
            timeout: Seconds to wait for the answer.
            stream: See :meth:`send`; without one the request does not wait for other messages.

        Raises:
            PeerTimeoutError: No answer in time.
            PeerError: The peer answered with an error, or could not be asked.
        """
        peer = self._peers.connected(node_id)
        return await peer.request(type, data, buffers, timeout=timeout, stream=stream)

    async def ping(self, node_id: str, timeout: float = 10.0) -> float:
        """Return the round-trip time to a peer in seconds.

        Raises:
            LinkError: The peer is not connected, or does not answer in time.
        """
        return await self._peers.connected(node_id).ping(timeout)

    def queued(self, node_id: str) -> int:
        """Return the number of bytes that wait for a peer or guest; 0 without a connection."""
        node = self._node(node_id)
        return node.session.queued if node is not None and node.session is not None else 0

    def on_drain(self, node_id: str, callback: Callable[[], None]) -> None:
        """Call back once when few bytes wait for a peer or guest, or its link has ended."""
        node = self._node(node_id)
        if node is None or not node.on_drain(callback):
            asyncio.get_running_loop().call_soon(callback)

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Return counters of each connected peer by its id."""
        counted = {peer.node_id: peer.metrics() for peer in self._peers}
        return {node_id: metrics for node_id, metrics in counted.items() if metrics is not None}

    def capabilities_of(self, node_id: str) -> list[str]:
        """Return the announced capabilities of a peer or guest; empty for other nodes."""
        guest = self.guests.get(node_id)
        if guest is not None:
            return guest.capabilities
        peer = self._peers.get(node_id)
        return [] if peer is None else peer.record.capabilities
