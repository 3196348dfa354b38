"""The signed unit of the wire and its canonical bytes (SPEC section 2)."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gc
import json
import json.encoder
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from ...errors import BadIdentityError, MalformedError, TooLargeError
from .identity import SIGNATURE_BYTES, is_node_id
from .json_bounds import HEAVY, check_depth, has_parts

VERSION = 1
DEFAULT_TTL = 8
MAX_BUFFERS = 4096
KEEPS_ORDER = "key-order"
"""Capability of a node that accepts payloads with their keys in any order."""

Buffer = bytes | bytearray | memoryview

_is_msg_id = re.compile(r"[0-9a-f]{32}").fullmatch
_is_type = re.compile(r"[a-z][a-z0-9_.-]{0,63}").fullmatch
# The signed fields beside the payload take 115 bytes, and 65 levels of nesting another 130.
_SURELY_SHALLOW = 240
# For larger payloads it pays to check whether the quicker encoder may be used.
_LARGE = 4096
# Above this only what the quick parser knows is read: the other takes ten times as long.
_TOO_LARGE_TO_WAIT = 64 * 1024
# Values of a list that are encoded in one call.
_AT_ONCE = 16 * 1024
_PRINTABLE = bytes(range(0x20, 0x7F))
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789+-", b"0" * 11)
_known_types: set[str] = set()


def _make_encode(*, sort_keys: bool) -> Callable[[Any], str]:
    """Return a function that encodes like ``json.dumps(sort_keys=..., separators=(",", ":"))``.

    ``JSONEncoder.encode`` makes a new C encoder for every call, which costs as much as encoding a
    small payload. Here one encoder serves all calls. It does not detect cycles, so a cycle ends in
    a RecursionError instead of a ValueError.
    """
    plain = json.JSONEncoder(sort_keys=sort_keys, separators=(",", ":"), allow_nan=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # not CPython
        return plain.encode
    escape = json.encoder.encode_basestring_ascii
    # markers, default, encoder, indent, key separator, item separator, sort, skip keys, NaN
    encode = make(None, plain.default, escape, None, ":", ",", sort_keys, False, False)
    return lambda value: "".join(encode(value, 0))


_encode = _make_encode(sort_keys=False)
_encode_sorted = _make_encode(sort_keys=True)


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """One message with its routing headers.

    Attributes:
        type: Kind of message, lower case letters, digits, ``_``, ``.`` and ``-``.
        msg_id: 32 hex digits, unique for its sender.
        re: ``msg_id`` of the request this answers, or None.
        src: Node id of the sender.
        ts: Time when it was made, epoch seconds.
        data: The payload, a JSON object. ``data["buffers"]`` lists the SHA-256 of each buffer.
        dst: Node id of the addressee; a routing header, not signed.
        ttl: Number of relays that may still pass it on; a routing header, not signed.
        sig: Ed25519 signature of the canonical bytes, or of the batch the envelope came in.
        buffers: Raw bytes that belong to the payload.
        signed: The canonical bytes as received; empty until their signature was verified.
        batch: The bytes that the signature of its batch covers; empty outside of a batch.
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
    signed: bytes = b""
    batch: bytes = b""

    def canonical(self) -> bytes:
        """Return the bytes the signature covers on the unsealed wire; see :func:`canonical_bytes`."""
        return canonical_bytes(
            type=self.type,
            msg_id=self.msg_id,
            re=self.re,
            src=self.src,
            ts=self.ts,
            data=self.data,
        )


def canonical_bytes(
    *,
    type: str,
    msg_id: str,
    re: str | None,
    src: str,
    ts: float,
    data: dict[str, Any],
    keep_order: bool = False,
) -> bytes:
    """Return the canonical JSON of the signed fields.

    It is exactly what ``json.dumps({data, msg_id, re, src, ts, type, v}, separators=(",", ":"))``
    writes. Only ``data`` goes through the JSON encoder: the other fields need no escaping once they
    have been checked, and this is on the path of every message.

    Args:
        type: Kind of message.
        msg_id: Its id.
        re: Id of the message that it answers.
        src: Node id of the sender.
        ts: When it was made.
        data: The payload.
        keep_order: Whether keys of the payload keep their order. Otherwise they are sorted, because
            the receiver accepts no other order: it is older, or writes them anew on the unsealed wire.

    Raises:
        MalformedError: A field has a wrong form, or the payload cannot be written as JSON, which
            has no NaN and no infinity. Or :func:`check_depth` refuses it, as each receiver would.
    """
    if type not in _known_types:
        _check_type(type)
    encode = _encode if keep_order else _encode_sorted
    try:
        text = encode(data)
        if len(text) > _TOO_LARGE_TO_WAIT and "\\ud" in text:
            text = encode(without_surrogates(data))
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedError("the payload cannot be written as JSON") from error
    canonical = _join(text, type, msg_id, re, src, ts)
    if len(canonical) > _SURELY_SHALLOW:
        check_depth(canonical)
    return canonical


