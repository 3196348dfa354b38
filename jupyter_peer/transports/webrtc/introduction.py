"""Proves the sender of an offer at a foreign lobby (``wire/SPEC.md``, section 7.3).

At a lobby that its user did not configure, a node uses a throwaway key. The dialled node sees only
the id of that key, so the offer itself proves who dials. The proof names the receiver and covers the
keys of the connection. So the lobby can deliver the offer or drop it, but cannot change it.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec

from ...errors import BadSignatureError
from ...wire.link.identity import Identity, decode_public_key, node_id_of, verify
from .sdp import Description

_LABEL = b"jupyter-peer/1 offer "


def introduce(offer: Description, identity: Identity, to: str) -> Description:
    """Return an offer with the proof of its sender.

    Args:
        offer: The offer.
        identity: The sender's key.
        to: Node id of the receiver.
    """
    signature = base64.b64encode(identity.sign(_signed(offer, to))).decode()
    return msgspec.structs.replace(offer, introduction=f"{identity.public_key_b64} {signature}")


def introduced(offer: Description, to: str) -> str | None:
    """Return the node id that an offer proves; None if it has no proof.

    Args:
        offer: The offer.
        to: Node id of this node.

    Raises:
        MalformedError: The public key is malformed.
        BadSignatureError: The proof is for another node or another offer.
    """
    if offer.introduction is None:
        return None
    key_text, _, signature = offer.introduction.partition(" ")
    key = decode_public_key(key_text)
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError as error:
        raise BadSignatureError("the introduction in an offer has no signature") from error
    verify(key, raw, _signed(offer, to))
    return node_id_of(key)


def _signed(offer: Description, to: str) -> bytes:
    facts = [offer.ufrag, offer.password]
    facts += [f"{name} {digest}" for name, digest in sorted(offer.fingerprints)]
    return _LABEL + to.encode() + hashlib.sha256("\n".join(facts).encode()).digest()
