"""STUN binding requests and responses (RFC 8489), which show a socket's public address."""

from __future__ import annotations

import ipaddress
import re
from struct import Struct

import msgspec

from ..errors import BadAddressError, MalformedError

MAGIC = 0x2112A442
TRANSACTION_BYTES = 12
DEFAULT_PORT = 3478
MAX_RESPONSE = 2048
_BINDING_REQUEST = 0x0001
_BINDING_SUCCESS = 0x0101
_MAPPED_ADDRESS = 0x0001
_CHANGED_ADDRESS = 0x0005  # RFC 3489, what OTHER-ADDRESS was called before
_XOR_MAPPED_ADDRESS = 0x0020
_OTHER_ADDRESS = 0x802C  # RFC 5780
_HEADER = Struct(">HHI12s")
_ATTRIBUTE = Struct(">HH")
_FAMILY_BYTES = {1: 4, 2: 16}
_SERVER = re.compile(
    r"(?:stun:)?(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>\d{1,5}))?", re.IGNORECASE
)

Address = tuple[str, int]


class Mapped(msgspec.Struct, frozen=True):
    """The response of a STUN server about a socket.

    Attributes:
        address: The source of the request as the server sees it: (IP address, port).
        other: Another address of the same server that answers requests too, if it has one.
    """

    address: Address
    other: Address | None = None


def parse_server(text: str) -> Address:
    """Return host and port of ``stun:host``, ``stun:host:port`` or ``host:port`` (RFC 7064).

    Raises:
        BadAddressError: The text has another form.
    """
    match = _SERVER.fullmatch(text.strip())
    port = int(match["port"] or DEFAULT_PORT) if match else 0
    if match is None or not 0 < port < 65536:
        raise BadAddressError(
            f"{text[:80]!r} is not a STUN server", hint="write it as stun:host:port"
        )
    return match["host"].strip("[]"), port


def binding_request(transaction: bytes) -> bytes:
    """Return a request without attributes.

    Args:
        transaction: 12 random bytes, which the response repeats.

    Raises:
        ValueError: ``transaction`` does not have 12 bytes.
    """
    if len(transaction) != TRANSACTION_BYTES:
        raise ValueError("a STUN transaction has 12 bytes")
    return _HEADER.pack(_BINDING_REQUEST, 0, MAGIC, transaction)


def transaction_of(datagram: bytes) -> bytes | None:
    """Return the transaction of a datagram; None if it is not STUN."""
    if len(datagram) < _HEADER.size:
        return None
    kind, _, magic, transaction = _HEADER.unpack_from(datagram)
    return transaction if magic == MAGIC and kind < 0x4000 else None


def read_response(datagram: bytes, transaction: bytes) -> Mapped:
    """Read the response to a request.

    Raises:
        MalformedError: The datagram is not a success response to this request.
    """
    if len(datagram) > MAX_RESPONSE or transaction_of(datagram) != transaction:
        raise MalformedError("this is not the answer of a STUN server")
    kind, length, _, _ = _HEADER.unpack_from(datagram)
    if kind != _BINDING_SUCCESS:
        raise MalformedError("the STUN server refused the request")
    if length != len(datagram) - _HEADER.size or length % 4:
        raise MalformedError("the answer of the STUN server is cut off")
    found: dict[int, Address] = {}
    at = _HEADER.size
    while at < len(datagram):
        attribute, size = _ATTRIBUTE.unpack_from(datagram, at)
        at += _ATTRIBUTE.size
        value = datagram[at : at + size]
        if len(value) != size:
            raise MalformedError("an attribute of the STUN answer is cut off")
        at += (size + 3) // 4 * 4
        if attribute == _XOR_MAPPED_ADDRESS:
            found.setdefault(attribute, _address(value, transaction))
        elif attribute in (_MAPPED_ADDRESS, _OTHER_ADDRESS, _CHANGED_ADDRESS):
            found.setdefault(attribute, _address(value, None))
    mapped = found.get(_XOR_MAPPED_ADDRESS) or found.get(_MAPPED_ADDRESS)
    if mapped is None:
        raise MalformedError("the answer of the STUN server has no address")
    return Mapped(mapped, found.get(_OTHER_ADDRESS) or found.get(_CHANGED_ADDRESS))


def _address(value: bytes, transaction: bytes | None) -> Address:
    """Read an address (RFC 8489 section 14.1); with a transaction, an XORed one (section 14.2)."""
    size = _FAMILY_BYTES.get(value[1]) if len(value) >= 4 else None
    if size is None or len(value) != 4 + size:
        raise MalformedError("an address in the STUN answer is malformed")
    port, raw = int.from_bytes(value[2:4], "big"), value[4:]
    if transaction is not None:
        port ^= MAGIC >> 16
        mask = MAGIC.to_bytes(4, "big") + transaction
        raw = bytes(byte ^ key for byte, key in zip(raw, mask, strict=False))
    return str(ipaddress.ip_address(raw)), port
