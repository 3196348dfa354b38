"""Frames of a group: what opens, and all that does not."""

from __future__ import annotations

import base64
import os
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jupyter_peer.errors import MalformedError, SealBrokenError, TooLargeError, WireError
from jupyter_peer.wire.link.envelope import canonical_bytes
from jupyter_peer.wire.link.frames import envelope_chunks
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.link.outbox import Outgoing
from jupyter_peer.wire.payloads.hub import convert
from jupyter_peer.wire.relay.frames import MAX_GROUP_FRAME
from jupyter_peer.wire.relay.group import (
    GroupKey,
    GroupOpener,
    GroupSealer,
)
from tests.wire.makers import ADA, BOB

GROUP = bytes(range(8))
KEY = GroupKey.of(GROUP, 0, bytes(32))
NEXT = GroupKey.of(GROUP, 1, bytes([1] * 32))


def signed(
    place: dict[str, Any] | None,
    number: int = 1,
    *,
    by: Identity = ADA,
    src: str = ADA.node_id,
    type: str = "pane_update",
    re: str | None = None,
    **data: Any,
) -> Outgoing:
    content = data if place is None else {**data, "group": place}
    item = Outgoing(
        canonical_bytes(type=type, msg_id=f"{number:032x}", re=re, src=src, ts=1.0, data=content)
    )
    item.sig(by.sign)
    return item


def seal(sealer: GroupSealer, number: int = 1, **data: Any) -> bytes:
    return sealer.seal(signed(sealer.place, number, **data))


def opener(key: GroupKey = KEY) -> GroupOpener:
    return GroupOpener(ADA.node_id, ADA.public_key, key)


def by_hand(item: Outgoing, n: int = 0, epoch: int = 0, key: bytes = bytes(32)) -> bytes:
    """Seal as somebody does who has the key."""
    place = epoch.to_bytes(4, "big") + n.to_bytes(8, "big")
    assert item.own_sig is not None
    inner = b"".join(envelope_chunks(item.canonical, item.own_sig, item.buffers))
    return place + AESGCM(key).encrypt(place, inner, None)


def place(n: int = 0, epoch: int = 0, group: bytes = GROUP) -> dict[str, Any]:
    return {"id": group.hex(), "epoch": epoch, "n": n}


def test_each_frame_opens_once_in_order_and_a_missing_one_stops_none():
    sealer, ours = GroupSealer(KEY), opener()
    frames = [seal(sealer, number) for number in range(5)]
    assert [ours.open(frames[at]).msg_id[-1] for at in (0, 1, 3, 4)] == ["0", "1", "3", "4"]
    for late in (*frames, frames[2]):
        with pytest.raises(WireError) as refused:
            ours.open(late)
        assert refused.value.code == "replayed"


def test_what_is_sealed_with_the_next_key_does_not_open_with_the_one_before():
    later = seal(GroupSealer(NEXT))
    with pytest.raises(WireError) as refused:
        opener().open(later)
    assert refused.value.code == "replayed"
    # Nor when the relay writes the old epoch over it.
    with pytest.raises(SealBrokenError):
        opener().open(bytes(4) + later[4:])
    assert opener(NEXT).open(later)
    with pytest.raises(WireError):
        opener(NEXT).open(seal(GroupSealer(KEY)))


def test_a_frame_that_is_altered_anywhere_changes_nothing():
    frame, ours = seal(GroupSealer(KEY)), opener()
    for at in range(len(frame)):
        altered = bytearray(frame)
        altered[at] ^= 1
        with pytest.raises(WireError):
            ours.open(bytes(altered))
    for cut in (0, 11, 12, len(frame) - 1):
        with pytest.raises(WireError):
            ours.open(frame[:cut])
    assert ours.open(frame)


HOSTILE = {
    "signed by a member": by_hand(signed(place(), by=BOB)),
    "a member's own": by_hand(signed(place(), by=BOB, src=BOB.node_id)),
    "of another place": by_hand(signed(place(n=1))),
    "of another epoch": by_hand(signed(place(epoch=1))),
    "of another group": by_hand(signed(place(group=bytes(8)))),
    "of no place": by_hand(signed(None)),
    "far ahead": by_hand(signed(place()), n=2**60),
    "of the link": by_hand(signed(place(), type="bye")),
    "an answer": by_hand(signed(place(), re="0" * 32)),
    "not sealed": bytes(12) + signed(place()).canonical,
    "another key": by_hand(signed(place()), key=bytes([9] * 32)),
    "no envelope": bytes(12) + AESGCM(bytes(32)).encrypt(bytes(12), b"\2" + bytes(80), None),
    "empty": bytes(12) + AESGCM(bytes(32)).encrypt(bytes(12), b"", None),
    "cut inside": bytes(12) + AESGCM(bytes(32)).encrypt(bytes(12), b"\0\0\0\1\0{}", None),
    "too large": bytes(MAX_GROUP_FRAME + 1),
}


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=HOSTILE)
def test_what_a_relay_or_a_member_invents_is_refused_and_the_real_frame_still_opens(frame):
    ours = opener()
    with pytest.raises(WireError):
        ours.open(frame)
    assert ours.open(seal(GroupSealer(KEY)))


def test_buffers_are_those_that_were_signed():
    item = signed(place(), buffers=["0" * 64])
    item.buffers = [b"other"]
    with pytest.raises(WireError):
        opener().open(by_hand(item))


def test_a_message_that_is_too_large_leaves_its_place_to_the_next():
    sealer, ours = GroupSealer(KEY), opener()
    with pytest.raises(TooLargeError):
        seal(sealer, text="x" * MAX_GROUP_FRAME)
    assert ours.open(seal(sealer, 2)).data["group"]["n"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"group": "AA" * 8},
        {"group": "00" * 7},
        {"epoch": -1},
        {"epoch": 2**32},
        {"key": base64.b64encode(bytes(31)).decode() + "==="[:0]},
        {"key": "*" * 44},
    ],
)
def test_what_is_no_key_of_a_group_is_malformed(change):
    with pytest.raises(MalformedError):
        convert({**msgspec.to_builtins(KEY), **change}, GroupKey).raw()


def test_a_key_does_not_show_in_logs():
    key = GroupKey.of(GROUP, 3, os.urandom(32))
    assert key.key not in repr(key)
    assert key.key[:8] not in f"{key!r} {GroupSealer(key)!r}"