def _join(data: str, type: str, msg_id: str, re: str | None, src: str, ts: float) -> bytes:
    answered = f'"{re}"' if re is not None else "null"
    return (
        f'{{"data":{data},"msg_id":"{msg_id}","re":{answered},"src":"{src}",'
        f'"ts":{_number(ts)},"type":"{type}","v":1}}'
    ).encode("ascii")


def _number(ts: float) -> str:
    if not _is_finite(ts):
        raise MalformedError("ts must be a finite number")
    return repr(ts)


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer that no float can hold
        return False


class _Signed(msgspec.Struct, gc=False):
    """The signed fields, in the order of their canonical form."""

    data: dict[str, Any]
    msg_id: str
    re: str | None
    src: str
    ts: int | float
    type: str
    v: int


_decode = msgspec.json.Decoder(_Signed).decode
_encode_quickly = msgspec.json.Encoder().encode


def from_canonical(
    canonical: bytes,
    sig: bytes = b"",
    ttl: int = DEFAULT_TTL,
    buffers: Sequence[Buffer] = (),
    *,
    src: str | None = None,
    batch: bytes = b"",
) -> Envelope:
    """Read canonical bytes; the caller verifies the signature over the same bytes.

    Lone surrogates in the payload become question marks. Signed bytes up to 64 KiB may hold them, but later
    steps (UTF-8, SQLite, a browser) cannot handle them.

    Args:
        canonical: The signed bytes.
        sig: Their signature.
        ttl: The routing header ``ttl``.
        buffers: The raw buffers that came beside them.
        src: The node that must be the sender; None accepts every node.
        batch: The bytes that the signature covers instead, if it is the signature of a batch.

    Raises:
        MalformedError: The bytes are not the canonical JSON of an envelope, or
            :func:`check_depth` refuses them.
        BadIdentityError: They name another sender than ``src``.
    """
    if len(canonical) > _SURELY_SHALLOW:
        check_depth(canonical)
    if len(canonical) <= _LARGE:
        signed = _read_signed(canonical, src)
    else:
        with _collector_paused():
            signed = _read_signed(canonical, src)
    return Envelope(
        signed.type,
        signed.msg_id,
        signed.re,
        signed.src,
        signed.ts,
        signed.data,
        None,
        ttl,
        sig,
        buffers,
        canonical,
        batch,
    )


def _read_signed(canonical: bytes, src: str | None) -> _Signed:
    try:
        signed = _decode(canonical)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        if len(canonical) > _TOO_LARGE_TO_WAIT:
            raise MalformedError("the envelope is not JSON") from error
    else:
        _check(signed, src)
        if not _is_canonical(signed, canonical):
            raise MalformedError("the envelope is not in its canonical form")
        return signed
    # Only the standard library reads lone surrogates, which kernels do print.
    try:
        text = str(canonical, "ascii")
    except UnicodeDecodeError as error:
        raise MalformedError("the envelope is not in its canonical form") from error
    try:
        signed, _ = _parse(text)
    except _NotFinite as error:
        raise MalformedError("the envelope is not JSON") from error
    _check(signed, src)
    if _written(signed) != canonical:
        raise MalformedError("the envelope is not in its canonical form")
    signed.data = without_surrogates(signed.data)
    return signed


def _is_canonical(signed: _Signed, canonical: bytes) -> bool:
    """Return whether bytes are what this envelope is written as, with the keys in their order.

    msgspec writes large payloads about twenty times as quickly as the standard library. Both write
    the same bytes, except for characters that are not printable ASCII and for numbers that either
    of them writes with an exponent.
    """
    if (
        len(canonical) > _LARGE
        and not canonical.translate(None, _PRINTABLE)
        and b"\\u" not in canonical
        and b"0.0000" not in canonical
        and b"0e0" not in canonical.translate(_DIGITS_AS_ZERO)
    ):
        return _encode_quickly(signed) == canonical
    return _written(signed, len(canonical) > HEAVY) == canonical


def _written(signed: _Signed, is_heavy: bool = False) -> bytes:
    try:
        text = (_encode_in_pieces if is_heavy else _encode)(signed.data)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the payload cannot be written as JSON") from error
    return _join(text, signed.type, signed.msg_id, signed.re, signed.src, signed.ts)


def _encode_in_pieces(value: Any) -> str:
    """Encode as :data:`_encode` does, without a call that keeps other threads waiting for long."""
    if isinstance(value, dict) and has_parts(value.values()):
        pairs = [f"{_encode(key)}:{_encode_in_pieces(item)}" for key, item in value.items()]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list) and has_parts(value):
        return "[" + ",".join(map(_encode_in_pieces, value)) + "]"
    if isinstance(value, list) and len(value) > _AT_ONCE:
        starts = range(0, len(value), _AT_ONCE)
        return "[" + ",".join(_encode(value[at : at + _AT_ONCE])[1:-1] for at in starts) + "]"
    return _encode(value)


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Stop the cycle collector, which would walk a growing payload again and again."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def without_surrogates(data: dict[str, Any]) -> dict[str, Any]:
    """Return a payload with its lone surrogates replaced by question marks."""
    clean: dict[str, Any] = json.loads(
        json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
    )
    return clean


