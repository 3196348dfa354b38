"""Signed messages in a file that anybody can check, without a network (SPEC section 12).

What a proof says is read from the canonical bytes alone, after their signature was checked over
these very bytes. The file has one form as well, so no parser can read another proof from it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import msgspec

from ...errors import BadSignatureError, ProofForgedError, ProofMalformedError, WireError
from ..link.buffers import check_buffers
from ..link.envelope import MAX_BUFFERS, Envelope, from_canonical
from ..link.frames import BATCH_LABEL, MAX_BATCH
from ..link.identity import decode_public_key, node_id_of, verify

#: Bytes of the largest file, and of the messages that a node keeps for one.
MAX_FILE = 128 * 1024 * 1024
MAX_KEPT = 32 * 1024 * 1024
MAX_MESSAGES = 64 * 1024
MAX_KEYS = 2
_HASH = hashlib.sha256().digest_size

_Buffers = Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MAX_BUFFERS)]


class SignedMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One message as its sender signed it.

    Attributes:
        canonical: Its canonical bytes, which are ASCII.
        sig: Signature of these, or of the batch.
        batch: The SHA-256 of each message of the batch it came in; empty outside of one.
        buffers: Its buffers.
    """

    canonical: str
    sig: bytes
    batch: Annotated[bytes, msgspec.Meta(max_length=MAX_BATCH * _HASH)] = b""
    buffers: _Buffers = ()

    @classmethod
    def of(cls, envelope: Envelope) -> SignedMessage:
        """Return the message of an envelope that came over a link."""
        return cls(
            envelope.signed.decode("ascii"),
            envelope.sig,
            envelope.batch[len(BATCH_LABEL) :],
            tuple(map(bytes, envelope.buffers)),
        )

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(self.canonical) + len(self.batch) + sum(map(len, self.buffers))

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the canonical bytes."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    def check(self, keys: Mapping[str, bytes]) -> Envelope:
        """Return what the message says, once its signature was checked.

        Args:
            keys: The raw public keys by node id.

        Raises:
            ProofMalformedError: It is not the canonical form of a message.
            ProofForgedError: Its sender has not signed exactly this.
        """
        try:
            canonical = self.canonical.encode("ascii")
            envelope = from_canonical(canonical, self.sig, buffers=self.buffers)
        except (WireError, UnicodeEncodeError) as error:
            raise ProofMalformedError("a message of the proof has no canonical form") from error
        key = keys.get(envelope.src)
        if key is None:
            raise ProofForgedError(f"the proof has no key of the node {envelope.src}")
        try:
            verify(key, self.sig, self._covered(canonical))
            check_buffers(envelope.data.get("buffers"), self.buffers)
        except WireError as error:
            raise ProofForgedError(
                f"the node {envelope.src} has not signed the message {envelope.msg_id}"
            ) from error
        return envelope

    def _covered(self, canonical: bytes) -> bytes:
        if not self.batch:
            return canonical
        own = hashlib.sha256(canonical).digest()
        starts = range(0, len(self.batch), _HASH)
        if all(self.batch[at : at + _HASH] != own for at in starts):
            raise BadSignatureError("the batch does not list the message")
        return BATCH_LABEL + self.batch


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of a file.

    Attributes:
        keys: The public keys of those who signed, base64.
        messages: In the order in which they say something together.
    """

    format: Literal["jupyter-peer proof 1"] = "jupyter-peer proof 1"
    keys: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=MAX_KEYS)]
    messages: Annotated[
        tuple[SignedMessage, ...], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)
    ]

    def to_text(self) -> str:
        """Return the text of the file, in its only form."""
        return msgspec.json.encode(self).decode()

    def check(self) -> list[Envelope]:
        """Return what the messages say, once every signature was checked.

        Raises:
            ProofMalformedError, ProofForgedError: As of :meth:`SignedMessage.check`.
        """
        try:
            keys = {node_id_of(key): key for key in map(decode_public_key, self.keys)}
        except WireError as error:
            raise ProofMalformedError("a key of the proof is not a public key") from error
        return [message.check(keys) for message in self.messages]


def read_proof(text: str | bytes) -> Proof:
    """Return the content of a file, nothing of it checked yet.

    Raises:
        ProofMalformedError: It is not the text of a proof, character by character.
    """
    raw = (text.encode("utf-8", "replace") if isinstance(text, str) else text).strip()
    if len(raw) > MAX_FILE:
        raise ProofMalformedError(f"a proof has at most {MAX_FILE // 1024**2} MiB")
    try:
        proof = msgspec.json.decode(raw, type=Proof)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ProofMalformedError from error
    if proof.to_text().encode() != raw:
        raise ProofMalformedError("the text of the proof was changed or written anew")
    return proof


def proof_of(messages: Iterable[SignedMessage], *keys: bytes) -> Proof:
    """Return a proof of messages.

    Args:
        messages: In order.
        *keys: The raw public keys of those who signed them.
    """
    written = tuple(base64.b64encode(key).decode() for key in dict.fromkeys(keys))
    return Proof(keys=written, messages=tuple(messages))
