"""Compares this machine's clock with the clocks of peers and relays."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from tornado.httpclient import HTTPError
from tornado.iostream import StreamClosedError
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from ...errors import PeerError
from ...findings import Finding, ok, skipped, warning
from ...hub.hub import PeerHub
from ...hub.info import PeerInfo
from ...phrase import phrase

# A person notices this much in displayed times. Unsealed links refuse 10 minutes.
TOLERATED_S = 30.0
MAX_ASKED = 8
_TIMEOUT_S = 5.0
_MOST_S = 1e9
_HINT = phrase("let the system set its clock from the network (timedatectl set-ntp true)")


async def check_clock(hub: PeerHub, brokers: Sequence[str] = ()) -> list[Finding]:
    """Compare this clock with those of connected peers and of relays.

    Args:
        hub: This node.
        brokers: ``http`` or ``https`` URLs of relays, whose answers carry the time.
    """
    connected = [peer for peer in hub.peers() if peer.status == "connected"][:MAX_ASKED]
    answers = await asyncio.gather(
        *(skew_of(hub, peer) for peer in connected),
        *(skew_of_server(url) for url in brokers[:MAX_ASKED]),
    )
    peers = sum(skew is not None for skew in answers[: len(connected)])
    skews = [skew for skew in answers if skew is not None]
    if not skews:
        return [
            skipped(
                "clock", phrase("No peer or relay is connected, so the clock was not compared.")
            )
        ]
    middle = statistics.median(skews)
    data: dict[str, Any] = {"skew_s": round(middle, 3), "peers": peers, "asked": len(skews)}
    compared = {"time": _words(middle), "peers": peers, "relays": len(skews) - peers}
    if abs(middle) <= TOLERATED_S:
        return [
            ok(
                "clock",
                phrase(
                    "The clock agrees with others within {time} (peers: {peers}, relays: {relays}).",
                    **compared,
                ),
                **data,
            )
        ]
    meaning = phrase("Invites and directories then expire too early or too late.")
    if len(skews) == 1:
        meaning = phrase("Either clock may be wrong. {meaning}", meaning=meaning)
    text = (
        phrase(
            "The clock is {time} behind others (peers: {peers}, relays: {relays}). {meaning}",
            **compared,
            meaning=meaning,
        )
        if middle > 0
        else phrase(
            "The clock is {time} ahead of others (peers: {peers}, relays: {relays}). {meaning}",
            **compared,
            meaning=meaning,
        )
    )
    return [
        warning(
            "clock",
            text,
            _HINT,
            **data,
        )
    ]


async def skew_of(hub: PeerHub, peer: PeerInfo) -> float | None:
    """Return how many seconds a peer's clock is ahead; None if the peer does not answer."""
    started, wall = time.monotonic(), time.time()
    try:
        answer = await hub.request(peer.node_id, "ping", {}, timeout=_TIMEOUT_S)
    except PeerError:
        return None
    skew = answer.ts - (wall + (time.monotonic() - started) / 2)
    # a peer may send any number
    return max(-_MOST_S, min(skew, _MOST_S))


async def skew_of_server(url: str) -> float | None:
    """Return how many seconds a web server's clock is ahead; None if its answer has no time.

    The certificate is not checked, because the answer only provides a time for display.
    """
    client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=64 * 1024)
    started, wall = time.monotonic(), time.time()
    try:
        response = await client.fetch(
            f"{url}/health",
            raise_error=False,
            follow_redirects=False,
            validate_cert=False,
            connect_timeout=_TIMEOUT_S,
            request_timeout=_TIMEOUT_S,
        )
        said = parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (HTTPError, StreamClosedError, OSError, OverflowError, KeyError, TypeError, ValueError):
        return None
    finally:
        client.close()
    # the header has whole seconds, rounded down
    return said + 0.5 - (wall + (time.monotonic() - started) / 2)


def _words(seconds: float) -> str:
    seconds = abs(seconds)
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
