"""Measures round trip and throughput of the connection to a peer, and answers its measurements.

A node sends ``measure`` with one buffer, and the peer returns the same buffer
(``wire/SPEC.md``, 6.1). So the answer is never larger than the request, and no attacker can amplify
traffic. Only a peer with a session gets an answer, and only within an allowance.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from ..errors import BusyError, MalformedError, PeerError, UnsupportedError
from ..findings import Finding, failure, ok, skipped
from ..hub.hub import PeerHub
from ..hub.message import Message
from ..phrase import Phrase, phrase
from ..primitives.rate_limit import RateLimit

MEASURE, MEASURED = "measure", "measured"
KIB, MIB = 1024, 1024 * 1024
#: Bytes of one message. It is below the credit of a stream, so that other messages take turns.
CHUNK = 64 * KIB
#: A measurement sends at most this number of chunks, and begins none after this time.
CHUNKS, DURATION_S = 16, 1.0
_LANES = 4
_PINGS = 5
_PING_TIMEOUT_S = 5.0
_CHUNK_TIMEOUT_S = 8.0
#: Chunks that one peer, and all peers together, may have returned per second, and at once.
_PEER_ALLOWANCE = (2.0, 2 * CHUNKS)
_TOTAL_ALLOWANCE = (8.0, 8 * CHUNKS)
_MAX_PEERS = 64
#: Bytes of the plot that the expectation speaks of.
PLOT = 100_000
_LARGE = 50_000_000

Now = Callable[[], float]


class Speed(msgspec.Struct, frozen=True):
    """A measured connection.

    Attributes:
        rtt_s: Median round trip of small messages, in seconds.
        bytes_s: Bytes per second that reached the peer and came back.
        volume: Bytes sent; the same number came back.
    """

    rtt_s: float
    bytes_s: float
    volume: int


class Responder:
    """Answers the measurements of peers, within an allowance for each and for all together.

    Args:
        hub: The node.
        now: A monotonic clock, in seconds.
    """

    def __init__(self, hub: PeerHub, now: Now = time.monotonic) -> None:
        self._now = now
        self._total = RateLimit(*_TOTAL_ALLOWANCE)
        # The oldest allowance is dropped first. The total bounds what a peer can gain by that.
        self._peers: OrderedDict[str, RateLimit] = OrderedDict()
        hub.on(MEASURE, self._on_measure)

    def _on_measure(self, message: Message) -> None:
        """Return the buffer of a request.

        Raises:
            MalformedError: The request has no buffer of at most :data:`CHUNK` bytes.
            BusyError: The allowance is used up.
        """
        if len(message.buffers) != 1 or len(message.buffers[0]) > CHUNK:
            raise MalformedError(f"a measurement carries one buffer of at most {CHUNK} bytes")
        now = self._now()
        own = self._peers.setdefault(message.peer_id, RateLimit(*_PEER_ALLOWANCE))
        self._peers.move_to_end(message.peer_id)
        if len(self._peers) > _MAX_PEERS:
            self._peers.popitem(last=False)
        if not (own.allows(now) and self._total.allows(now)):
            raise BusyError("too many measurements in a short time", hint="retry in 10 seconds")
        # The hub verified this hash on arrival, so it need not be computed again.
        message.reply(MEASURED, {}, message.buffers, digests=message.data.get("buffers"))


async def measure(hub: PeerHub, node_id: str, now: Now = time.monotonic) -> Speed:
    """Measure the connection to a peer; other messages take turns with the measurement.

    Args:
        hub: This node.
        node_id: A connected peer.
        now: A monotonic clock, in seconds.

    Raises:
        UnsupportedError: The peer's version answers no measurements.
        BusyError: The peer's allowance for this node is used up.
        PeerError: The link was lost, or an answer did not arrive in time.
    """
    rtt_s = statistics.median([await hub.ping(node_id, _PING_TIMEOUT_S) for _ in range(_PINGS)])
    payload = os.urandom(CHUNK)  # random, since a proxy on the way may compress
    began = now()
    sent = 0

    async def lane() -> None:
        nonlocal sent
        while sent < CHUNKS and (sent == 0 or now() - began < DURATION_S):
            sent += 1
            answer = await hub.request(node_id, MEASURE, {}, (payload,), timeout=_CHUNK_TIMEOUT_S)
            if [len(buffer) for buffer in answer.buffers] != [CHUNK]:
                raise MalformedError("the peer returned another buffer than it received")
            if sent == 1:  # a slow path is not asked to carry several chunks at once
                await asyncio.gather(*(lane() for _ in range(_LANES - 1)))

    await lane()
    # Each chunk also waits for one round trip; the lanes wait at the same time.
    busy_s = max(now() - began - rtt_s, 1e-6)
    return Speed(rtt_s, sent * CHUNK / busy_s, sent * CHUNK)


async def check_speed(hub: PeerHub, node_id: str) -> Finding:
    """Return the measured speed of the connection to a peer, and what to expect of it."""
    name = hub.peer(node_id).label
    try:
        speed = await measure(hub, node_id)
    except UnsupportedError:
        return skipped(
            "speed",
            phrase("{name} runs a version that answers no measurements.", name=name),
            phrase("ask {name} to update jupyter-peer", name=name),
        )
    except BusyError as error:
        return skipped(
            "speed", phrase("{name} was measured a moment ago.", name=name), error.hint_phrase
        )
    except PeerError as error:
        return failure("speed", error)
    volume = f"{speed.volume / MIB:.2g} MiB"
    return ok(
        "speed",
        phrase(
            "Round trip {rtt_ms:.1f} ms, {rate} there and back (measured with {volume} each way). "
            "{expectation}",
            rtt_ms=speed.rtt_s * 1000,
            rate=rate_text(speed.bytes_s),
            volume=volume,
            expectation=expectation(speed),
        ),
        rtt_ms=round(speed.rtt_s * 1000, 3),
        bytes_s=round(speed.bytes_s),
        volume=speed.volume,
    )


def expectation(speed: Speed) -> Phrase:
    """Return in words what a user can expect of a connection."""
    plot_s = speed.rtt_s / 2 + PLOT / speed.bytes_s
    slider_s = plot_s + speed.rtt_s / 2
    if slider_s < 0.1:
        feeling = phrase("live plots and sliders feel immediate")
    elif slider_s < 0.4:
        feeling = phrase("live plots are fluent, sliders lag a little")
    elif slider_s < 2:
        feeling = phrase("live plots lag, sliders feel slow")
    else:
        feeling = phrase("share small outputs, and update them seldom")
    return phrase(
        "A plot of 100 KB arrives in about {plot}: {feeling}. An output of 50 MB takes about {large}.",
        plot=time_text(plot_s),
        feeling=feeling,
        large=time_text(_LARGE / speed.bytes_s),
    )


def rate_text(bytes_s: float) -> str:
    """Return a throughput in words, with two digits."""
    if bytes_s >= MIB:
        mib = bytes_s / MIB
        return f"{mib:.0f} MiB/s" if mib >= 10 else f"{mib:.1f} MiB/s"
    return (
        f"{max(bytes_s / KIB, 0.1):.2g} KiB/s"
        if bytes_s < 100 * KIB
        else f"{bytes_s / KIB:.0f} KiB/s"
    )


def time_text(seconds: float) -> str:
    """Return a duration in words, with two digits at most."""
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
