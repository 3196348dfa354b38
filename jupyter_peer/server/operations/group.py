"""The shared base of all groups of operations: the node, its audit log, and reports of changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...hub.hub import PeerHub


class Group:
    """Operations of one subject.

    Args:
        hub: The node.
        on_change: Receives the topics that an operation changed, besides the hub's own events.
    """

    def __init__(self, hub: PeerHub, on_change: Callable[..., None]) -> None:
        self.hub = hub
        self.on_change = on_change

    def id_of(self, text: str) -> str:
        """Return the id of the peer with a name.

        Raises:
            LookupFailedError: No peer has this name.
            AmbiguousPeerError: More than one peer has this name.
        """
        return self.hub.find_peer(text).node_id

    def audit(self, kind: str, peer: str | None = None, **detail: Any) -> None:
        """Write an act of an operation to the audit log."""
        self.hub.store.note_audit(kind, peer, detail, time.time())
