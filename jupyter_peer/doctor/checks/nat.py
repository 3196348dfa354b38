"""Finds the kind of NAT in front of this machine with STUN requests from one socket (RFC 5780)."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from ...errors import BadAddressError, MalformedError
from ...findings import Finding, failed, failure, ok, skipped, warning
from ...phrase import phrase
from ...wire.stun import (
    TRANSACTION_BYTES,
    Address,
    Mapped,
    binding_request,
    parse_server,
    read_response,
    transaction_of,
)

MAX_SERVERS = 4
# A request is repeated at these times, because datagrams may be lost (RFC 8489 section 6.2.1).
_PAUSES_S = (0.3, 0.6, 1.1)
_LOOKUP_TIMEOUT_S = 3.0


class Seen(msgspec.Struct, frozen=True):
    """The answers of STUN servers.

    Attributes:
        local: Address of the socket on this machine, on the route to the first server.
        mapped: The address that each server saw, by the server's address.
    """

    local: Address
    mapped: dict[Address, Address]


async def check_nat(servers: Sequence[str]) -> list[Finding]:
    """Return the kind of NAT between this machine and STUN servers.

    Args:
        servers: Servers in the form of the setting ``stun_servers``.
    """
    if not servers:
        return [
            skipped(
                "nat",
                phrase("No STUN server is configured, so the kind of NAT is unknown."),
                phrase(
                    "set PeerExtension.stun_servers=['stun:host:3478', ...]; two servers give the "
                    "best result"
                ),
            )
        ]
    findings: list[Finding] = []
    named: list[Address] = []
    for text in servers[:MAX_SERVERS]:
        try:
            named.append(parse_server(text))
        except BadAddressError as error:
            findings.append(failure("nat", error, text[:80]))
    known = await asyncio.gather(*(_look_up(*server) for server in named))
    for server, address in zip(named, known, strict=True):
        if address is None:
            text = f"{server[0]}:{server[1]}"
            findings.append(
                failed(
                    "nat",
                    phrase("The name of this STUN server is not known."),
                    phrase("check it"),
                    text,
                )
            )
    addresses = [address for address in known if address is not None]
    if addresses:
        findings.append(judge(await ask_all(addresses), len(addresses)))
    return findings


def judge(seen: Seen, asked: int) -> Finding:
    """Return the kind of NAT that the answers show.

    Args:
        seen: The answers.
        asked: Number of asked servers.
    """
    mapped = set(seen.mapped.values())
    data: dict[str, Any] = {
        "mapped": sorted(f"{host}:{port}" for host, port in mapped),
        "servers": len(seen.mapped),
    }
    if not mapped:
        return failed(
            "nat",
            phrase("None of {asked} STUN servers answers: a firewall may block UDP.", asked=asked),
            phrase(
                "check stun_servers and the firewall; without UDP, peers connect only through a "
                "relay (relay_url) or a TURN server (turn_url)"
            ),
            kind="blocked",
        )
    shown = ", ".join(data["mapped"])
    if mapped == {seen.local}:
        return ok(
            "nat",
            phrase("No NAT: the internet sees this machine's own address ({shown}).", shown=shown),
            kind="open",
            **data,
        )
    if len(mapped) > 1:
        return warning(
            "nat",
            phrase(
                "A symmetric NAT: each server sees another address ({shown}), so peers cannot "
                "know where to send.",
                shown=shown,
            ),
            phrase(
                "such peers connect only through a relay (relay_url) or a TURN server (turn_url); "
                "STUN may be enough if the other peer is behind a cone NAT"
            ),
            kind="symmetric",
            **data,
        )
    if len(seen.mapped) < 2:
        return ok(
            "nat",
            phrase(
                "A NAT with the address {shown}. Its kind is unknown: only one server answered.",
                shown=shown,
            ),
            kind="unknown",
            **data,
        )
    return ok(
        "nat",
        phrase(
            "A cone NAT: all servers see the same address ({shown}), so WebRTC connects with STUN.",
            shown=shown,
        ),
        kind="cone",
        **data,
    )


async def ask_all(servers: Sequence[Address]) -> Seen:
    """Ask servers from one socket which address they see.

    When only one server answers, its second address is asked too, if it has one.

    Args:
        servers: IPv4 addresses with ports.
    """
    loop = asyncio.get_running_loop()
    # connect() chooses the local address for this route and sends nothing
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(servers[0])
            host = str(probe.getsockname()[0])
        except OSError:
            host = ""
    try:
        transport, asker = await loop.create_datagram_endpoint(_Asker, local_addr=("0.0.0.0", 0))  # noqa: S104 - to be seen as on the way out
    except OSError:
        return Seen((host, 0), {})
    try:
        port = int(transport.get_extra_info("sockname")[1])
        answers = await asker.ask(servers)
        others = [answer.other for answer in answers.values() if answer.other is not None]
        if len(answers) == 1 and others and others[0] not in answers and ":" not in others[0][0]:
            answers.update(await asker.ask(others[:1]))
        return Seen((host, port), {server: answer.address for server, answer in answers.items()})
    finally:
        transport.close()


class _Asker(asyncio.DatagramProtocol):
    """Sends requests and keeps the matching answers."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[bytes, tuple[Address, asyncio.Future[Mapped]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        transaction = transaction_of(data)
        server, answer = self._waiting.get(transaction or b"", (None, None))
        # Only from the address that was asked: anybody can guess that a request was sent.
        if answer is None or answer.done() or server != address[:2]:
            return
        try:
            answer.set_result(read_response(data, transaction or b""))
        except MalformedError:
            return

    def error_received(self, error: Exception) -> None:
        """Continue to wait, because another server may answer."""

    async def ask(self, servers: Sequence[Address]) -> dict[Address, Mapped]:
        """Return the answers that arrive in time."""
        loop = asyncio.get_running_loop()
        for server in dict.fromkeys(servers):
            transaction = secrets.token_bytes(TRANSACTION_BYTES)
            self._waiting[transaction] = (server, loop.create_future())
        for pause in _PAUSES_S:
            for transaction, (server, answer) in self._waiting.items():
                if not answer.done():
                    self._send(binding_request(transaction), server)
            await asyncio.wait([answer for _, answer in self._waiting.values()], timeout=pause)
            if all(answer.done() for _, answer in self._waiting.values()):
                break
        waited, self._waiting = self._waiting, {}
        return {server: answer.result() for server, answer in waited.values() if answer.done()}

    def _send(self, request: bytes, server: Address) -> None:
        assert self._transport is not None
        self._transport.sendto(request, server)


async def _look_up(host: str, port: int) -> Address | None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOKUP_TIMEOUT_S):
            found = await loop.getaddrinfo(
                host, port, family=socket.AF_INET, type=socket.SOCK_DGRAM
            )
    except (TimeoutError, OSError, UnicodeError):
        return None
    return (str(found[0][4][0]), port) if found else None
