"""Checks where the server listens, and which proxies are in front of it."""

from __future__ import annotations

from urllib.parse import urlsplit

from ...findings import Finding, ok, skipped, warning
from ...wire.addresses import PATH, is_loopback
from ..facts import ServerFacts

_OPEN_A_PORT = (
    "%peer reach network opens a port for peers, %peer reach relay URL uses a relay that both "
    "sides "
    "can reach"
)


def check_listening(facts: ServerFacts) -> list[Finding]:
    """Return the findings about the addresses at which Jupyter and the node listen."""
    return [_jupyter(facts), _peers(facts)]


def _jupyter(facts: ServerFacts) -> Finding:
    if facts.socket:
        return warning(
            "jupyter",
            f"Jupyter listens on the UNIX socket {facts.socket}, which no peer, no notebook "
            "and no command line can reach.",
            "set ServerApp.port instead, or PeerExtension.peer_listen for peers only",
        )
    at = f"{facts.ip or '*'}:{facts.port}"
    if is_loopback(facts.ip):
        return ok("jupyter", f"Jupyter listens on {at}, for this machine only, as it should.")
    return ok(
        "jupyter",
        f"Jupyter listens on {at}: other machines reach its login page and /peer-ws.",
    )


def _peers(facts: ServerFacts) -> Finding:
    if not facts.enable_direct:
        return skipped(
            "peer-listen",
            "Direct links are switched off.",
            "set PeerExtension.enable_direct=True to allow them",
        )
    if facts.peer_listen:
        which = " (a free port; the addresses show it)" if facts.peer_listen.endswith(":0") else ""
        return ok("peer-listen", f"A separate port for peers is open: {facts.peer_listen}{which}.")
    if facts.socket or is_loopback(facts.ip):
        # Behind a proxy, a browser has shown the address that others use; peers use it too.
        outside = [at for at in facts.learned if not is_loopback(urlsplit(at).hostname or "")]
        advertised = ["the advertised addresses"] if facts.advertised else []
        if ways := facts.ways_in or advertised or outside:
            return skipped(
                "peer-listen",
                f"There is no separate port for peers; they connect by {' or '.join(ways)}.",
            )
        return warning(
            "peer-listen",
            "Peers on other machines cannot dial this node. This node can dial them if "
            "others can reach them.",
            _OPEN_A_PORT,
        )
    return skipped("peer-listen", "There is no separate port for peers; Jupyter's port is open.")


def check_host(facts: ServerFacts) -> list[Finding]:
    """Return the host names that Jupyter answers to."""
    if facts.allow_remote_access:
        return [ok("host-check", "Jupyter answers to any host name (allow_remote_access is True).")]
    if not facts.socket and not is_loopback(facts.ip):
        return [
            ok(
                "host-check",
                "Jupyter answers to any host name, because it does not listen on loopback only.",
            )
        ]
    return [
        ok(
            "host-check",
            "Jupyter refuses browsers that use another host name than localhost "
            "(allow_remote_access is False). Peers are not affected: /peer-ws accepts any name.",
        )
    ]


def check_base_url(facts: ServerFacts) -> list[Finding]:
    """Return whether the configured addresses have the path of ``/peer-ws``."""
    path = f"{facts.base_url.rstrip('/')}{PATH}"
    if not facts.advertised:
        return [ok("base-url", f"The path for peers is {path} on Jupyter's port.")]
    findings = []
    for address in facts.advertised:
        said = urlsplit(address).path
        is_fit = said == path or (said == PATH and bool(facts.peer_listen))
        if is_fit:
            findings.append(ok("base-url", f"The address has the path {path}.", address))
            continue
        findings.append(
            warning(
                "base-url",
                f"The address has the path {said}, but this server uses {path}. That works only "
                "if a proxy "
                "in front changes the path.",
                f"write the address with {path}",
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
                f"It runs under JupyterHub at {facts.hub_prefix}. Peers can connect only if "
                "they can "
                "reach the hub's proxy; the checks of addresses show it.",
            )
        )
    tls = [at for at in facts.learned if at.startswith("wss://")]
    if tls and not facts.has_tls:
        findings.append(
            ok(
                "proxy",
                "A proxy with TLS is in front of this server: browsers connected through it.",
                tls[0],
            )
        )
        if facts.trust_mode == "open-lan":
            findings.append(
                warning(
                    "proxy",
                    "Behind a proxy every caller looks local, but trust_mode is open-lan.",
                    "set PeerExtension.trust_mode to manual",
                )
            )
    if facts.proxies:
        findings.append(
            warning(
                "proxy",
                f"{' and '.join(facts.proxies)} sets a proxy for outgoing connections, which "
                "links do not "
                "use.",
                "if direct dialling fails, use a relay that can be reached without the proxy",
            )
        )
    return findings or [ok("proxy", "No proxy was found.")]
