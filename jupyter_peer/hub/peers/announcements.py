"""Announcements of peers about themselves: their addresses, their name, and their departure."""

from __future__ import annotations

from typing import Any

from ...errors import BlockedError, BusyError, NotConnectedError, NotTrustedError, PeerError
from ...phrase import phrase
from ...wire.link.handshake import printable_names
from ...wire.link.identity import clean_name
from ...wire.payloads.hub import Addresses, convert
from ...wire.payloads.original_system import Presence
from ..message import Message
from ..messaging import Messaging
from .registry import PeerRegistry


class Announcements:
    """Handles ``addresses``, ``presence`` and ``bye``.

    Args:
        messaging: Calls the handlers.
        peers: All peers.
    """

    def __init__(self, messaging: Messaging, peers: PeerRegistry) -> None:
        self._messaging = messaging
        self._peers = peers
        messaging.on("addresses", self._on_addresses)
        messaging.on("bye", self._on_bye)
        messaging.on("presence", self._on_presence)

    def _on_addresses(self, message: Message) -> None:
        said = convert(message.data, Addresses)
        peer = self._peers.known(message.peer_id)
        addresses = list(dict.fromkeys(said.addresses))
        name = clean_name(said.node_name) or peer.record.node_name
        if (addresses, name) == (peer.record.addresses, peer.record.node_name):
            return
        if not peer.may_announce():
            raise BusyError("your addresses change too often")
        if addresses != peer.record.addresses:
            self._peers.upgrade_soon(peer.node_id)
        peer.note(addresses=addresses, node_name=name)

    def _on_presence(self, message: Message) -> None:
        self._messaging.check_original(message)
        said = convert(message.data, Presence)
        peer = self._peers.known(message.peer_id)
        changes: dict[str, Any] = {}
        if name := clean_name(said.node_name):
            changes["node_name"] = name
        if said.capabilities is not None:
            changes["capabilities"] = printable_names(said.capabilities)
        if not peer.differs(changes):
            return
        if not peer.may_announce():
            raise BusyError("your name changes too often")
        peer.note(**changes)

    def _on_bye(self, message: Message) -> None:
        peer = self._peers.known(message.peer_id)
        error = _final(message.data.get("reason"), peer.info().label)
        if error is not None:
            peer.dialling.let_go(error)


def _final(reason: object, label: str) -> PeerError | None:
    """Return the error of a reason in `bye` after which this side does not reconnect by itself."""
    if reason == "forgotten":
        hint = f"ask {label} for an invite and pair again"
        return NotTrustedError(phrase("{label} has forgotten this node", label=label), hint=hint)
    if reason == "blocked":
        hint = f"ask {label} to unblock this node"
        return BlockedError(phrase("{label} has blocked this node", label=label), hint=hint)
    if reason == "disconnect":
        return NotConnectedError(
            phrase("{label} has disconnected", label=label), hint="connect again"
        )
    return None
