"""Identities, handshakes and channels with fixed keys, crossed in memory."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from jupyter_peer.wire.link.channel import Channel, Limits, SealedChannel
from jupyter_peer.wire.link.envelope import Envelope, canonical_bytes
from jupyter_peer.wire.link.handshake import Acceptor, Dialer, Offer
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.link.outbox import Outgoing
from jupyter_peer.wire.link.seal import Opener, Sealer

ADA = Identity.from_seed(b"a" * 32)
BOB = Identity.from_seed(b"b" * 32)
EVE = Identity.from_seed(b"e" * 32)
NOW = 1_760_000_000.25
TOKEN = "AAAAAAAAAAAAAAAAAAAAAA"

KEY_TO_BOB = b"1" * 32
KEY_TO_ADA = b"2" * 32

# Every JSON value of Python: lone surrogates and integers of any length included.
json_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=[]), max_size=20)
)
json_keys = st.text(st.characters(exclude_categories=[]), max_size=8)
json_values = st.recursive(
    json_scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(json_keys, inner, max_size=5),
    max_leaves=30,
)
json_objects = st.dictionaries(json_keys, json_values, max_size=5)


def stamps(prefix: int = 0, now: float = NOW) -> Callable[[], tuple[str, float]]:
    """Return a source of message ids that count up, and a clock that stands still."""
    count = prefix << 64

    def stamp() -> tuple[str, float]:
        nonlocal count
        count += 1
        return f"{count:032x}", now

    return stamp


def an_offer(identity: Identity = ADA, **changes: Any) -> Offer:
    """Return an offer with secrets that follow from the key; keywords replace fields."""
    fields: dict[str, Any] = {
        "identity": identity,
        "node_name": "ada" if identity is ADA else "bob",
        "capabilities": ["panes"],
        "nonce": hashlib.sha256(identity.public_key).hexdigest()[:32],
        "x25519": hashlib.sha256(b"x" + identity.public_key).digest(),
        "stamp": stamps(identity.public_key[0]),
    }
    return Offer(**{**fields, **changes})


def shake_hands(dialer: Dialer, acceptor: Acceptor) -> str | None:
    """Do a whole handshake in memory; return the token that came."""
    token = acceptor.on_auth(dialer.on_hello_ack(acceptor.on_hello(dialer.hello())))
    dialer.on_auth_result(acceptor.accept())
    return token


def two_channels(limits: Limits | None = None, **changes: Any) -> tuple[Channel, Channel]:
    """Return ada's and bob's end of one link after a handshake."""
    dialer = Dialer(an_offer(ADA, **changes), expect=BOB.node_id)
    acceptor = Acceptor(an_offer(BOB, **changes))
    shake_hands(dialer, acceptor)
    limits = limits or Limits()
    return dialer.channel(limits), acceptor.channel(limits)


class Attacker:
    """A peer that holds the right keys and sends whatever it likes.

    Attributes:
        victim: Bob's channel to ada.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.sealer = Sealer(KEY_TO_BOB)
        self.victim = SealedChannel(
            BOB,
            ADA.node_id,
            ADA.public_key,
            Sealer(KEY_TO_ADA),
            Opener(KEY_TO_BOB),
            limits or Limits(),
        )

    def send(self, inner: bytes) -> Sequence[Envelope]:
        """Seal an inner frame properly and let the victim receive it."""
        return self.victim.receive(self.sealer.seal(inner), NOW)


def canonical(data: dict[str, Any], identity: Identity = ADA, **changes: Any) -> bytes:
    """Return canonical bytes of a message; keywords replace fields."""
    fields: dict[str, Any] = {
        "type": "note",
        "msg_id": "0" * 31 + "1",
        "re": None,
        "src": identity.node_id,
        "ts": NOW,
        "data": data,
    }
    return canonical_bytes(**{**fields, **changes})


def an_item(
    data: dict[str, Any],
    buffers: Sequence[bytes] = (),
    *,
    identity: Identity = ADA,
    msg_id: str = "0" * 32,
) -> Outgoing:
    """Return an envelope ready to be put; ``data["buffers"]`` is filled in."""
    if buffers:
        data = {**data, "buffers": [hashlib.sha256(buffer).hexdigest() for buffer in buffers]}
    return Outgoing(canonical(data, identity, msg_id=msg_id), buffers)


def cross(left: Channel, right: Channel, budget: int = 1 << 18) -> tuple[list[Envelope], ...]:
    """Move frames both ways until none is left; return what each side received."""
    received: tuple[list[Envelope], ...] = ([], [])
    is_busy = True
    while is_busy:
        is_busy = False
        for sender, receiver, got in ((left, right, received[1]), (right, left, received[0])):
            for frame in sender.frames(budget):
                is_busy = True
                got.extend(receiver.receive(frame, NOW))
    return received


def arrived(value: Any) -> Any:
    """Return a JSON value as it arrives: with question marks for lone surrogates."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def b64(raw: bytes) -> str:
    """Return base64 as the wire writes it."""
    return base64.b64encode(raw).decode()
