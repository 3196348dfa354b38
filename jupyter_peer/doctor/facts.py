"""The facts of a server that the connection check needs: settings and their effects."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import msgspec


class ServerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One server with its node.

    Attributes:
        ip, port: Where Jupyter listens; ``ip`` is empty for all addresses.
        socket: Path of a UNIX socket it listens on instead.
        has_tls: Whether it speaks https itself.
        base_url: Base URL with a slash at both ends.
        allow_remote_access: Whether Jupyter accepts any ``Host``.
        trust_xheaders: Whether Jupyter trusts the headers of a proxy in front.
        hub_prefix: ``JUPYTERHUB_SERVICE_PREFIX``, empty outside of JupyterHub.
        proxies: Names of environment variables that name an outgoing proxy.
        peer_listen: The setting, empty for none.
        advertised: The addresses that its owner configured.
        learned: Addresses under which browsers reached the server.
        enable_direct: Whether direct links are on.
        wanted: Names of the transports that are on: ``relay``, ``lobby``, ``lan``, ``webrtc``.
        ways: Those of ``wanted`` that are in effect.
        brokers: URLs of relays and lobbies, as ``http`` or ``https``, without a path.
        trust_mode: The setting.
        stun_servers: The setting.
        data_dir: The data directory that is used.
        is_fallback: Whether that is a sibling, because another server uses the configured one.
    """

    ip: str
    port: int
    socket: str = ""
    has_tls: bool = False
    base_url: str = "/"
    allow_remote_access: bool = False
    trust_xheaders: bool = False
    hub_prefix: str = ""
    proxies: tuple[str, ...] = ()
    peer_listen: str = ""
    advertised: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()
    enable_direct: bool = True
    wanted: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    brokers: tuple[str, ...] = ()
    trust_mode: str = "manual"
    stun_servers: tuple[str, ...] = ()
    data_dir: Path
    is_fallback: bool = False

    @property
    def ways_in(self) -> list[str]:
        """The means besides addresses by which others reach this node."""
        return [way for way in self.ways if way in ("relay", "webrtc")]


def is_public(host: str) -> bool:
    """Return whether a host is a public address or a public name."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".lan", ".internal", ".localhost"))
