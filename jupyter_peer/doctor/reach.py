"""Whether this node answers at its own addresses, by dialling them as a peer would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from ..errors import PeerError
from ..findings import Finding, failed, ok, skipped, warning
from ..hub.hub import PeerHub
from ..wire.addresses import PATH, RELAY_PATH, host_of, is_loopback
from .facts import ServerFacts, is_public

MAX_PROBES = 16


async def check_addresses(hub: PeerHub, facts: ServerFacts) -> list[Finding]:
    """Return for each advertised address whether this very node answers there."""
    if not facts.enable_direct:
        return [skipped("address", "Direct links are switched off, so none is dialled.")]
    addresses = [at for at in hub.addresses() if at.startswith(("ws://", "wss://"))][:MAX_PROBES]
    if not addresses:
        return [
            warning(
                "address",
                "This node has no address of its own, so nobody can dial it directly.",
                "%peer reach network opens a port for peers, or set "
                "PeerExtension.advertised_addresses",
            )
        ]
    findings = list(await asyncio.gather(*(_probe(hub, facts, at) for at in addresses)))
    is_open = any(
        finding.status != "failed" and not is_loopback(host_of(finding.subject))
        for finding in findings
    )
    if not is_open and not facts.ways_in:
        findings.append(
            warning(
                "address",
                "None of the addresses leads here from another machine: an invite made here works "
                "on this machine alone.",
                "%peer reach network opens a port for peers, %peer reach relay URL uses a relay",
            )
        )
    return findings


def reach_in_words(mode: str, findings: Sequence[Finding]) -> list[Finding]:
    """Return the summary of a check: who can reach this node, and where.

    Args:
        mode: ``local``, ``network``, ``relay`` or ``webrtc``.
        findings: What the checks of addresses, transports and lobby have found.
    """
    if mode == "local":
        return [
            ok(
                "reach",
                "Only this computer can reach you. You can still pair with peers that others can "
                "reach.",
            )
        ]
    if mode == "network":
        return _network_in_words(findings)
    check, way = ("relay", "over the relay") if mode == "relay" else ("lobby", "by WebRTC, at")
    found = [finding for finding in findings if finding.check == check]
    broken = [finding for finding in findings if finding.status == "failed"]
    if any(finding.status == "ok" for finding in found) and not (
        mode == "webrtc" and any(finding.check == "webrtc" for finding in broken)
    ):
        at = next(finding.subject for finding in found if finding.status == "ok")
        return [
            ok("reach", f"Peers anywhere can reach you {way} {at.replace(RELAY_PATH, '')}.", at)
        ]
    reason = next((finding for finding in [*found, *broken] if finding.status == "failed"), None)
    return [
        failed(
            "reach",
            f"Nobody can reach you {way.removesuffix(', at')} at the moment: "
            f"{reason.text if reason else 'it does not answer.'}",
            (reason.hint if reason else "") or "see the server's log",
        )
    ]


def _network_in_words(findings: Sequence[Finding]) -> list[Finding]:
    answering = [
        finding.subject
        for finding in findings
        if finding.check == "address"
        and finding.status == "ok"
        and not is_loopback(host_of(finding.subject))
    ]
    if not answering:
        return [
            failed(
                "reach",
                "Nobody else can reach you: no address of this computer leads here from the network.",
                "connect this computer to a network, or choose a relay: %peer reach relay URL",
            )
        ]
    return [
        ok(
            "reach",
            f"Peers {'anywhere' if is_public(host_of(address)) else 'on this network'} can reach you "
            f"at {_short(address)}, unless a firewall is in between.",
            address,
        )
        for address in answering
    ]


def _short(address: str) -> str:
    """Return host and port of an address that is nothing more than these."""
    plain = address.removeprefix("ws://").removesuffix(PATH)
    return address if "/" in plain else plain


async def _probe(hub: PeerHub, facts: ServerFacts, address: str) -> Finding:
    started = time.monotonic()
    try:
        await hub.probe(address)
    except PeerError as error:
        return _refused(facts, address, error)
    took = (time.monotonic() - started) * 1000
    host = host_of(address)
    whom = "this machine alone" if is_loopback(host) else "whoever can reach this address"
    return ok("address", f"This node answers, for {whom}.", address, ms=round(took, 1))


def _refused(facts: ServerFacts, address: str, error: PeerError) -> Finding:
    data = {"code": error.code}
    if error.code in ("wrong_node", "bad_signature"):
        return failed(
            "address",
            "Another node answers at this address.",
            "take it out of PeerExtension.advertised_addresses, or see where the port is led to",
            address,
            **data,
        )
    text = error.message
    # Jupyter itself sends whoever comes without its base URL there, where a browser goes on
    is_elsewhere = urlsplit(address).path != f"{facts.base_url}peer-ws"
    is_redirect = any(f"answered {code}" in text for code in (301, 302, 307, 308))
    if "answered 404" in text or (is_elsewhere and is_redirect):
        return failed(
            "address",
            "A web server answers, and there is no peer wire at this path.",
            f"the path has to be {facts.base_url}peer-ws on Jupyter's port; a proxy in front has to "
            "pass it on",
            address,
            **data,
        )
    if is_redirect or any(f"answered {code}" in text for code in (401, 403)):
        return failed(
            "address",
            "Something in front of this server asks for a login or refuses: "
            f"{text.partition(': ')[2] or text}.",
            f"let {facts.base_url}peer-ws through without a login; it does its own",
            address,
            **data,
        )
    if any(f"answered {code}" in text for code in (400, 426, 500, 501, 502, 503, 504)):
        return failed(
            "address",
            "What answers there passes no WebSocket on to this server: "
            f"{text.partition(': ')[2] or text}.",
            "let the proxy pass the Upgrade and Connection headers on",
            address,
            **data,
        )
    reason = text.partition(" does not answer: ")[2] or text
    is_named = "its name is not known" not in reason
    if is_named and is_public(host_of(address)) and error.code in ("unreachable", "timeout"):
        return warning(
            "address",
            f"It cannot be dialled from here ({reason}). Many routers do not lead their own network "
            "back to its outer address, so it may still work from elsewhere.",
            "try it from another network, and see that the port is forwarded to this machine",
            address,
            **data,
        )
    return failed(
        "address",
        f"It cannot be dialled: {reason}.",
        "see that something listens there and no firewall is in between, or take it out of "
        "PeerExtension.advertised_addresses",
        address,
        **data,
    )
