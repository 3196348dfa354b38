"""The policy ``open-lan``: accepts every node in the local network."""

from __future__ import annotations

import ipaddress
import logging
from urllib.parse import urlsplit

from ..errors import NotTrustedError
from .base import Applicant, TrustPolicy, Verdict

log = logging.getLogger(__name__)

# Listed here, because Python's private ranges differ between its versions and include ranges
# that are not local. 100.64.0.0/10 (RFC 6598) is missing on purpose: other customers of a provider
# have such addresses.
LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",  # RFC 3927
        "fe80::/10",  # RFC 4291
        "fc00::/7",  # RFC 4193
    )
)
# A relay or an ICE candidate can name any address; these transports see the real one.
_SEEING_TRANSPORTS = frozenset({"direct", "lan"})


class OpenLanPolicy(TrustPolicy):
    """Accepts every node of the local network while this policy is configured.

    Such peers are not remembered as trusted: a day with ``open-lan`` in some network must not
    leave its strangers trusted permanently.
    """

    name = "open-lan"

    def __init__(self) -> None:
        log.warning(
            "trust_mode is open-lan: every program on every machine in your local network can "
            "connect to this node without asking you, and sees what you share with it; use it "
            "only in a network where you trust everybody, and not behind a reverse proxy, because "
            "there every caller looks local. Set PeerExtension.trust_mode='manual' to end it."
        )

    def verdict(self, applicant: Applicant, now: float) -> Verdict:
        if applicant.transport == "loopback":
            is_near = True
        else:
            is_near = applicant.transport in _SEEING_TRANSPORTS and is_local(applicant.address)
        if not is_near:
            return Verdict.refuse(
                NotTrustedError(
                    "the peer accepts strangers only from its local network, "
                    "and this connection does not come from there"
                )
            )
        log.info("open-lan accepts %s from %s", applicant.node_id, applicant.address)
        return Verdict.accept(self.name, remember=False)

    def is_welcoming(self, source: str, node_id: str, now: float) -> bool:
        return source == "lan"


def is_local(address: str | None) -> bool:
    """Return whether an address belongs to this machine or its local network.

    It may be an IP address, ``host:port``, ``[host]:port`` or a URL. Names other than
    ``localhost`` are not resolved and do not count as local.
    """
    if not address or "@" in address or not address.isprintable():
        return False
    host = _host_of(address)
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in LOCAL_NETWORKS)


def _host_of(address: str) -> str | None:
    if "://" not in address:
        if address.count(":") > 1 and not address.startswith("["):
            address = f"[{address}]"
        address = f"//{address}"
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
