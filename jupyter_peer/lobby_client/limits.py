"""Pauses and limits of a node at a lobby."""

from __future__ import annotations

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Pauses and limits, in seconds.

    Attributes:
        backoff_s: First pause before the lobby is dialled again.
        max_backoff_s: Longest such pause.
        wait_s: Time that a request waits for a connection.
        linger_s: Time that a connection stays open if only a request needed it.
        look_s: Interval between checks of the own addresses and of the lobby's silence; also the
            first pause before the node tries again to enter a room.
        silence_s: Silence after which the lobby is pinged. After twice that time, the connection
            counts as broken.
    """

    backoff_s: float = 0.5
    max_backoff_s: float = 60.0
    wait_s: float = 15.0
    linger_s: float = 30.0
    look_s: float = 5.0
    silence_s: float = 30.0
