"""Checks that the signature of a message covers the raw buffers beside it (SPEC section 2)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ...errors import BadSignatureError, MalformedError, TooLargeError


def check_buffers(listed: object, buffers: Sequence[bytes | bytearray | memoryview]) -> None:
    """Check that ``data["buffers"]`` lists the SHA-256 of exactly these buffers.

    Raises:
        MalformedError: The list is missing or has another length.
        BadSignatureError: A hash does not match, so the signature does not cover the buffer.
    """
    check_digests(listed, [hashlib.sha256(buffer).hexdigest() for buffer in buffers])


def check_digests(listed: object, digests: Sequence[str]) -> None:
    """Check as :func:`check_buffers` does, with hashes that were computed during the receipt."""
    if not digests and not isinstance(listed, list):
        return
    if not isinstance(listed, list) or len(listed) != len(digests):
        raise MalformedError("data.buffers does not list the buffers of the message")
    if listed != digests:
        raise BadSignatureError("the signature does not cover this buffer")


def check_size(size: int, limit: int) -> None:
    """Raise :exc:`TooLargeError` when ``size`` bytes are over ``limit``."""
    if size > limit:
        raise TooLargeError(f"a message of {size} bytes is over the limit of {limit}")
