"""WebSocket frames (RFC 6455), without I/O and without extensions.

Tornado awaits three reads for each frame, and a broker spent most of its time there. This reader
receives whatever the socket returned and yields every whole message in it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from struct import Struct

from ..errors import MalformedError, TooLargeError

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MAX_CONTROL = 125

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FIN = 0x80
_MASKED = 0x80
_MEDIUM = Struct(">BBH")
_LARGE = Struct(">BBQ")
_CODE = Struct(">H")
NO_MASK = bytes(4)

Payload = bytes | memoryview
Unmask = Callable[[bytes, bytes], bytes]


def accept_key(key: str) -> str:
    """Return the ``Sec-WebSocket-Accept`` of a ``Sec-WebSocket-Key`` (RFC 6455 section 4.2.2)."""
    digest = hashlib.sha1(key.encode("ascii", "replace") + _GUID, usedforsecurity=False)
    return base64.b64encode(digest.digest()).decode()


def frame_head(opcode: int, length: int, mask: bytes | None = None) -> bytes:
    """Return the bytes before the payload of an unfragmented frame (RFC 6455 section 5.2).

    Args:
        opcode: One of the six opcodes of this module.
        length: Bytes of payload.
        mask: The 4-byte masking key that a client must send; the caller masks the payload. A key
            of zeros leaves the payload as it is and saves both sides a pass over it. The RFC asks
            for unpredictable keys because scripts in a browser choose the bytes that a client
            sends. A node's frames are sealed, so nobody chooses their bytes.
    """
    bit = 0 if mask is None else _MASKED
    if length < 126:
        head = bytes((_FIN | opcode, bit | length))
    elif length < 65_536:
        head = _MEDIUM.pack(_FIN | opcode, bit | 126, length)
    else:
        head = _LARGE.pack(_FIN | opcode, bit | 127, length)
    return head if mask is None else head + mask


def close_payload(code: int, reason: str = "") -> bytes:
    """Return the payload of a close frame; a long reason is cut to fit a control frame."""
    text = reason.encode()[: MAX_CONTROL - 2].decode(errors="ignore")
    return _CODE.pack(code) + text.encode()


def read_close(payload: Payload) -> tuple[int, str]:
    """Return the code and reason of a close frame; the code is 1005 if the frame has none."""
    raw = bytes(payload)
    if len(raw) < 2:
        return 1005, ""
    return _CODE.unpack_from(raw)[0], raw[2:].decode(errors="replace")


def xor(mask: bytes, data: bytes) -> bytes:
    """Mask or unmask (RFC 6455 section 5.3); Tornado has the same in C."""
    size = len(data)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")).to_bytes(
        size, "little"
    )


class MessageReader:
    """Reads bytes as they arrive and yields whole messages.

    Args:
        max_message: Largest payload; the head of a larger one is refused, before its bytes are read.
        from_client: Whether frames must be masked, as a client sends them, or must not be masked.
        unmask: A quicker :func:`xor`.
    """

    __slots__ = (
        "_from_client",
        "_need",
        "_opcode",
        "_parts",
        "_rest",
        "_unmask",
        "max_message",
    )

    def __init__(self, max_message: int, *, from_client: bool = True, unmask: Unmask = xor) -> None:
        self.max_message = max_message
        self._from_client = from_client
        self._unmask = unmask
        self._rest: bytearray | None = None
        self._need = 0
        self._parts: bytearray | None = None
        self._opcode = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, Payload]]:
        """Yield ``(opcode, payload)`` of every message and control frame that ends in ``data``.

        The iterator must be exhausted before the next call. A payload is a view of ``data`` where
        possible, so a caller that keeps a small payload keeps all of ``data`` in memory.

        Raises:
            MalformedError: The bytes are not WebSocket frames; nothing after them can be read.
            TooLargeError: A message is over the limit.
        """
        view = memoryview(data)
        at = 0
        while self._rest is not None:
            # Only the missing bytes of the unfinished frame are moved and appended. If every read
            # were joined, each single byte of a slow sender would cost a copy of the whole frame.
            lacking = self._need - len(self._rest)
            self._rest += view[at : at + lacking]
            if len(self._rest) < self._need:
                return
            at += lacking
            begun, self._rest = self._rest, None
            yield from self._read(begun, 0)
        if at < len(data):
            yield from self._read(data, at)

    def _read(self, data: bytes | bytearray, at: int) -> Iterator[tuple[int, Payload]]:
        """Yield the messages that end in ``data`` from ``at`` on, and keep an unfinished frame."""
        view = memoryview(data)
        end = len(data)
        need = 0
        while at < end:
            start = at + 2
            if (need := start) > end:
                break
            first, second = data[at], data[at + 1]
            length = second & 0x7F
            if length >= 126:
                start += 2 if length == 126 else 8
                if (need := start) > end:
                    break
                length = int.from_bytes(data[at + 2 : start], "big")
            self._check(first, second, length)
            mask = NO_MASK
            if second & _MASKED:
                mask = bytes(data[start : start + 4])
                start += 4
            if (need := start + length) > end:
                break
            payload: Payload = view[start:need]
            at = need
            if mask != NO_MASK:
                payload = self._unmask(mask, bytes(payload))
            opcode = first & 0x0F
            if first & _FIN and opcode:
                yield opcode, payload
            else:
                whole = self._add_part(opcode, payload, bool(first & _FIN))
                if whole is not None:
                    yield self._opcode, whole
        if at < end:
            self._rest = bytearray(view[at:])
            self._need = need - at

    def _check(self, first: int, second: int, length: int) -> None:
        if first & 0x70:
            raise MalformedError("a frame uses an extension that was not agreed on")
        opcode = first & 0x0F
        if opcode >= CLOSE:
            if opcode > PONG or not first & _FIN or length > MAX_CONTROL:
                raise MalformedError("a control frame is malformed")
        elif opcode > BINARY:
            raise MalformedError("a frame has an unknown opcode")
        elif (opcode == CONTINUATION) != (self._parts is not None):
            raise MalformedError("a fragment comes out of turn")
        if bool(second & _MASKED) != self._from_client:
            raise MalformedError("a frame is masked the wrong way for its direction")
        size = length + (len(self._parts) if self._parts is not None and opcode < CLOSE else 0)
        if size > self.max_message:
            raise TooLargeError(
                f"a message of {size} bytes is over the limit of {self.max_message}"
            )

    def _add_part(self, opcode: int, payload: Payload, is_last: bool) -> bytes | None:
        if self._parts is None:
            self._parts = bytearray()
            self._opcode = opcode
        self._parts += payload
        if not is_last:
            return None
        whole = bytes(self._parts)
        self._parts = None
        return whole
