"""Session descriptions of data channels (RFC 8866, RFC 8829, RFC 8841), parsed and written anew.

This module parses the description of the other side and writes a new one from the parts that it
knows. So the WebRTC library never reads a line that somebody else has written.
"""

from __future__ import annotations

import ipaddress
import re

import msgspec

from ...errors import MalformedError, TooLargeError

MAX_SDP = 16 * 1024
MAX_LINES = 128
MAX_CANDIDATES = 16
MAX_MESSAGE = 256 * 1024
_PORT = 5000
_ANSWERS = "a=x-jupyter-peer-answers:"
_INTRODUCTION = "a=x-jupyter-peer-introduction:"

_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_INTRODUCED = re.compile(r"[A-Za-z0-9+/]{43}= [A-Za-z0-9+/]{86}==")
_FINGERPRINT = re.compile(r"(sha-256|sha-384|sha-512) ((?:[0-9A-Fa-f]{2}:){31,63}[0-9A-Fa-f]{2})")
_HASH_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_CANDIDATE = re.compile(
    r"(?P<foundation>[A-Za-z0-9+/]{1,32}) 1 [Uu][Dd][Pp] (?P<priority>[0-9]{1,10}) "
    r"(?P<host>[0-9A-Fa-f.:]{2,45}) (?P<port>[0-9]{1,5}) typ (?P<type>host|srflx|prflx|relay)"
    r"(?: .{0,200})?"
)


class Candidate(msgspec.Struct, frozen=True):
    """A UDP address at which the other side may be reached (RFC 8839 section 5.1)."""

    foundation: str
    priority: int
    host: str
    port: int
    type: str


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """The description of one end of a data channel.

    Attributes:
        ufrag, password: Login for the connectivity checks of ICE.
        setup: ``actpass`` in an offer, ``active`` or ``passive`` in an answer.
        fingerprints: Fingerprints of the certificate, as ``(hash, hex)``.
        candidates: Candidate addresses, in the order given.
        answers: The ``ufrag`` of the offer that an answer belongs to.
        introduction: The sender's public key and signature of an offer; see :mod:`.introduction`.
    """

    ufrag: str
    password: str
    setup: str
    fingerprints: list[tuple[str, str]]
    candidates: list[Candidate]
    answers: str | None = None
    introduction: str | None = None

    @classmethod
    def from_sdp(cls, kind: str, sdp: object, *, allow_loopback: bool = False) -> Description:
        """Read an offer or an answer.

        Candidates that cannot be used are omitted: other components, TCP, host names, and
        addresses that do not belong to a single other machine. So are all after the first 16.

        Args:
            kind: ``offer`` or ``answer``.
            sdp: The description as received.
            allow_loopback: Whether loopback addresses are candidates.

        Raises:
            TooLargeError: The description has over 16 KiB or 128 lines.
            MalformedError: It does not describe exactly one data channel.
        """
        if not isinstance(sdp, str):
            raise MalformedError("a session description is text")
        if len(sdp) > MAX_SDP or sdp.count("\n") > MAX_LINES:
            raise TooLargeError("the session description is too large")
        lines = [line.rstrip("\r") for line in sdp.split("\n")]
        media = [line for line in lines if line.startswith("m=")]
        if lines[0] != "v=0" or len(media) != 1 or not media[0].startswith("m=application "):
            raise MalformedError("the session description is not that of one data channel")
        setup = _one(lines, "a=setup:", re.compile("actpass|active|passive"))
        if (setup == "actpass") is not (kind == "offer"):
            raise MalformedError(f"this is no {kind}")
        if "a=sctp-port:5000" not in lines:
            raise MalformedError("the session description has no data channel of SCTP")
        fingerprints = []
        for line in lines:
            match = _FINGERPRINT.fullmatch(line.removeprefix("a=fingerprint:"))
            if match and match[2].count(":") + 1 == _HASH_BYTES[match[1]]:
                fingerprints.append((match[1], match[2].upper()))
        if not 0 < len(fingerprints) <= len(_HASH_BYTES):
            raise MalformedError("the session description has no fingerprint of its certificate")
        found = [
            candidate
            for line in lines
            if line.startswith("a=candidate:")
            and (candidate := _candidate(line.removeprefix("a=candidate:"), allow_loopback))
        ]
        return cls(
            ufrag=_one(lines, "a=ice-ufrag:", _UFRAG),
            password=_one(lines, "a=ice-pwd:", _PASSWORD),
            setup=setup,
            fingerprints=fingerprints,
            candidates=found[:MAX_CANDIDATES],
            answers=_one_at_most(lines, _ANSWERS, _UFRAG),
            introduction=_one_at_most(lines, _INTRODUCTION, _INTRODUCED),
        )

    def to_sdp(self) -> str:
        """Write the description, with only the parts that this module knows."""
        lines = [
            "v=0",
            "o=- 1 1 IN IP4 0.0.0.0",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE 0",
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP4 0.0.0.0",
            "a=mid:0",
            f"a=sctp-port:{_PORT}",
            f"a=max-message-size:{MAX_MESSAGE}",
            *(
                f"a=candidate:{each.foundation} 1 udp {each.priority} {each.host} {each.port} "
                f"typ {each.type}"
                for each in self.candidates
            ),
            "a=end-of-candidates",
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.password}",
            *(f"a=fingerprint:{name} {digest}" for name, digest in self.fingerprints),
            f"a=setup:{self.setup}",
        ]
        if self.answers is not None:
            lines.append(_ANSWERS + self.answers)
        if self.introduction is not None:
            lines.append(_INTRODUCTION + self.introduction)
        return "\r\n".join(lines) + "\r\n"


def _one(lines: list[str], prefix: str, form: re.Pattern[str]) -> str:
    values = {line.removeprefix(prefix) for line in lines if line.startswith(prefix)}
    if len(values) != 1 or not form.fullmatch(value := values.pop()):
        raise MalformedError(f"the session description has no good {prefix}")
    return value


def _one_at_most(lines: list[str], prefix: str, form: re.Pattern[str]) -> str | None:
    if any(line.startswith(prefix) for line in lines):
        return _one(lines, prefix, form)
    return None


def _candidate(text: str, allow_loopback: bool) -> Candidate | None:
    match = _CANDIDATE.fullmatch(text)
    if match is None:
        return None
    priority, port = int(match["priority"]), int(match["port"])
    try:
        host = ipaddress.ip_address(match["host"])
    except ValueError:
        return None
    if not (0 < port < 65536 and priority < 2**32) or not _is_one_machine(host, allow_loopback):
        return None
    return Candidate(match["foundation"], priority, str(host), port, match["type"])


def _is_one_machine(
    host: ipaddress.IPv4Address | ipaddress.IPv6Address, allow_loopback: bool
) -> bool:
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped is not None:
        return False
    if host.is_loopback:
        return allow_loopback
    return not (host.is_multicast or host.is_unspecified) and str(host) != "255.255.255.255"
