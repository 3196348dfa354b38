"""Whether this machine's clock agrees with those of others."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Any

from ..errors import PeerError
from ..wire.findings import Finding, ok, skipped, warning

if TYPE_CHECKING:
    from ..hub.hub import PeerHub
    from ..hub.peers import PeerInfo

# What people notice in times that are shown; unsealed links refuse 10 minutes.
TOLERATED_S = 30.0
MAX_ASKED = 8
_TIMEOUT_S = 5.0
_MOST_S = 1e9
_HINT = "let the system set its clock by the network (timedatectl set-ntp true)"


async def check_clock(hub: PeerHub) -> list[Finding]:
    """Compare this clock with those of connected peers."""
    connected = [peer for peer in hub.peers() if peer.status == "connected"][:MAX_ASKED]
    answers = await asyncio.gather(*(skew_of(hub, peer) for peer in connected))
    skews = [skew for skew in answers if skew is not None]
    if not skews:
        return [skipped("clock", "There is no connected peer to compare the clock with.")]
    middle = statistics.median(skews)
    data: dict[str, Any] = {"skew_s": round(middle, 3), "peers": len(skews)}
    if abs(middle) <= TOLERATED_S:
        return [
            ok("clock", f"It agrees with {_those(len(skews))} within {_words(middle)}.", **data)
        ]
    way = "behind" if middle > 0 else "ahead of"
    text = f"It is {_words(middle)} {way} {_those(len(skews))}."
    if len(skews) == 1:
        text += " Either clock may be the wrong one."
    return [
        warning(
            "clock", f"{text} Invites and directories then end too early or late.", _HINT, **data
        )
    ]


async def skew_of(hub: PeerHub, peer: PeerInfo) -> float | None:
    """Return how many seconds a peer's clock is ahead, None when it does not answer."""
    started, wall = time.monotonic(), time.time()
    try:
        answer = await hub.request(peer.node_id, "ping", {}, timeout=_TIMEOUT_S)
    except PeerError:
        return None
    skew = answer.ts - (wall + (time.monotonic() - started) / 2)
    # what a peer says of its clock is any number
    return max(-_MOST_S, min(skew, _MOST_S))


def _those(count: int) -> str:
    return "a connected peer" if count == 1 else f"{count} connected peers"


def _words(seconds: float) -> str:
    seconds = abs(seconds)
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
