"""How quick a node is at a lobby."""

from __future__ import annotations

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Pauses and limits, in seconds.

    Attributes:
        backoff_s: First pause before the lobby is dialled again.
        max_backoff_s: Longest such pause.
        wait_s: How long a request waits for a connection.
        linger_s: How long a connection stays that nothing but a request needed.
        look_s: How often is looked for changes of the own addresses, and for silence; also the
            first pause before a room is tried again.
        silence_s: After so much of it the lobby is pinged; after twice as much it is gone.
    """

    backoff_s: float = 0.5
    max_backoff_s: float = 60.0
    wait_s: float = 15.0
    linger_s: float = 30.0
    look_s: float = 5.0
    silence_s: float = 30.0