def _check(signed: _Signed, src: str | None = None) -> None:
    """Check the form of the fields; their types were checked before."""
    if signed.v != VERSION:
        raise MalformedError("the envelope has another version than 1")
    if signed.type not in _known_types:
        _check_type(signed.type)
    if not _is_msg_id(signed.msg_id) or (signed.re is not None and not _is_msg_id(signed.re)):
        raise MalformedError("a message id is 32 hex digits")
    if signed.src != src:
        if not is_node_id(signed.src):
            raise MalformedError("src is not a node id")
        if src is not None:
            raise BadIdentityError("the peer sent an envelope in another node's name")


def _check_type(type: str) -> None:
    if not _is_type(type):
        raise MalformedError("a message type is 1 to 64 of a-z 0-9 _ . -")
    if len(_known_types) < 1024:
        _known_types.add(type)


def to_text(
    canonical: bytes,
    sig: bytes,
    *,
    dst: str | None = None,
    ttl: int = DEFAULT_TTL,
    buffers: Sequence[Buffer] = (),
) -> str:
    """Write an envelope as the plain JSON of the original system (SPEC section 3).

    The canonical bytes are already a JSON object with all signed fields, so the other fields are
    appended to them. The original system has no buffers. They are sent as base64 under the unsigned
    key ``raw``, and their hashes in ``data["buffers"]`` are signed.
    """
    routing: dict[str, Any] = {"dst": dst, "ttl": ttl, "sig": base64.b64encode(sig).decode()}
    if buffers:
        routing["raw"] = [base64.b64encode(buffer).decode() for buffer in buffers]
    return canonical[:-1].decode("ascii") + "," + _encode_sorted(routing)[1:]


def from_text(text: str, *, max_bytes: int) -> Envelope | None:
    """Read the plain JSON of the original system. Unknown keys are ignored.

    Returns:
        The envelope; None if it has NaN or an infinity, which JSON does not have but that system
        sends.

        The parser is that of the standard library: the signature covers the numbers as ``json.dumps``
        writes them again, so parser and writer must agree on every digit.

    Raises:
        TooLargeError: The text is longer than ``max_bytes``.
        MalformedError: The text is not an envelope.
    """
    if len(text) > max_bytes:
        raise TooLargeError(f"a message of {len(text)} bytes is over the limit of {max_bytes}")
    check_depth(text.encode("utf-8", "surrogatepass"))
    try:
        signed, fields = _parse(text)
    except _NotFinite:
        return None
    _check(signed)
    dst, ttl = fields.get("dst"), fields.get("ttl")
    if not isinstance(dst, (str, type(None))) or isinstance(ttl, bool):
        raise MalformedError("a routing header of the envelope has the wrong type")
    if ttl is None:
        ttl = DEFAULT_TTL
    elif not isinstance(ttl, int):
        raise MalformedError("a routing header of the envelope has the wrong type")
    return Envelope(
        signed.type,
        signed.msg_id,
        signed.re,
        signed.src,
        signed.ts,
        signed.data,
        dst,
        ttl,
        _decode_base64(fields.get("sig"), "sig", SIGNATURE_BYTES),
        _decode_buffers(fields.get("raw")),
    )


def _parse(text: str) -> tuple[_Signed, dict[str, Any]]:
    """Read an envelope with the standard library; return its signed fields and all its fields.

    Raises:
        MalformedError: The text is not an envelope.
        _NotFinite: The envelope has a number that is not finite.
    """
    try:
        fields = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except _NotFinite:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedError("the envelope is not JSON") from error
    if not isinstance(fields, dict):
        raise MalformedError("the envelope is not a JSON object")
    v, kind, msg_id, answered = (fields.get(key) for key in ("v", "type", "msg_id", "re"))
    src, ts, data = (fields.get(key) for key in ("src", "ts", "data"))
    if (
        isinstance(v, bool)
        or not isinstance(v, int)
        or not isinstance(kind, str)
        or not isinstance(msg_id, str)
        or not isinstance(answered, (str, type(None)))
        or not isinstance(src, str)
        or isinstance(ts, bool)
        or not isinstance(ts, (int, float))
        or not isinstance(data, dict)
    ):
        raise MalformedError("a field of the envelope is missing or has the wrong type")
    if not _is_finite(ts):
        raise MalformedError("ts must be a finite number")
    return _Signed(data, msg_id, answered, src, ts, kind, v), fields


class _NotFinite(ValueError):  # noqa: N818 - a number, not a failure
    """A number is NaN or infinite."""


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _NotFinite("a number that no float can hold")
    return value


def _refuse_constant(name: str) -> None:
    raise _NotFinite(f"{name} is not JSON")


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
