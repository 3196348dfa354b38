"""Tests whether a TURN server allocates a relayed address for this node (RFC 8656)."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
import time

from ...errors import BadAddressError
from ...findings import Finding, failed, failure, ok, skipped
from ...phrase import phrase
from ...primitives.pauses import pause_until

TIMEOUT_S = 6.0
_CLOSE_TIMEOUT_S = 2.0
_URL = re.compile(
    r"(?P<scheme>turns?):(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?",
    re.IGNORECASE,
)
_PORTS = {"turn": 3478, "turns": 5349}


def parse_turn(url: str) -> tuple[str, int, str, bool]:
    """Return host, port, ``udp`` or ``tcp``, and whether TLS is spoken (RFC 7065).

    Raises:
        BadAddressError: It is not the URL of a TURN server.
    """
    match = _URL.fullmatch(url.strip())
    if match is not None:
        scheme = match["scheme"].lower()
        port = int(match["port"] or _PORTS[scheme])
        if 0 < port < 65536:
            has_tls = scheme == "turns"
            transport = (match["transport"] or ("tcp" if has_tls else "udp")).lower()
            return match["host"].strip("[]"), port, transport, has_tls
    raise BadAddressError(
        f"{url[:80]!r} is not a TURN server", hint="write it as turn:host:3478?transport=udp"
    )


class _Ended(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


async def try_turn(url: str, username: str, credential: str) -> Finding:
    """Request an allocation from a TURN server, and release it.

    Args:
        url: The URL in the form of the setting ``turn_url``.
        username: User name at the server.
        credential: Password, which appears in no finding.
    """
    try:
        host, port, transport, has_tls = parse_turn(url)
    except BadAddressError as error:
        return failure("turn", error)
    subject = f"{host}:{port}/{transport}"
    if importlib.util.find_spec("aioice") is None:
        return skipped(
            "turn",
            phrase("It is not tried and not used: the packages for WebRTC are not installed."),
            phrase("pip install 'jupyter-peer[webrtc]'"),
            subject,
        )
    turn = await asyncio.to_thread(importlib.import_module, "aioice.turn")
    stun = importlib.import_module("aioice.stun")
    started = time.monotonic()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            endpoint, ended = await turn.create_turn_endpoint(
                _Ended, (host, port), username, credential, ssl=has_tls, transport=transport
            )
    except (TimeoutError, stun.TransactionTimeout):
        return failed(
            "turn",
            phrase("It does not answer."),
            phrase("check turn_url, that the server runs, and that no firewall is in between"),
            subject,
        )
    except stun.TransactionFailed as error:
        number, reason = error.response.attributes.get("ERROR-CODE", (0, "no reason given"))
        return failed(
            "turn",
            phrase(
                "It refuses an allocation: {number} {reason}.",
                number=number,
                reason=str(reason)[:100],
            ),
            phrase("check turn_username and turn_credential")
            if number in (401, 403)
            else phrase("see its log"),
            subject,
            code=number,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or str(error) or type(error).__name__
        return failed(
            "turn",
            phrase("It cannot be reached: {why}.", why=why),
            phrase("check turn_url"),
            subject,
        )
    took = round((time.monotonic() - started) * 1000, 1)
    relayed = endpoint.get_extra_info("sockname")
    endpoint.close()
    # a server that does not answer drops the allocation after at most ten minutes
    await pause_until(ended.ended, _CLOSE_TIMEOUT_S)
    return ok(
        "turn",
        phrase(
            "It gave an address, {host}:{port}, in {took} ms: links get through "
            "where nothing else does.",
            host=relayed[0],
            port=relayed[1],
            took=took,
        ),
        subject,
        ms=took,
    )
