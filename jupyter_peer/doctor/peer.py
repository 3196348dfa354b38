"""Checks one peer: tries each path to it alone, without touching the live link."""

from __future__ import annotations

import asyncio
import time

from ..errors import PeerError, from_wire, to_wire
from ..findings import Finding, failed, failure, ok, skipped, warning
from ..hub.hub import PeerHub
from ..hub.info import PeerInfo
from .checks.clock import TOLERATED_S, skew_of
from .examine import Report
from .speed import check_speed

MAX_PATHS = 16
_PING_TIMEOUT_S = 5.0


async def examine_peer(
    hub: PeerHub, node_id: str, report: Report = lambda step: None
) -> list[Finding]:
    """Return the findings about a peer: trust, the live link, and every path to it.

    Args:
        hub: This node.
        node_id: The peer.
        report: Receives each path that is tried, as when a peer is dialled.

    Raises:
        UnknownPeerError: There is no such peer.
    """
    peer = hub.peer(node_id)
    ways = hub.ways(node_id)[:MAX_PATHS]
    linked, *tried = await asyncio.gather(
        _link(hub, peer), *(_path(hub, peer, address, by, report) for address, by in ways)
    )
    paths = [finding for findings in tried for finding in findings]
    if not ways:
        paths = [
            warning(
                "path",
                f"No address of {peer.label} is known, so {peer.label} must dial this node.",
                f"ask {peer.label} for a new invite, or connect by an address: %peer connect "
                "ADDRESS",
            )
        ]
    speed = [await check_speed(hub, node_id)] if peer.status == "connected" else []
    return [*_trust(peer), *linked, *speed, *paths, *_last_attempt(peer)]


def _trust(peer: PeerInfo) -> list[Finding]:
    if peer.blocked:
        return [
            failed(
                "trust",
                f"{peer.label} is blocked: this node neither accepts nor dials it.",
                f"%peer unblock {peer.node_id}",
            )
        ]
    if peer.trusted:
        return [ok("trust", f"{peer.label} is a trusted peer with a known key.")]
    return [
        ok("trust", f"{peer.label} may connect for as long as the policy {peer.origin} allows it.")
    ]


async def _link(hub: PeerHub, peer: PeerInfo) -> list[Finding]:
    if peer.status != "connected":
        return [failed("link", f"{peer.label} is {peer.status}.", _link_hint(peer))]
    try:
        rtt, skew = await asyncio.gather(
            hub.ping(peer.node_id, _PING_TIMEOUT_S), skew_of(hub, peer)
        )
    except PeerError as error:
        return [failure("link", error)]
    milliseconds = rtt * 1000
    sealed = "sealed" if peer.sealed else "signed, not sealed"
    findings = [
        ok(
            "link",
            f"Connected ({peer.transport}, {sealed}), round trip {milliseconds:.1f} ms.",
            peer.address or "",
            transport=peer.transport,
            rtt_ms=round(milliseconds, 3),
        )
    ]
    if skew is not None and abs(skew) > TOLERATED_S:
        findings.append(
            warning(
                "clock",
                f"The clocks of {peer.label} and of this machine differ by {abs(skew):.0f} s.",
                "let both systems set their clocks from the network",
                skew_s=round(skew, 3),
            )
        )
    return findings


def _link_hint(peer: PeerInfo) -> str:
    if peer.blocked:
        return ""
    if peer.last_error:
        return f"the last attempt, below, says why: {from_wire(peer.last_error).message}"
    return f"%peer connect {peer.node_id} tries now; the paths below show which of them work"


async def _path(
    hub: PeerHub, peer: PeerInfo, address: str, by: str | None, report: Report
) -> list[Finding]:
    if by is None:
        scheme = address.partition(":")[0]
        return [
            skipped(
                "path",
                "No transport that dials such an address is switched on here.",
                f"set the trait that {scheme!r} addresses need: relay_url, lobby_url, "
                "enable_lan or enable_webrtc",
                address,
            )
        ]
    if peer.blocked:
        return [
            skipped(
                "path", f"This path was not tried, because {peer.label} is blocked.", "", address
            )
        ]
    started = time.monotonic()
    step = {"step": "dial", "address": address}
    report({**step, "ok": None})
    try:
        rtt_s = await hub.probe(address, peer.node_id)
    except PeerError as error:
        report({**step, "ok": False, **to_wire(error)})
        reason = error.message
        if error.code == "bad_signature":
            reason = f"the node that answers does not have the key of {peer.label}"
        text = f"This path ({by}) fails: {reason}."
        return [failed("path", text, error.hint, address, code=error.code, transport=by)]
    report({**step, "ok": True})
    took = round((time.monotonic() - started) * 1000, 1)
    return [
        ok(
            "path",
            f"{peer.label} answers over this path ({by}) and proves its key. The round trip takes about "
            f"{rtt_s * 1000:.1f} ms; connecting took {took} ms.",
            address,
            transport=by,
            rtt_ms=round(rtt_s * 1000, 3),
            ms=took,
        )
    ]


def _last_attempt(peer: PeerInfo) -> list[Finding]:
    if peer.status == "connected" or not peer.last_error:
        return []
    error = from_wire(peer.last_error)
    return [
        warning(
            "last-attempt",
            f"The last attempt failed: {error.message}.",
            error.hint,
            code=error.code,
        )
    ]
