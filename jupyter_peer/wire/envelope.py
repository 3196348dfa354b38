"""The signed unit of the wire and its canonical bytes (SPEC section 2)."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Sequence
from typing import Any, Union

import msgspec

from ..errors import MalformedError, TooLargeError
from .identity import SIGNATURE_BYTES, is_node_id

VERSION = 1
DEFAULT_TTL = 8
MAX_DEPTH = 64
MAX_BUFFERS = 4096

Buffer = Union[bytes, bytearray, memoryview]  # noqa: UP007 - evaluated at run time on 3.10

_MSG_ID = re.compile(r"[0-9a-f]{32}")
_TYPE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_known_types: set[str] = set()


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One message with its routing headers.

    Attributes:
        type: Kind of message, lower case letters, digits, ``_``, ``.`` and ``-``.
        msg_id: 32 hex digits, unique for its sender.
        re: ``msg_id`` of the request this answers, or None.
        src: Node id of the sender.
        ts: When it was made, epoch seconds.
        data: The payload, a JSON object. ``data["buffers"]`` lists the SHA-256 of each buffer.
        dst: Node id of the addressee; a routing header, not signed.
        ttl: How many relays may still pass it on; a routing header, not signed.
        sig: Ed25519 signature of the canonical bytes; empty inside a batch, which is signed whole.
        buffers: Raw bytes that belong to the payload.
    """

    type: str
    msg_id: str
    re: str | None
    src: str
    ts: float
    data: dict[str, Any]
    dst: str | None = None
    ttl: int = DEFAULT_TTL
    sig: bytes = b""
    buffers: Sequence[Buffer] = ()

    def canonical(self) -> bytes:
        """Return the bytes the signature covers, see :func:`canonical_bytes`."""
        return canonical_bytes(
            type=self.type,
            msg_id=self.msg_id,
            re=self.re,
            src=self.src,
            ts=self.ts,
            data=self.data,
        )


