"""Tells peers which panes of this node they may open."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from ...errors import LinkError
from ...hub.hub import PeerHub
from .pane import OwnPane

log = logging.getLogger(__name__)

Json = dict[str, Any]


class PaneNotices:
    """Sends ``pane_offer`` and ``pane_withdraw``.

    Args:
        hub: The node.
    """

    def __init__(self, hub: PeerHub) -> None:
        self._hub = hub

    def withdraw(self, pane: OwnPane, node_ids: Iterable[str], reason: str) -> None:
        """Withdraw a pane from peers, also from those who have it open."""
        for node_id in node_ids:
            pane.audience.drop(node_id)
            # Outside the stream of the pane's updates, so that it does not wait behind a large one.
            self.tell(node_id, "pane_withdraw", {"pane": pane.name, "reason": reason})

    def offer(self, pane: OwnPane, node_ids: Iterable[str]) -> None:
        """Offer peers a pane, if its kernel runs."""
        if pane.is_ended or pane.source is None:
            return
        for node_id in node_ids:
            self.tell(node_id, "pane_offer", pane.offer(node_id))

    def tell(self, node_id: str, type: str, data: Json) -> None:
        """Send one peer a message about a pane, if it is connected."""
        try:
            self._hub.send(node_id, type, data, stream="panes")
        except LinkError as error:
            # A peer that is offline gets all offers when it connects again.
            log.debug("%s is not told of pane %s: %s", node_id, data["pane"], error.code)
