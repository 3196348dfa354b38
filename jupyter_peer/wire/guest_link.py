"""The parts of a guest link: a URL that opens one pane in a browser (SPEC section 11)."""

from __future__ import annotations

import hashlib

from .invite import b64url

LINK_ID_BYTES = 8


def link_id(raw: bytes) -> str:
    """Return the id of a link from 8 random bytes.

    Raises:
        ValueError: ``raw`` does not have 8 bytes.
    """
    if len(raw) != LINK_ID_BYTES:
        raise ValueError("the id of a guest link has 8 bytes")
    return raw.hex()


def fragment(secret: str, public_key: bytes) -> str:
    """Return the part of a link after ``#``, which a browser never sends.

    Args:
        secret: The secret of the link, as :func:`.make_token` returns it.
        public_key: The owner's raw key, which the guest pins.
    """
    return f"v1.{secret}.{b64url(hashlib.sha256(public_key).digest())}"
