"""Reads from the configuration where the node listens and which certificates it trusts."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Collection

from ...errors import BadRequestError
from ...phrase import phrase
from ...transports.direct.direct import DirectTransport


class ServedTransport(DirectTransport):
    """The direct transport of a server, which knows the addresses of the server.

    Attributes:
        reachable_at: Those addresses, best first.
        host_names: Returns the names by which this node can be dialled, in lower case.
    """

    reachable_at: tuple[str, ...] = ()
    host_names: Callable[[], Collection[str]] = staticmethod(tuple)

    def addresses(self) -> list[str]:
        """Return the addresses of the server and of the extra listener."""
        return list(self.reachable_at)

    def is_host_known(self, host: str) -> bool:
        """Return whether a request may name this host: an address, this machine, or a name of it."""
        return super().is_host_known(host) or host.removesuffix(".") in self.host_names()


def machine_names() -> set[str]:
    """Return the names under which other machines of a network know this one, in lower case."""
    name = socket.gethostname().lower()
    first = name.partition(".")[0]
    return {name, first, f"{first}.local"}


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port``, ``[v6]:port`` or ``:port``.

    Raises:
        BadRequestError: The text has another form.
    """
    host, colon, port = text.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise BadRequestError(
            phrase("peer_listen cannot be {text}", text=repr(text)),
            hint='write it as "0.0.0.0:9797" or "[::]:9797"',
        )
    return host, int(port)


def trusting(certificate: str) -> ssl.SSLContext:
    """Return a TLS context that trusts the system's certificates and one more.

    Args:
        certificate: Path of a PEM file; empty for none.

    Raises:
        BadRequestError: The certificate cannot be used.
    """
    context = ssl.create_default_context()
    if certificate:
        try:
            context.load_verify_locations(certificate)
        except (OSError, ssl.SSLError) as error:
            raise BadRequestError(
                phrase(
                    "the certificate {certificate} cannot be used: {error}",
                    certificate=repr(certificate),
                    error=error,
                ),
                hint=phrase(
                    "give a PEM file instead of {certificate}", certificate=repr(certificate)
                ),
            ) from error
    return context


def hosts_behind(bound: str) -> list[str]:
    """Return the hosts under which a listener at ``bound`` is reached, best first.

    A wildcard means this machine's address on the route to other networks, and loopback.
    """
    if bound not in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return [_bracketed(bound)]
    hosts = []
    if bound != "::":
        hosts += [_outward(socket.AF_INET, "192.0.2.1"), "127.0.0.1"]
    if bound != "0.0.0.0":  # noqa: S104 - compared, not bound
        hosts += [_outward(socket.AF_INET6, "2001:db8::1"), "::1"]
    found = [_bracketed(host) for host in dict.fromkeys(hosts) if host]
    return sorted(found, key=lambda host: host in ("127.0.0.1", "[::1]"))


def _outward(family: socket.AddressFamily, somewhere: str) -> str:
    """Return the local address that the system would use to reach a host; sends nothing."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((somewhere, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
