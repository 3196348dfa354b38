"""What happens to peers, and who wants to know."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

log = logging.getLogger(__name__)


class HubEvent(msgspec.Struct, frozen=True):
    """Something happened to a peer.

    Attributes:
        kind: ``peer`` (its description changed), ``link_up``, ``link_down``, ``forgotten``,
            ``blocked`` or ``found`` (it may be no peer; what discovery knows of it changed).
        node_id: Which peer.
    """

    kind: str
    node_id: str


Listener = Callable[[HubEvent], None]


class Events:
    """Tells listeners, in the order in which they came."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call back at every event; returns what ends that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def emit(self, kind: str, node_id: str) -> None:
        """Tell of an event; a listener that fails silences no other."""
        event = HubEvent(kind, node_id)
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:  # noqa: PERF203 - one listener must not silence the others
                log.exception("a listener failed at %s", kind)
