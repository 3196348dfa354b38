"""Checks whether this node answers at its own addresses, by dialling them as a peer would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

from ...errors import PeerError
from ...findings import Finding, failed, ok, skipped, warning
from ...hub.hub import PeerHub
from ...phrase import phrase
from ...wire.addresses import PATH, RELAY_PATH, host_of, is_loopback
from ..facts import ServerFacts, is_public

MAX_PROBES = 16


async def check_addresses(hub: PeerHub, facts: ServerFacts) -> list[Finding]:
    """Return for each advertised address whether this node answers there."""
    if not facts.enable_direct:
        return [
            skipped("address", phrase("Direct links are switched off, so no address was dialled."))
        ]
    addresses = [at for at in hub.addresses() if at.startswith(("ws://", "wss://"))][:MAX_PROBES]
    if not addresses:
        return [
            warning(
                "address",
                phrase("This node has no address, so nobody can dial it directly."),
                phrase(
                    "%peer reach network opens a port for peers, or set "
                    "PeerExtension.advertised_addresses"
                ).on_page(
                    phrase(
                        "choose “This network” under “Who can reach me”, or set "
                        "PeerExtension.advertised_addresses"
                    )
                ),
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
                phrase(
                    "No address reaches this node from another machine: an invite made here works "
                    "on this machine only."
                ),
                phrase(
                    "%peer reach network opens a port for peers, %peer reach relay URL uses a relay"
                ).on_page(
                    phrase(
                        "choose “This network” or “Anywhere, by a relay” under “Who can reach me”"
                    )
                ),
            )
        )
    return findings


def reach_in_words(mode: str, findings: Sequence[Finding]) -> list[Finding]:
    """Return the summary of a check: who can reach this node, and where.

    Args:
        mode: ``local``, ``network``, ``relay`` or ``webrtc``.
        findings: The findings of the checks of addresses, transports and lobby.
    """
    if mode in ("local", "network"):
        return _by_address_in_words(mode, findings)
    check = "relay" if mode == "relay" else "lobby"
    found = [finding for finding in findings if finding.check == check]
    broken = [finding for finding in findings if finding.status == "failed"]
    if any(finding.status == "ok" for finding in found) and not (
        mode == "webrtc" and any(finding.check == "webrtc" for finding in broken)
    ):
        at = next(finding.subject for finding in found if finding.status == "ok")
        shown = at.replace(RELAY_PATH, "")
        return [
            ok(
                "reach",
                phrase("Peers anywhere can reach you over the relay {at}.", at=shown)
                if mode == "relay"
                else phrase("Peers anywhere can reach you by WebRTC, at {at}.", at=shown),
                at,
            )
        ]
    reason = next((finding for finding in [*found, *broken] if finding.status == "failed"), None)
    why = reason.text_phrase if reason else phrase("No answer arrived.")
    return [
        failed(
            "reach",
            phrase("Nobody can reach you at the moment. {reason}", reason=why),
            reason.hint_phrase if reason and reason.hint_phrase else phrase("see the server's log"),
        )
    ]


def _by_address_in_words(mode: str, findings: Sequence[Finding]) -> list[Finding]:
    answering = [
        finding.subject
        for finding in findings
        if finding.check == "address"
        and finding.status == "ok"
        and not is_loopback(host_of(finding.subject))
    ]
    # Behind a proxy, such as that of a JupyterHub, others reach a node that opens no port itself.
    if not answering and mode == "local":
        return [
            ok(
                "reach",
                phrase(
                    "Only this computer can reach you. You can still pair with peers that others "
                    "can reach."
                ),
            )
        ]
    if not answering:
        return [
            failed(
                "reach",
                phrase(
                    "Nobody else can reach you: no address of this computer leads here from the "
                    "network."
                ),
                phrase(
                    "connect this computer to a network, or choose a relay: %peer reach relay URL"
                ).on_page(
                    phrase("connect this computer to a network, or choose “Anywhere, by a relay”")
                ),
            )
        ]
    return [
        ok(
            "reach",
            phrase(
                "Peers anywhere can reach you at {at}, unless a firewall is in between.",
                at=_short(address),
            )
            if is_public(host_of(address))
            else phrase(
                "Peers on this network can reach you at {at}, unless a firewall is in between.",
                at=_short(address),
            ),
            address,
        )
        for address in answering
    ]


def _short(address: str) -> str:
    """Return host and port of an address that has nothing else."""
    plain = address.removeprefix("ws://").removesuffix(PATH)
    return address if "/" in plain else plain


async def _probe(hub: PeerHub, facts: ServerFacts, address: str) -> Finding:
    started = time.monotonic()
    try:
        await hub.probe(address)
    except PeerError as error:
        return _refused(facts, address, error)
    took = (time.monotonic() - started) * 1000
    answers = (
        phrase("This node answers, for this machine alone.")
        if is_loopback(host_of(address))
        else phrase("This node answers, for whoever can reach this address.")
    )
    return ok("address", answers, address, ms=round(took, 1))


def _refused(facts: ServerFacts, address: str, error: PeerError) -> Finding:
    broken = partial(failed, "address", subject=address, code=error.code)
    doubtful = partial(warning, "address", subject=address, code=error.code)
    if error.code in ("wrong_node", "bad_signature"):
        return broken(
            phrase("Another node answers at this address."),
            phrase(
                "remove the address from PeerExtension.advertised_addresses, or check where the "
                "port is forwarded"
            ),
        )
    text = error.message
    answer = text.partition(": ")[2] or text
    # Jupyter redirects requests without its base URL, and only browsers follow.
    is_elsewhere = urlsplit(address).path != f"{facts.base_url}peer-ws"
    is_redirect = any(f"answered {code}" in text for code in (301, 302, 307, 308))
    if "answered 404" in text or (is_elsewhere and is_redirect):
        return broken(
            phrase("A web server answers, but there is no peer wire at this path."),
            phrase(
                "use the path {base_url}peer-ws on Jupyter's port; a proxy in front must "
                "forward it",
                base_url=facts.base_url,
            ),
        )
    if is_redirect or any(f"answered {code}" in text for code in (401, 403)):
        return broken(
            phrase(
                "A proxy in front of this server asks for a login or refuses: {answer}.",
                answer=answer,
            ),
            phrase(
                "let {base_url}peer-ws through without a login; peers prove their key there",
                base_url=facts.base_url,
            ),
        )
    if any(f"answered {code}" in text for code in (400, 426, 500, 501, 502, 503, 504)):
        return broken(
            phrase(
                "The server that answers does not forward WebSockets to this server: {answer}.",
                answer=answer,
            ),
            phrase("let the proxy forward the Upgrade and Connection headers"),
        )
    reason = text.partition(" does not answer: ")[2] or text
    is_named = "its name is not known" not in reason
    if is_named and is_public(host_of(address)) and error.code in ("unreachable", "timeout"):
        return doubtful(
            phrase(
                "It cannot be dialled from here ({reason}). Many routers do not route their own "
                "network to their public address, so it may still work from elsewhere.",
                reason=reason,
            ),
            phrase(
                "try it from another network, and check that the router forwards the port to "
                "this machine"
            ),
        )
    if address in facts.learned:
        return doubtful(
            phrase(
                "It cannot be dialled ({reason}). A browser reached this server by it before.",
                reason=reason,
            ),
            phrase(
                "nothing, unless it should work: it is dropped when no browser uses it for 30 days"
            ),
        )
    return broken(
        phrase("It cannot be dialled: {reason}.", reason=reason),
        phrase(
            "check that a server listens there and no firewall blocks it, or remove the "
            "address from PeerExtension.advertised_addresses"
        ),
    )
