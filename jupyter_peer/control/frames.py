"""Frames of the control socket, shared by server, kernel and (mirrored) browser.

The control socket is how browser tabs, kernels and the command line use the hub of their own
server. A frame is a JSON object in a WebSocket text message::

    -> {"id": 7, "op": "invite", "params": {"ttl_s": 600}}        without "id": no answer
    <- {"id": 7, "progress": {...}}                               any number of them
    <- {"id": 7, "result": {...}}    or    {"id": 7, "error": {code, message, hint}}
    <- {"event": "peers", "data": {...}}

A frame with very long strings is a binary message instead: ``u32 header length (big-endian) | JSON
header | buffers``. The header is the same object with its long strings extracted
(:mod:`jupyter_peer.document.blobs`) and ``"buffers": [sha256hex, ...]``, ``"lengths": [...]`` beside it.

Unknown keys are ignored, so that an older server understands a newer page. Everything else that
does not fit is refused. The operations are in :mod:`.table`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import msgspec

from ..document.blobs import Blob, extract_strings, inline_strings
from ..errors import BadRequestError, MalformedError, PeerError, from_wire, to_page
from .operation import check_struct, words_of

MAX_ID = 2**53 - 1
MAX_FRAME = 128 * 1024 * 1024
MAX_BUFFERS = 4096
#: Only frames longer than this are searched for long strings to extract.
PLAIN_UP_TO = 64 * 1024

_Id = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
_LENGTH = struct.Struct(">I")
_HINT = "a request is a JSON object {id, op, params} with an op of docs/reference/operations.md"


class Frame(NamedTuple):
    """One WebSocket message: UTF-8 JSON in a text message, or a binary one."""

    payload: bytes
    is_binary: bool


class Request(msgspec.Struct, frozen=True):
    """A request of a client; ``id`` is None if it does not wait for an answer."""

    op: Annotated[str, msgspec.Meta(max_length=64)]
    id: _Id | None = None
    params: dict[str, Any] = msgspec.field(default_factory=dict)


class Reply(NamedTuple):
    """The result of a request."""

    id: int
    result: dict[str, Any]


class Failure(NamedTuple):
    """The error of a request; ``id`` is None if the request could not be read."""

    id: int | None
    error: PeerError


class Progress(NamedTuple):
    """A step on the way to the result of a request."""

    id: int
    progress: dict[str, Any]


class Event(NamedTuple):
    """News that no request asked for."""

    event: str
    data: dict[str, Any]


def encode_request(op: str, params: Mapping[str, Any], id: int | None = None) -> Frame:
    """Return the frame of a request; without ``id`` it is not answered."""
    fields: dict[str, Any] = {"op": op, "params": params}
    return _encode(fields if id is None else {"id": id, **fields})


def encode_reply(id: int, result: msgspec.Struct | Mapping[str, Any]) -> Frame:
    """Return the frame of a result."""
    return _encode({"id": id, "result": result})


def encode_failure(id: int | None, error: BaseException) -> Frame:
    """Return the frame of an error; see :func:`jupyter_peer.errors.to_page`."""
    return _encode({"id": id, "error": to_page(error)})


def encode_progress(id: int, progress: Mapping[str, Any]) -> Frame:
    """Return the frame of a step on the way to a result."""
    return _encode({"id": id, "progress": progress})


def encode_event(event: str, data: msgspec.Struct | Mapping[str, Any], weight: int = 0) -> Frame:
    """Return the frame of an event.

    Args:
        event: Its name.
        data: Its content.
        weight: About how many bytes the content has, if known. A large event is then encoded once.
    """
    return _encode({"event": event, "data": data}, weight)


def _encode(fields: dict[str, Any], weight: int = 0) -> Frame:
    try:
        text = b""
        if weight <= PLAIN_UP_TO:
            text = _encode_plain(fields)
            if len(text) <= PLAIN_UP_TO:
                return Frame(text, False)
        extracted, blobs = extract_strings(msgspec.to_builtins(fields))
        if not 0 < len(blobs) <= MAX_BUFFERS:
            return Frame(text or _encode_plain(fields), False)
        extracted |= {"buffers": list(blobs), "lengths": [len(blob) for blob in blobs.values()]}
        header = _encode_plain(extracted)
    except RecursionError:
        raise MalformedError("the value is nested too deeply") from None
    return Frame(b"".join((_LENGTH.pack(len(header)), header, *blobs.values())), True)


def _encode_plain(fields: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:
        return msgspec.json.encode(_scrub(msgspec.to_builtins(fields)))


def _scrub(value: Any) -> Any:
    """Replace lone surrogates: Python strings can hold them, UTF-8 and JSON text cannot."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    if isinstance(value, dict):
        return {_scrub(key): _scrub(item) for key, item in value.items()}
    return value


