"""What kind of NAT this machine is behind, by asking STUN servers from one socket (RFC 5780)."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from ..errors import BadAddressError, MalformedError
from ..findings import Finding, failed, failure, ok, skipped, warning
from ..wire.stun import (
    TRANSACTION_BYTES,
    Address,
    Mapped,
    binding_request,
    parse_server,
    read_response,
    transaction_of,
)

MAX_SERVERS = 4
# A request is repeated like this, as a datagram or two may be lost (RFC 8489 section 6.2.1).
_PAUSES_S = (0.3, 0.6, 1.1)
_LOOKUP_TIMEOUT_S = 3.0
_RELAY = "peers behind such networks meet by a relay (relay_url) or a TURN server (turn_url) only"


class Seen(msgspec.Struct, frozen=True):
    """What asking brought.

    Attributes:
        local: Address of the socket on this machine, on the way to the first server.
        mapped: As whom each server that answered saw it, by the server's address.
    """

    local: Address
    mapped: dict[Address, Address]


async def check_nat(servers: Sequence[str]) -> list[Finding]:
    """Return the kind of NAT between this machine and STUN servers.

    Args:
        servers: As in the setting ``stun_servers``.
    """
    if not servers:
        return [
            skipped(
                "nat",
                "No STUN server is set, so the kind of NAT is not known.",
                "PeerExtension.stun_servers=['stun:host:3478', ...] names some; two tell most",
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
                failed("nat", "The name of this STUN server is not known.", "check it", text)
            )
    addresses = [address for address in known if address is not None]
    if addresses:
        findings.append(judge(await ask_all(addresses), len(addresses)))
    return findings


def judge(seen: Seen, asked: int) -> Finding:
    """Return what kind of NAT that was.

    Args:
        seen: What asking brought.
        asked: How many servers were asked.
    """
    mapped = set(seen.mapped.values())
    data: dict[str, Any] = {
        "mapped": sorted(f"{host}:{port}" for host, port in mapped),
        "servers": len(seen.mapped),
    }
    if not mapped:
        return failed(
            "nat",
            f"None of {asked} STUN servers answers: UDP may be blocked on the way.",
            f"check stun_servers and the firewall; without UDP, {_RELAY}",
            kind="blocked",
        )
    shown = " and ".join(data["mapped"])
    if mapped == {seen.local}:
        return ok(
            "nat",
            f"No NAT: the internet sees this machine as itself ({shown}).",
            kind="open",
            **data,
        )
    if len(mapped) > 1:
        return warning(
            "nat",
            f"A symmetric NAT: each server sees another address ({shown}), so nobody can be told "
            "where to send.",
            f"{_RELAY}; with one side behind a milder NAT it may still work by STUN",
            kind="symmetric",
            **data,
        )
    if len(seen.mapped) < 2:
        return ok(
            "nat",
            f"There is a NAT, seen as {shown}. Its kind is not known: only one server answered.",
            kind="unknown",
            **data,
        )
    return ok(
        "nat",
        f"A cone NAT: all servers see the same address ({shown}), so WebRTC gets through by STUN.",
        kind="cone",
        **data,
    )


async def ask_all(servers: Sequence[Address]) -> Seen:
    """Ask servers from one socket how they see it.

    When only one answers, and has a second address, that is asked too.

    Args:
        servers: IPv4 addresses with ports.
    """
    loop = asyncio.get_running_loop()
    # connect() alone tells by which of its addresses this machine would go there
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
    """Sends requests and keeps the answers that fit them."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[bytes, tuple[Address, asyncio.Future[Mapped]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        transaction = transaction_of(data)
        server, answer = self._waiting.get(transaction or b"", (None, None))
        # Only from where it was asked: anybody can guess that something was.
        if answer is None or answer.done() or server != address[:2]:
            return
        try:
            answer.set_result(read_response(data, transaction or b""))
        except MalformedError:
            return

    def error_received(self, error: Exception) -> None:
        """Wait for the others: a closed port at one server is no answer."""

    async def ask(self, servers: Sequence[Address]) -> dict[Address, Mapped]:
        """Return the answers of those that answer in time."""
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
