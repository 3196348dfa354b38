"""Which of the signals that come by a lobby are taken: WebRTC's offers and answers."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..errors import BadRequestError
from ..wire import lobby as wire

log = logging.getLogger(__name__)

MAX_OFFERED = 64
OFFER_S = 60.0

OnSignal = Callable[[str, str, str], None]


class Signals:
    """Passes signals on to who listens.

    Whoever knows a node's id can send it signals, and to answer one is to tell where one is. So
    those of strangers are dropped, except an answer to this node's own offer.

    Args:
        is_welcome: Returns whether signals of a node are taken.
        now: Seconds of a monotonic clock.
    """

    def __init__(self, is_welcome: Callable[[str], bool], now: Callable[[], float]) -> None:
        self._is_welcome = is_welcome
        self._now = now
        self._offered: dict[str, float] = {}
        self._listeners: list[OnSignal] = []

    def listen(self, callback: OnSignal) -> None:
        """Call back with ``(from_node_id, kind, sdp)`` of each signal that is taken."""
        self._listeners.append(callback)

    def outgoing(self, to: str, kind: str, sdp: str) -> wire.Signal:
        """Return a signal to send, and remember that its answer may come.

        Raises:
            BadRequestError: It is none, or too long.
        """
        if kind not in ("offer", "answer") or not 0 < len(sdp) <= wire.MAX_SDP:
            raise BadRequestError("only an offer or an answer of ordinary size can be signalled")
        if kind == "offer":
            now = self._now()
            self._offered = {node: until for node, until in self._offered.items() if until > now}
            if len(self._offered) >= MAX_OFFERED:
                del self._offered[next(iter(self._offered))]
            self._offered[to] = now + OFFER_S
        return wire.Signal(to=to, kind=kind, sdp=sdp)  # type: ignore[arg-type]

    def take(self, signal: wire.Signalled) -> None:
        """Pass a signal on, or drop it."""
        is_awaited = signal.kind == "answer" and self._offered.pop(signal.sender, 0) > self._now()
        if not is_awaited and not self._is_welcome(signal.sender):
            log.info("a signal of %s is dropped: it is no peer", signal.sender)
            return
        for callback in list(self._listeners):
            try:
                callback(signal.sender, signal.kind, signal.sdp)
            except Exception:  # noqa: PERF203 - one listener must not silence the others
                log.exception("a listener failed at a signal")