def decode_request(frame: str | bytes) -> Request:
    """Decode a frame of a client.

    Raises:
        BadRequestError: It is not a request.
    """
    try:
        return check_struct(Request, _decode(frame), hint=_HINT)
    except MalformedError as error:
        raise BadRequestError(error.message, hint=_HINT) from None


def request_id(frame: str | bytes) -> int | None:
    """Return the id of a frame that is not a valid request, if it has one, for the answer."""
    try:
        value = _decode(frame).get("id")
    except MalformedError:
        return None
    is_id = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ID
    return value if is_id else None


def decode_message(frame: str | bytes) -> Reply | Failure | Progress | Event:
    """Decode a frame of the server.

    Raises:
        MalformedError: The frame has none of the four kinds.
    """
    fields = _decode(frame)
    event, data, asked = fields.get("event"), fields.get("data"), fields.get("id")
    if isinstance(event, str) and isinstance(data, dict):
        return Event(event, data)
    if asked is None and "error" in fields:
        return Failure(None, from_wire(fields["error"]))
    if isinstance(asked, int):
        if "error" in fields:
            return Failure(asked, from_wire(fields["error"]))
        if isinstance(result := fields.get("result"), dict):
            return Reply(asked, result)
        if isinstance(progress := fields.get("progress"), dict):
            return Progress(asked, progress)
    raise MalformedError("the frame is neither a reply nor progress nor an event")


def _decode(frame: str | bytes) -> dict[str, Any]:
    if len(frame) > MAX_FRAME:
        raise MalformedError("the frame is too large")
    if isinstance(frame, str):
        return _object(frame)
    view = memoryview(frame)
    if len(view) < _LENGTH.size:
        raise MalformedError("the binary frame is cut off")
    end = _LENGTH.size + _LENGTH.unpack_from(view)[0]
    if end > len(view):
        raise MalformedError("the binary frame is cut off")
    header = _object(view[_LENGTH.size : end])
    names, lengths = header.pop("buffers", []), header.pop("lengths", [])
    try:
        names = msgspec.convert(names, _Names)
        lengths = msgspec.convert(lengths, _Lengths)
    except msgspec.ValidationError as error:
        raise MalformedError(words_of(error)) from None
    if len(names) != len(lengths) or end + sum(lengths) != len(view):
        raise MalformedError("the lengths of the buffers do not match the binary frame")
    blobs: dict[str, Blob] = {}
    for name, length in zip(names, lengths, strict=True):
        blobs[name] = view[end : end + length]
        end += length
    inlined: dict[str, Any] = inline_strings(header, blobs)
    return inlined


_Names = Annotated[
    list[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]],
    msgspec.Meta(max_length=MAX_BUFFERS),
]
_Lengths = Annotated[list[_Id], msgspec.Meta(max_length=MAX_BUFFERS)]


def _object(text: str | memoryview) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise MalformedError("the frame is not JSON") from None
    if not isinstance(value, dict):
        raise MalformedError("the frame is not a JSON object")
    return value
