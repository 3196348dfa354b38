"""The hub's reports about peers: a description of each, and events."""

from __future__ import annotations

from typing import Any

import msgspec


class HubEvent(msgspec.Struct, frozen=True):
    """An event of a peer.

    Attributes:
        kind: ``peer`` (its description changed), ``link_up``, ``link_down``, ``forgotten``,
            ``blocked`` or ``found`` (discovery reports a change of a node, perhaps not a peer);
            ``guest_up`` and ``guest_down`` of a guest; ``self`` (this node's name changed).
        node_id: The node.
    """

    kind: str
    node_id: str


class PeerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The description of one peer; times are epoch seconds.

    Attributes:
        node_name: Local name, which it got at the first meeting.
        calls_itself: Announced name, if it is not the local name.
        transport, address: Transport and address of the live link, or None.
        status: ``connected``, ``connecting``, ``offline`` or ``blocked``.
        since: Start of the live link.
        last_error: Why the last attempt to connect failed, ``{code, message, hint}``.
    """

    node_id: str
    node_name: str
    calls_itself: str | None
    alias: str | None
    public_key: str
    transport: str | None
    address: str | None
    status: str
    trusted: bool
    blocked: bool
    sealed: bool | None
    last_seen: float | None
    rtt_ms: float | None
    since: float | None
    capabilities: list[str]
    addresses: list[str]
    origin: str
    last_error: dict[str, Any] | None = None

    @property
    def label(self) -> str:
        """The name to show."""
        return self.alias or self.node_name or self.node_id


def milliseconds(seconds: float | None) -> float | None:
    """Return a duration in milliseconds, rounded for display."""
    return None if seconds is None else round(seconds * 1000, 3)
