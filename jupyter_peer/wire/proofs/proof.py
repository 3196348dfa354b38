"""Signed messages in a file that anybody can check, without a network (SPEC section 12).

The content of a proof is read only from the canonical bytes, after the signature over these bytes was
checked. The file too has only one valid form, so two parsers cannot read different proofs from it.
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
        canonical: The canonical bytes of the message, which are ASCII.
        sig: Signature of these bytes, or of the batch.
        batch: The SHA-256 of each message of its batch; empty if it did not come in a batch.
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
        """Approximate size in a proof, in bytes."""
        return len(self.canonical) + len(self.batch) + sum(map(len, self.buffers))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, in hex."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    def check(self, keys: Mapping[str, bytes]) -> Envelope:
        """Check the signature and return the envelope.

        Args:
            keys: The raw public keys by node id.

        Raises:
            ProofMalformedError: The bytes are not the canonical form of a message.
            ProofForgedError: The sender has not signed exactly these bytes.
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
        keys: The public keys of the signers, in base64.
        messages: The messages, in their order.
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
        """Check every signature and return the envelopes.

        Raises:
            ProofMalformedError, ProofForgedError: As for :meth:`SignedMessage.check`.
        """
        try:
            keys = {node_id_of(key): key for key in map(decode_public_key, self.keys)}
        except WireError as error:
            raise ProofMalformedError("a key of the proof is not a public key") from error
        return [message.check(keys) for message in self.messages]


def read_proof(text: str | bytes) -> Proof:
    """Read the content of a proof file; no signature is checked yet.

    Raises:
        ProofMalformedError: The text is not exactly that of a proof.
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
        messages: The messages, in order.
        *keys: The raw public keys of their signers.
    """
    written = tuple(base64.b64encode(key).decode() for key in dict.fromkeys(keys))
    return Proof(keys=written, messages=tuple(messages))
