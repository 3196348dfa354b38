"""Checks where the server listens, and which proxies are in front of it."""

from __future__ import annotations

from urllib.parse import urlsplit

from ...findings import Finding, ok, skipped, warning
from ...phrase import phrase
from ...wire.addresses import PATH, is_loopback
from ..facts import ServerFacts

_OPEN_A_PORT = phrase(
    "%peer reach network opens a port for peers, %peer reach relay URL uses a relay that both "
    "sides can reach"
).on_page(phrase("choose “This network” or “Anywhere, by a relay” under “Who can reach me”"))


def check_listening(facts: ServerFacts) -> list[Finding]:
    """Return the findings about the addresses at which Jupyter and the node listen."""
    return [_jupyter(facts), _peers(facts)]


def _jupyter(facts: ServerFacts) -> Finding:
    if facts.socket:
        return warning(
            "jupyter",
            phrase(
                "Jupyter listens on the UNIX socket {socket}, which no peer, no notebook and no "
                "command line can reach.",
                socket=facts.socket,
            ),
            phrase("set ServerApp.port instead, or PeerExtension.peer_listen for peers only"),
        )
    at = f"{facts.ip or '*'}:{facts.port}"
    if is_loopback(facts.ip):
        return ok(
            "jupyter",
            phrase("Jupyter listens on {at}, for this machine only, as it should.", at=at),
        )
    return ok(
        "jupyter",
        phrase("Jupyter listens on {at}: other machines reach its login page and /peer-ws.", at=at),
    )


def _peers(facts: ServerFacts) -> Finding:
    if not facts.enable_direct:
        return skipped(
            "peer-listen",
            phrase("Direct links are switched off."),
            phrase("set PeerExtension.enable_direct=True to allow them"),
        )
    if facts.peer_listen:
        return ok(
            "peer-listen",
            phrase("A separate port for peers is open: {at}.", at=facts.peer_listen),
        )
    if facts.socket or is_loopback(facts.ip):
        # Behind a proxy, a browser has shown the address that others use; peers use it too.
        outside = [at for at in facts.learned if not is_loopback(urlsplit(at).hostname or "")]
        if ways := facts.ways_in or facts.advertised or outside:
            return skipped(
                "peer-listen",
                phrase(
                    "There is no separate port for peers; they connect by {ways}.",
                    ways=", ".join(ways),
                ),
            )
        return warning(
            "peer-listen",
            phrase(
                "Peers on other machines cannot dial this node. This node can dial them if "
                "others can reach them."
            ),
            _OPEN_A_PORT,
        )
    return skipped(
        "peer-listen", phrase("There is no separate port for peers; Jupyter's port is open.")
    )


def check_host(facts: ServerFacts) -> list[Finding]:
    """Return the host names that Jupyter answers to."""
    if facts.allow_remote_access:
        return [
            ok(
                "host-check",
                phrase("Jupyter answers to any host name (allow_remote_access is True)."),
            )
        ]
    if not facts.socket and not is_loopback(facts.ip):
        return [
            ok(
                "host-check",
                phrase(
                    "Jupyter answers to any host name, because it does not listen on loopback only."
                ),
            )
        ]
    return [
        ok(
            "host-check",
            phrase(
                "Jupyter refuses browsers that use another host name than localhost "
                "(allow_remote_access is False). Peers are not affected: /peer-ws accepts any "
                "name."
            ),
        )
    ]


def check_base_url(facts: ServerFacts) -> list[Finding]:
    """Return whether the configured addresses have the path of ``/peer-ws``."""
    path = f"{facts.base_url.rstrip('/')}{PATH}"
    if not facts.advertised:
        return [
            ok("base-url", phrase("The path for peers is {path} on Jupyter's port.", path=path))
        ]
    findings = []
    for address in facts.advertised:
        said = urlsplit(address).path
        is_fit = said == path or (said == PATH and bool(facts.peer_listen))
        if is_fit:
            findings.append(
                ok("base-url", phrase("The address has the path {path}.", path=path), address)
            )
            continue
        findings.append(
            warning(
                "base-url",
                phrase(
                    "The address has the path {said}, but this server uses {path}. That works only "
                    "if a proxy in front changes the path.",
                    said=said,
                    path=path,
                ),
                phrase("write the address with {path}", path=path),
                address,
            )
        )
    return findings


def check_proxy(facts: ServerFacts) -> list[Finding]:
    """Return the findings about proxies, in front of this server and for its own connections."""
    findings = []
    if facts.hub_prefix:
        findings.append(
            ok(
                "proxy",
                phrase(
                    "It runs under JupyterHub at {hub_prefix}. Peers can connect only if they can "
                    "reach the hub's proxy; the checks of addresses show it.",
                    hub_prefix=facts.hub_prefix,
                ),
            )
        )
    tls = [at for at in facts.learned if at.startswith("wss://")]
    if tls and not facts.has_tls:
        findings.append(
            ok(
                "proxy",
                phrase(
                    "A proxy with TLS is in front of this server: browsers connected through it."
                ),
                tls[0],
            )
        )
        if facts.trust_mode == "open-lan":
            findings.append(
                warning(
                    "proxy",
                    phrase("Behind a proxy every caller looks local, but trust_mode is open-lan."),
                    phrase("set PeerExtension.trust_mode to manual"),
                )
            )
    if facts.proxies:
        findings.append(
            warning(
                "proxy",
                phrase(
                    "{proxies} sets a proxy for outgoing connections, which links do not use.",
                    proxies=", ".join(facts.proxies),
                ),
                phrase(
                    "if direct dialling fails, use a relay that can be reached without the proxy"
                ),
            )
        )
    return findings or [ok("proxy", phrase("No proxy was found."))]
