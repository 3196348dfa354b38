"""Metrics of a relay in the Prometheus text format (version 0.0.4); none names a node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

PREFIX = "jupyter_peer_relay_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS = {
    "frames_total": "Frames taken from nodes.",
    "bytes_total": "Bytes of those frames.",
    "delivered_total": "Frames put on the way to a node of this broker.",
    "held_total": "Frames held for absent nodes.",
    "undeliverable_total": "Links ended because what was held for an absent node expired.",
    "lobby_messages_total": "Messages of nodes to the lobby.",
    "signals_total": "WebRTC signals passed on.",
    "registered_total": "Registrations with a proof that holds.",
    "paused_total": "Pauses of nodes that were over their rate.",
    "replaced_total": "Registrations that replaced an earlier one of the same node.",
}
_LABELLED = {
    "refused_total": ("code", "Connections and registrations refused or ended, by error code."),
    "links_ended_total": ("reason", "Links this broker ended, by reason."),
    "dropped_total": ("reason", "Frames dropped, by reason."),
}


class Metrics:
    """Counters are plain attributes, which the hot path increments; gauges are read on request.

    Attributes:
        frames, bytes, delivered, held, undeliverable, paused, registered, replaced, lobby_messages,
            signals: Counters, see ``/metrics``.
        refused, links_ended, dropped: Counters by label.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.delivered = 0
        self.held = 0
        self.undeliverable = 0
        self.paused = 0
        self.registered = 0
        self.replaced = 0
        self.lobby_messages = 0
        self.signals = 0
        self.refused: Counter[str] = Counter()
        self.links_ended: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def add_gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Add a gauge, which is read at each request for the metrics."""
        self._gauges[name] = (text, read)

    def to_text(self) -> str:
        """Return the whole page."""
        lines: list[str] = []

        def add(name: str, kind: str, text: str, *samples: tuple[str, float]) -> None:
            lines.append(f"# HELP {PREFIX}{name} {text}")
            lines.append(f"# TYPE {PREFIX}{name} {kind}")
            lines.extend(f"{PREFIX}{name}{labels} {value:.17g}" for labels, value in samples)

        for name, text in _COUNTERS.items():
            add(name, "counter", text, ("", getattr(self, name.removesuffix("_total"))))
        for name, (label, text) in _LABELLED.items():
            counts: Counter[str] = getattr(self, name.removesuffix("_total"))
            samples = ((f'{{{label}="{key}"}}', count) for key, count in sorted(counts.items()))
            add(name, "counter", text, *samples)
        for name, (text, read) in self._gauges.items():
            add(name, "gauge", text, ("", read()))
        return "\n".join(lines) + "\n"
