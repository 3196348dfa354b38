"""The network interfaces of this machine."""

from __future__ import annotations

import ipaddress

import ifaddr
import msgspec

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Interfaces(msgspec.Struct, frozen=True):
    """The network interfaces at one moment; equal when nothing has changed.

    Attributes:
        addresses: ``(index, address, prefix length)`` of each, sorted. An interface that was
            removed and added again has another index.
    """

    addresses: tuple[tuple[int, str, int], ...]

    @classmethod
    def now(cls) -> Interfaces:
        """Return the current interfaces of this machine."""
        seen = set()
        for adapter in ifaddr.get_adapters():
            for at in adapter.ips:
                text = at.ip if isinstance(at.ip, str) else at.ip[0]
                seen.add((adapter.index or 0, text.partition("%")[0], at.network_prefix))
        return cls(tuple(sorted(seen)))

    def networks(self) -> list[Network]:
        """Return the networks on the same link as this machine."""
        return [
            ipaddress.ip_interface(f"{address}/{prefix}").network
            for _, address, prefix in self.addresses
        ]

    def ipv4(self) -> list[str]:
        """Return the IPv4 addresses."""
        return list(dict.fromkeys(at for _, at, _ in self.addresses if ":" not in at))

    def is_near(self, host: str) -> bool:
        """Return whether an address is on the same link as this machine."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self.networks())