def canonical_bytes(
    *, type: str, msg_id: str, re: str | None, src: str, ts: float, data: dict[str, Any]
) -> bytes:
    """Return the canonical JSON of the signed fields.

    It is exactly what ``json.dumps({data, msg_id, re, src, ts, type, v}, sort_keys=True,
    separators=(",", ":"))`` writes. Only ``data`` goes through the JSON encoder: the other fields
    need no escaping once they have been checked, and this is on the path of every message.

    Raises:
        MalformedError: A field is not of its form, or the payload is not JSON (NaN and infinities
            included, as JSON has none).
    """
    if type not in _known_types:
        if not _TYPE.fullmatch(type):
            raise MalformedError("a message type is 1 to 64 of a-z 0-9 _ . -")
        if len(_known_types) < 1024:
            _known_types.add(type)
    try:
        text = _encode(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedError("the payload cannot be written as JSON") from error
    answered = f'"{re}"' if re is not None else "null"
    return (
        f'{{"data":{text},"msg_id":"{msg_id}","re":{answered},"src":"{src}",'
        f'"ts":{_number(ts)},"type":"{type}","v":1}}'
    ).encode("ascii")


def _number(ts: float) -> str:
    if not math.isfinite(ts):
        raise MalformedError("ts must be a finite number")
    return repr(ts)


class _Signed(msgspec.Struct):
    v: int
    type: str
    msg_id: str
    re: str | None
    src: str
    ts: float
    data: dict[str, Any]


_decoder = msgspec.json.Decoder(_Signed)


def from_canonical(
    canonical: bytes, *, sig: bytes = b"", ttl: int = DEFAULT_TTL, buffers: Sequence[Buffer] = ()
) -> Envelope:
    """Read canonical bytes as they came; the caller verifies the signature over the same bytes.

    Raises:
        MalformedError: They are not JSON of an envelope, or nested deeper than 64.
    """
    check_depth(canonical)
    try:
        signed = _decoder.decode(canonical)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MalformedError("the envelope is not the JSON it should be") from error
    _check(signed.v, signed.type, signed.msg_id, signed.re, signed.src, signed.ts)
    return Envelope(
        type=signed.type,
        msg_id=signed.msg_id,
        re=signed.re,
        src=signed.src,
        ts=signed.ts,
        data=signed.data,
        ttl=ttl,
        sig=sig,
        buffers=buffers,
    )


def _check(v: object, type: str, msg_id: str, re: str | None, src: str, ts: float) -> None:
    if v != VERSION or v is True:
        raise MalformedError("the envelope has another version than 1")
    if type not in _known_types and not _TYPE.fullmatch(type):
        raise MalformedError("a message type is 1 to 64 of a-z 0-9 _ . -")
    if not _MSG_ID.fullmatch(msg_id) or (re is not None and not _MSG_ID.fullmatch(re)):
        raise MalformedError("a message id is 32 hex digits")
    if not is_node_id(src):
        raise MalformedError("src is not a node id")
    if not math.isfinite(ts):
        raise MalformedError("ts must be a finite number")


def check_depth(text: bytes) -> None:
    """Refuse JSON that is nested deeper than 64, without parsing it.

    Raises:
        MalformedError: It is.
    """
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return  # too few brackets to be deep: the common case costs two scans in C
    depth = deepest = 0
    in_string = False
    for token in _STRUCTURE.finditer(text):
        char = token.group()[:1]
        if char == b'"':
            in_string = not in_string
        elif not in_string and char in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                raise MalformedError("the payload is nested too deeply")
        elif not in_string and char in b"]}":
            depth -= 1


# Whole strings are one token, so that brackets inside them do not count.
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


def to_text(
    canonical: bytes,
    sig: bytes,
    *,
    dst: str | None = None,
    ttl: int = DEFAULT_TTL,
    buffers: Sequence[Buffer] = (),
) -> str:
    """Write the plain JSON of the original system, one text message an envelope (SPEC section 3).

    The canonical bytes are already a JSON object with all signed fields, so the others are written
    behind them. Buffers, which that system does not have, go base64 under the unsigned key
    ``raw``; their hashes in ``data["buffers"]`` are signed.
    """
    routing: dict[str, Any] = {"dst": dst, "ttl": ttl, "sig": base64.b64encode(sig).decode()}
    if buffers:
        routing["raw"] = [base64.b64encode(buffer).decode() for buffer in buffers]
    return canonical[:-1].decode("ascii") + "," + _encode(routing)[1:]


def from_text(text: str, *, max_bytes: int) -> Envelope:
    """Read the plain JSON of the original system. Unknown keys are ignored.

    The standard library's parser is used, not a quicker one: the signature covers what
    ``json.dumps`` makes of the parsed numbers again, so both must agree on every digit.

    Raises:
        TooLargeError: The text is longer than ``max_bytes``.
        MalformedError: It is not an envelope.
    """
    if len(text) > max_bytes:
        raise TooLargeError(f"a message of {len(text)} bytes is over the limit of {max_bytes}")
    check_depth(text.encode("utf-8", "surrogatepass"))
    try:
        fields = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the frame is not JSON") from error
    if not isinstance(fields, dict):
        raise MalformedError("the frame is not a JSON object")
    kind, msg_id, answered, src = (fields.get(key) for key in ("type", "msg_id", "re", "src"))
    ts, data, dst, ttl = (fields.get(key) for key in ("ts", "data", "dst", "ttl"))
    if (
        not isinstance(kind, str)
        or not isinstance(msg_id, str)
        or not isinstance(answered, (str, type(None)))
        or not isinstance(src, str)
        or isinstance(ts, bool)
        or not isinstance(ts, (int, float))
        or not isinstance(data, dict)
        or not isinstance(dst, (str, type(None)))
        or isinstance(ttl, bool)
        or not isinstance(ttl, (int, type(None)))
    ):
        raise MalformedError("a field of the envelope is missing or has the wrong type")
    _check(fields.get("v"), kind, msg_id, answered, src, ts)
    return Envelope(
        type=kind,
        msg_id=msg_id,
        re=answered,
        src=src,
        ts=ts,
        data=data,
        dst=dst,
        ttl=DEFAULT_TTL if ttl is None else ttl,
        sig=_decode_base64(fields.get("sig"), "sig", SIGNATURE_BYTES),
        buffers=_decode_buffers(fields.get("raw")),
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _decode_base64(value: object, name: str, length: int | None = None) -> bytes:
    if isinstance(value, str):
        try:
            raw = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if (len(raw) == length) if length is not None else (bool(raw) or value == ""):
            return raw
    raise MalformedError(f"{name} is not the base64 it should be")


def _decode_buffers(value: object) -> tuple[bytes, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_BUFFERS:
        raise MalformedError("raw must be a list of base64 texts")
    return tuple(_decode_base64(entry, "raw") for entry in value)
