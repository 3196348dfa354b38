"""A group: one update for many viewers, sealed once (SPEC section 4.4).

The owner hands each viewer the key of the group over the viewer's own sealed link. Everybody who has
the key could seal a frame, so the owner's signature inside names the frame's own place: another
member, with the relay or without it, cannot put anything there.
"""

from __future__ import annotations

import base64
import binascii
from struct import Struct
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ...errors import (
    MalformedError,
    ReplayedError,
    SealBrokenError,
    TooLargeError,
    UnsupportedError,
)
from ..link.buffers import check_digests
from ..link.envelope import Envelope, from_canonical
from ..link.frames import ENVELOPE, envelope_chunks, read_envelope
from ..link.identity import verify
from ..link.outbox import Outgoing
from .frames import MAX_GROUP_FRAME

KEY_BYTES = 32
#: What may come by a group; everything else is for a viewer's own link.
CARRIED = frozenset({"pane_update"})

_PLACE = Struct(">IQ")
_MAX_EPOCH = (1 << 32) - 1
# As on a link, far below where GCM's bounds begin to matter.
_MAX_COUNTER = 1 << 48

GroupId = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
Epoch = Annotated[int, msgspec.Meta(ge=0, le=_MAX_EPOCH)]


class GroupKey(msgspec.Struct, frozen=True, kw_only=True):
    """``group_key``, owner to viewer: what opens the frames of one epoch of a group.

    Attributes:
        group: Id of the group in hex.
        epoch: Counts the keys of the group.
        key: Base64 of 32 random bytes.
        join: Whether the viewer is to join the group, and not only to use another key.
    """

    group: GroupId
    epoch: Epoch
    key: Annotated[str, msgspec.Meta(min_length=44, max_length=44)]
    join: bool = False

    @classmethod
    def of(cls, group: bytes, epoch: int, key: bytes) -> GroupKey:
        """Return the message that hands over a key to those who have joined."""
        return cls(group=group.hex(), epoch=epoch, key=base64.b64encode(key).decode())

    def raw(self) -> bytes:
        """Return the key.

        Raises:
            MalformedError: It is not base64 of 32 bytes.
        """
        try:
            raw = base64.b64decode(self.key, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != KEY_BYTES:
            raise MalformedError("the key of a group has 32 bytes")
        return raw

    def __repr__(self) -> str:
        """Show no key: this may end up in logs and tracebacks."""
        return f"<GroupKey {self.epoch} of {self.group}>"


class GroupJoined(msgspec.Struct, frozen=True, kw_only=True):
    """``group_joined``, viewer to owner: its relay hands it the frames of this group from now on."""

    group: GroupId


class GroupSealer:
    """Seals what the owner sends to a group in one epoch.

    Args:
        key: Key and place of the epoch.
    """

    def __init__(self, key: GroupKey) -> None:
        self._aead = AESGCM(key.raw())
        self._group = key.group
        self._epoch = key.epoch
        self._counter = 0

    @property
    def place(self) -> dict[str, Any]:
        """``data.group`` of the next message: the place that its signature names."""
        return {"id": self._group, "epoch": self._epoch, "n": self._counter}

    def seal(self, item: Outgoing) -> bytes:
        """Return the frame of a message that is signed and names :attr:`place`.

        Raises:
            TooLargeError: It is over :data:`MAX_GROUP_FRAME`; the place stays free.
            SealBrokenError: One key may seal no more.
        """
        if item.size > MAX_GROUP_FRAME - 64:
            raise TooLargeError("the message is too large for a group")
        if self._counter >= _MAX_COUNTER:
            raise SealBrokenError("this group has sent as many frames as one key may seal")
        assert item.own_sig is not None
        inner = b"".join(envelope_chunks(item.canonical, item.own_sig, item.buffers))
        place = _PLACE.pack(self._epoch, self._counter)
        self._counter += 1
        return place + self._aead.encrypt(place, inner, None)


class GroupOpener:
    """Opens what comes to a viewer, each frame at most once and none older than the last.

    A frame that is missing is no failure here: what builds on it does not fit, so the viewer asks the
    owner over its own link.

    Args:
        owner: Node id of the owner.
        public_key: The owner's raw key.
        key: Key and place of the epoch.
    """

    def __init__(self, owner: str, public_key: bytes, key: GroupKey) -> None:
        self._owner = owner
        self._public_key = public_key
        self._aead = AESGCM(key.raw())
        self.key = key
        self._next = 0

    def open(self, frame: bytes) -> Envelope:
        """Return the message of a frame; one that is refused changes nothing.

        Raises:
            MalformedError: It is no frame of a group, or what is in it is none of the owner's.
            ReplayedError: It is of another epoch, or not newer than the last.
            SealBrokenError: It was not sealed by this key, or was altered.
            BadSignatureError, BadIdentityError: The owner has not signed it.
            UnsupportedError: Messages of this kind do not come by a group.
        """
        if len(frame) < _PLACE.size or len(frame) > MAX_GROUP_FRAME:
            raise MalformedError("a frame of a group is cut off or too large")
        place = frame[: _PLACE.size]
        epoch, counter = _PLACE.unpack(place)
        if epoch != self.key.epoch or counter < self._next:
            raise ReplayedError("a frame of a group came twice, too late or too early")
        try:
            inner = self._aead.decrypt(place, frame[_PLACE.size :], None)
        except InvalidTag as error:
            raise SealBrokenError("a frame of a group was altered") from error
        if not inner or inner[0] != ENVELOPE:
            raise MalformedError("a frame of a group holds one envelope")
        sig, part = read_envelope(inner)
        verify(self._public_key, sig, part.canonical)
        envelope = from_canonical(part.canonical, sig, part.ttl, part.buffers, src=self._owner)
        check_digests(envelope.data.get("buffers"), part.digests)
        named = {"id": self.key.group, "epoch": epoch, "n": counter}
        if envelope.data.get("group") != named:
            raise ReplayedError("the owner signed this message for another place")
        if envelope.type not in CARRIED or envelope.re is not None:
            raise UnsupportedError(f"{envelope.type!r} does not come by a group")
        self._next = counter + 1
        return envelope
