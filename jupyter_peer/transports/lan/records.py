"""The mDNS announcements of nodes (SPEC section 7.2): written, and read as untrusted input.

Anybody in the network can announce anything. An announcement is only a claim and serves to dial:
the handshake proves who answers.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ...errors import BadAddressError
from ...wire.addresses import PATH, is_loopback, normalize_address
from ...wire.link.identity import clean_name, is_node_id
from .interfaces import Interfaces

SERVICE = "_jupyter-peer._tcp.local."
SCHEME = "lan:"
MAX_ADDRESSES = 4
_MAX_VALUE = 200
_PATH = re.compile(r"(/[A-Za-z0-9._~%@+-]{1,100}){1,8}")
_ALL = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Endpoint(msgspec.Struct, frozen=True):
    """Where this node listens for peers.

    Attributes:
        host: The bound IP address; ``0.0.0.0``, ``::`` or empty for all.
        port: TCP port.
        path: Ends in ``/peer-ws``.
        is_tls: Whether it is ``wss``.
    """

    host: str
    port: int
    path: str = PATH
    is_tls: bool = False

    @property
    def is_loopback(self) -> bool:
        """Whether it can be reached from this machine only."""
        return is_loopback(self.host)

    @property
    def can_be_announced(self) -> bool:
        """Whether the host is an IP address and :func:`read` accepts the path."""
        try:
            ipaddress.ip_address(self.host or "::")
        except ValueError:
            return False
        return _is_path(self.path)


class Claim(msgspec.Struct, frozen=True):
    """The plausible content of an announcement."""

    node_id: str
    node_name: str
    addresses: list[str]


def reachable_at(endpoint: Endpoint, interfaces: Interfaces) -> list[str]:
    """Return the addresses at which others reach an endpoint; loopback if there is no other."""
    if endpoint.host not in _ALL:
        return [endpoint.host]
    every = dict.fromkeys(
        at
        for _, at, _ in interfaces.addresses
        if ":" not in at or endpoint.host != "0.0.0.0"  # noqa: S104
    )
    # A link-local IPv6 address is useless without the name of an interface.
    outer = [at for at in every if not (is_loopback(at) or at.startswith("fe80:"))]
    return outer or ["127.0.0.1"]


def properties(node_id: str, node_name: str, endpoint: Endpoint) -> dict[str, str]:
    """Return the TXT record that announces an endpoint."""
    found = {"v": "1", "id": node_id, "name": _cut(node_name), "path": endpoint.path}
    if endpoint.is_tls:
        found["tls"] = "1"
    tag = same_machine_tag(node_id, endpoint.port, endpoint.path)
    if tag:
        found["near"] = tag
    return found


def read(
    instance: str,
    txt: Mapping[bytes, bytes | None],
    port: object,
    addresses: Sequence[str],
    interfaces: Interfaces,
) -> Claim | None:
    """Return the claim of an announcement; None if it is not one of this system.

    Args:
        instance: Whole name of the announcement.
        txt: Its TXT record.
        port: Its port.
        addresses: The IP addresses of its host.
        interfaces: Interfaces of this machine. Addresses on other links are omitted; so is
            loopback, unless this machine made the announcement.
    """
    node_id, path = _value(txt, b"id"), _value(txt, b"path")
    if _value(txt, b"v") != "1" or not is_node_id(node_id) or not instance.startswith(node_id):
        return None
    if not isinstance(port, int) or not 0 < port < 65536:
        return None
    if not _is_path(path):
        return None
    tag = same_machine_tag(node_id, port, path)
    is_same_machine = tag is not None and hmac.compare_digest(tag, _ascii(txt, b"near"))
    scheme = "wss" if _value(txt, b"tls") == "1" else "ws"
    found = []
    for host in addresses:
        if not (is_same_machine if is_loopback(host) else interfaces.is_near(host)):
            continue
        shown = f"[{host}]" if ":" in host else host
        try:
            found.append(SCHEME + normalize_address(f"{scheme}://{shown}:{port}{path}"))
        except BadAddressError:
            continue
    return Claim(node_id, clean_name(_value(txt, b"name")), found[:MAX_ADDRESSES])


def same_machine_tag(node_id: str, port: int, path: str) -> str | None:
    """Return a tag of an endpoint that only programs on this machine can compute, or None.

    With it, two nodes of one machine find each other over loopback. Nobody else can make a node
    dial its own loopback, because the key is a random number that the kernel draws at each boot.
    """
    try:
        key = _BOOT_ID.read_bytes().strip()
    except OSError:
        return None
    return hmac.new(key, f"{node_id} {port} {path}".encode(), hashlib.sha256).hexdigest()[:32]


def _is_path(path: str) -> bool:
    return (
        len(path) <= _MAX_VALUE
        and path.endswith(PATH)
        and _PATH.fullmatch(path) is not None
        and not {".", ".."} & set(path.split("/"))
    )


def _value(txt: Mapping[bytes, bytes | None], key: bytes) -> str:
    raw = txt.get(key) or b""
    return raw[:_MAX_VALUE].decode("utf-8", "replace")


def _ascii(txt: Mapping[bytes, bytes | None], key: bytes) -> str:
    """Return a value as ASCII, for a comparison in constant time."""
    return _value(txt, key).encode("ascii", "replace").decode()


def _cut(name: str) -> str:
    """Return the part of a name that fits into a TXT string."""
    return name.encode()[:_MAX_VALUE].decode("utf-8", "ignore")
