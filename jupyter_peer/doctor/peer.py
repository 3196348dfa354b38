"""Checks one peer: tries each path to it alone, without touching the live link."""

from __future__ import annotations

import asyncio
import time

from ..errors import PeerError, from_wire, to_page
from ..findings import Finding, failed, failure, ok, skipped, warning
from ..hub.hub import PeerHub
from ..hub.info import PeerInfo
from ..phrase import Phrase, phrase
from .checks.clock import TOLERATED_S, skew_of
from .examine import Report
from .speed import check_speed

MAX_PATHS = 16
_PING_TIMEOUT_S = 5.0
_STATUS = {
    "connecting": phrase("connecting"),
    "offline": phrase("offline"),
    "blocked": phrase("blocked"),
}


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
                phrase(
                    "No address of {label} is known, so {label} must dial this node.",
                    label=peer.label,
                ),
                phrase(
                    "ask {label} for a new invite, or connect by an address: %peer connect ADDRESS",
                    label=peer.label,
                ).on_page(
                    phrase(
                        "ask {label} for a new invite, and use it under “Pair”", label=peer.label
                    )
                ),
            )
        ]
    speed = [await check_speed(hub, node_id)] if peer.status == "connected" else []
    return [*_trust(peer), *linked, *speed, *paths, *_last_attempt(peer)]


def _trust(peer: PeerInfo) -> list[Finding]:
    if peer.blocked:
        return [
            failed(
                "trust",
                phrase(
                    "{label} is blocked: this node neither accepts nor dials it.", label=peer.label
                ),
                phrase("%peer unblock {node_id}", node_id=peer.node_id).on_page(
                    phrase("choose “Unblock” in the menu of {label}", label=peer.label)
                ),
            )
        ]
    if peer.trusted:
        return [
            ok("trust", phrase("{label} is a trusted peer with a known key.", label=peer.label))
        ]
    return [
        ok(
            "trust",
            phrase(
                "{label} may connect for as long as the policy {origin} allows it.",
                label=peer.label,
                origin=peer.origin,
            ),
        )
    ]


async def _link(hub: PeerHub, peer: PeerInfo) -> list[Finding]:
    if peer.status != "connected":
        return [
            failed(
                "link",
                phrase("{label} is {status}.", label=peer.label, status=_STATUS[peer.status]),
                _link_hint(peer),
            )
        ]
    try:
        rtt, skew = await asyncio.gather(
            hub.ping(peer.node_id, _PING_TIMEOUT_S), skew_of(hub, peer)
        )
    except PeerError as error:
        return [failure("link", error)]
    milliseconds = rtt * 1000
    sealed = phrase("sealed") if peer.sealed else phrase("signed, not sealed")
    findings = [
        ok(
            "link",
            phrase(
                "Connected ({transport}, {sealed}), round trip {milliseconds:.1f} ms.",
                transport=peer.transport,
                sealed=sealed,
                milliseconds=milliseconds,
            ),
            peer.address or "",
            transport=peer.transport,
            rtt_ms=round(milliseconds, 3),
        )
    ]
    if skew is not None and abs(skew) > TOLERATED_S:
        findings.append(
            warning(
                "clock",
                phrase(
                    "The clocks of {label} and of this machine differ by {seconds:.0f} s.",
                    label=peer.label,
                    seconds=abs(skew),
                ),
                phrase("let both systems set their clocks from the network"),
                skew_s=round(skew, 3),
            )
        )
    return findings


def _link_hint(peer: PeerInfo) -> Phrase | None:
    if peer.blocked:
        return None
    if peer.last_error:
        return phrase(
            "the last attempt, below, says why: {reason}",
            reason=from_wire(peer.last_error).message_phrase,
        )
    return phrase(
        "%peer connect {node_id} tries now; the paths below show which of them work",
        node_id=peer.node_id,
    ).on_page(
        phrase(
            "“Connect” in the menu of {label} tries now; the paths below show which of them work",
            label=peer.label,
        )
    )


async def _path(
    hub: PeerHub, peer: PeerInfo, address: str, by: str | None, report: Report
) -> list[Finding]:
    if by is None:
        scheme = address.partition(":")[0]
        return [
            skipped(
                "path",
                phrase("No transport that dials such an address is switched on here."),
                phrase(
                    "set the trait that {scheme} addresses need: relay_url, lobby_url, enable_lan "
                    "or enable_webrtc",
                    scheme=repr(scheme),
                ),
                address,
            )
        ]
    if peer.blocked:
        return [
            skipped(
                "path",
                phrase("This path was not tried, because {label} is blocked.", label=peer.label),
                subject=address,
            )
        ]
    started = time.monotonic()
    step = {"step": "dial", "address": address}
    report({**step, "ok": None})
    try:
        rtt_s = await hub.probe(address, peer.node_id)
    except PeerError as error:
        report({**step, "ok": False, **to_page(error)})
        reason = error.message_phrase
        if error.code == "bad_signature":
            reason = phrase(
                "the node that answers does not have the key of {label}", label=peer.label
            )
        text = phrase("This path ({by}) fails: {reason}.", by=by, reason=reason)
        return [failed("path", text, error.hint_phrase, address, code=error.code, transport=by)]
    report({**step, "ok": True})
    took = round((time.monotonic() - started) * 1000, 1)
    return [
        ok(
            "path",
            phrase(
                "{label} answers over this path ({by}) and proves its key. The round trip takes "
                "about {rtt_ms:.1f} ms; connecting took {took} ms.",
                label=peer.label,
                by=by,
                rtt_ms=rtt_s * 1000,
                took=took,
            ),
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
            phrase("The last attempt failed: {reason}.", reason=error.message_phrase),
            error.hint_phrase,
            code=error.code,
        )
    ]
