"""Where the server listens, and what stands in front of it."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..findings import Finding, ok, skipped, warning
from ..wire.addresses import PATH, is_loopback
from .facts import ServerFacts

_OPEN_A_PORT = (
    "%peer reach network opens a port for peers, %peer reach relay URL uses a relay that both sides "
    "can reach"
)


def check_listening(facts: ServerFacts) -> list[Finding]:
    """Return where Jupyter and the node listen, and who can come in there."""
    return [_jupyter(facts), _peers(facts)]


def _jupyter(facts: ServerFacts) -> Finding:
    if facts.socket:
        return warning(
            "jupyter",
            f"Jupyter listens on the UNIX socket {facts.socket}, which neither peers nor notebooks "
            "nor the command line can reach.",
            "set ServerApp.port instead, or PeerExtension.peer_listen for peers alone",
        )
    at = f"{facts.ip or '*'}:{facts.port}"
    if is_loopback(facts.ip):
        return ok("jupyter", f"Jupyter listens on {at}, for this machine alone, as it should.")
    return ok(
        "jupyter",
        f"Jupyter listens on {at}: other machines reach its login page, and /peer-ws beside it.",
    )


def _peers(facts: ServerFacts) -> Finding:
    if not facts.enable_direct:
        return skipped(
            "peer-listen",
            "Direct links are switched off.",
            "PeerExtension.enable_direct=True switches them on",
        )
    if facts.peer_listen:
        which = (
            " (a free port, which the addresses name)" if facts.peer_listen.endswith(":0") else ""
        )
        return ok(
            "peer-listen", f"A second port for peers alone is open: {facts.peer_listen}{which}."
        )
    if facts.socket or is_loopback(facts.ip):
        if facts.ways_in or facts.advertised:
            return skipped(
                "peer-listen",
                "There is no second port for peers; they come in by "
                f"{' or '.join(facts.ways_in) or 'the advertised addresses'}.",
            )
        return warning(
            "peer-listen",
            "Peers on other machines cannot dial this node. It can dial them, which is enough if "
            "they can be reached.",
            _OPEN_A_PORT,
        )
    return skipped("peer-listen", "There is no second port for peers; Jupyter's own is open.")


def check_host(facts: ServerFacts) -> list[Finding]:
    """Return which names Jupyter answers to."""
    if facts.allow_remote_access:
        return [ok("host-check", "Jupyter answers to any host name (allow_remote_access is True).")]
    if not facts.socket and not is_loopback(facts.ip):
        return [
            ok("host-check", "Jupyter answers to any host name, as it listens beyond loopback.")
        ]
    return [
        ok(
            "host-check",
            "Jupyter refuses browsers that call it by another name than localhost "
            "(allow_remote_access is False). Peers are not affected: /peer-ws takes any name.",
        )
    ]


def check_base_url(facts: ServerFacts) -> list[Finding]:
    """Return whether the addresses its owner said lead to where ``/peer-ws`` is."""
    path = f"{facts.base_url.rstrip('/')}{PATH}"
    if not facts.advertised:
        return [ok("base-url", f"The path for peers is {path} on Jupyter's port.")]
    findings = []
    for address in facts.advertised:
        said = urlsplit(address).path
        is_fit = said == path or (said == PATH and bool(facts.peer_listen))
        if is_fit:
            findings.append(ok("base-url", f"Its path leads to {path}.", address))
            continue
        findings.append(
            warning(
                "base-url",
                f"Its path is {said}, while this server has {path}. That is right only if a proxy "
                "in front changes the path.",
                f"write the address with {path}",
                address,
            )
        )
    return findings


def check_proxy(facts: ServerFacts) -> list[Finding]:
    """Return what proxies are in sight, before this server and on its way out."""
    findings = []
    if facts.hub_prefix:
        findings.append(
            ok(
                "proxy",
                f"It runs under JupyterHub at {facts.hub_prefix}. Peers come in only if the hub's "
                "proxy can be reached by them; the lines on addresses tell.",
            )
        )
    tls = [at for at in facts.learned if at.startswith("wss://")]
    if tls and not facts.has_tls:
        findings.append(
            ok("proxy", "A proxy that speaks TLS stands in front: browsers came by it.", tls[0])
        )
        if facts.trust_mode == "open-lan":
            findings.append(
                warning(
                    "proxy",
                    "Behind a proxy every caller looks local, and trust_mode is open-lan.",
                    "set PeerExtension.trust_mode to manual",
                )
            )
    if facts.proxies:
        findings.append(
            warning(
                "proxy",
                f"{' and '.join(facts.proxies)} names a proxy for going out, which links do not "
                "use.",
                "if direct dialling fails, use a relay that can be reached without the proxy",
            )
        )
    return findings or [ok("proxy", "No proxy is in sight.")]
