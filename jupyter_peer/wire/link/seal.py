"""End-to-end sealing: X25519, HKDF-SHA256, AES-256-GCM with strict counters (SPEC section 4)."""

from __future__ import annotations

import base64
import hashlib
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ...errors import MalformedError, SealBrokenError
from .identity import decode_public_key

_NONCE = Struct(">4xQ")
_U32 = Struct(">I")
# More than any session needs (2**48 frames of 60 KiB), and far below the bounds of GCM.
_MAX_COUNTER = 1 << 48


class Sealer:
    """Seals one direction of a link; frame ``i`` uses the counter ``i`` as its nonce."""

    __slots__ = ("_aead", "_counter")

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._counter = 0

    def seal(self, plaintext: bytes | bytearray | memoryview) -> bytes:
        """Return the ciphertext and 16-byte tag of the next frame."""
        if self._counter >= _MAX_COUNTER:
            raise SealBrokenError("this link has sent as many frames as one key may seal")
        nonce = _NONCE.pack(self._counter)
        self._counter += 1
        return self._aead.encrypt(nonce, plaintext, None)


class Opener:
    """Opens the frames of the other direction, strictly in order."""

    __slots__ = ("_aead", "_counter")

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._counter = 0

    def open(self, frame: bytes | bytearray | memoryview) -> bytes:
        """Return the plaintext of the next frame.

        Raises:
            SealBrokenError: These bytes are not the unaltered next frame of this direction. The
                link must be closed, because later frames may be incomplete.
        """
        nonce = _NONCE.pack(self._counter)
        self._counter += 1
        try:
            return self._aead.decrypt(nonce, frame, None)
        except InvalidTag as error:
            raise SealBrokenError from error


class SealKeys:
    """The result of a handshake: the keys of both directions and the id of the session.

    Attributes:
        dialer: Key of the direction from the dialler to the acceptor, 32 bytes.
        acceptor: Key of the other direction, 32 bytes.
        session: 32 bytes in hex; ``auth`` and ``auth_result`` repeat it.
    """

    __slots__ = ("acceptor", "dialer", "session")

    def __init__(self, shared: bytes, hello: bytes, hello_ack: bytes) -> None:
        transcript = hashlib.sha256(
            b"jupyter-peer/1 handshake"
            + b"".join(_U32.pack(len(part)) + part for part in (hello, hello_ack))
        ).digest()
        material = HKDF(SHA256(), 96, transcript, b"jupyter-peer/1 seal").derive(shared)
        self.dialer, self.acceptor = material[:32], material[32:64]
        self.session = material[64:].hex()


def x25519_public_b64(private: bytes) -> str:
    """Return the base64 public half of a raw 32-byte X25519 private key (RFC 7748)."""
    public = X25519PrivateKey.from_private_bytes(private).public_key()
    return base64.b64encode(public.public_bytes_raw()).decode()


def x25519_shared(private: bytes, public_b64: object) -> bytes:
    """Return the X25519 shared secret.

    Raises:
        MalformedError: The public key is malformed or has a low order, which would give zeros.
    """
    public = decode_public_key(public_b64)
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(
            X25519PublicKey.from_public_bytes(public)
        )
    except ValueError as error:
        raise MalformedError("the X25519 key is of low order") from error
