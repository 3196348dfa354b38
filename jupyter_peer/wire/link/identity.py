"""The identity of a node: an Ed25519 key whose fingerprint is the node id (SPEC section 1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

import nacl.bindings as sodium

from ...errors import BadSignatureError, KeyFileError, MalformedError

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64
NODE_ID_LENGTH = 16
# The bytes before the 32-byte seed of an Ed25519 key without attributes (RFC 8410 section 7), and
# the whole key in PEM (RFC 7468) with the line ends of any system.
_PKCS8_HEAD = bytes.fromhex("302e020100300506032b657004220420")
_PEM = re.compile(
    rb"\s*-----BEGIN PRIVATE KEY-----\s*([A-Za-z0-9+/]{64})\s*-----END PRIVATE KEY-----\s*"
)
_NODE_ID = re.compile(r"[a-z2-7]{16}")


def node_id_of(public_key: bytes) -> str:
    """Return the self-certifying id of a key: ``base32(sha256(key))[:16]``, lower case."""
    digest = hashlib.sha256(public_key).digest()
    return base64.b32encode(digest)[:NODE_ID_LENGTH].decode().lower()


def is_node_id(text: object) -> bool:
    """Return whether the value has the form of a node id."""
    return isinstance(text, str) and _NODE_ID.fullmatch(text) is not None


def fingerprint_of(public_key: bytes) -> str:
    """Return the whole SHA-256 of a key in groups of four hex digits, for people to compare."""
    digest = hashlib.sha256(public_key).hexdigest()
    return " ".join(digest[i : i + 4] for i in range(0, len(digest), 4))


def clean_name(name: str) -> str:
    """Return a node name that is safe to show: printable, at most 64 characters."""
    return "".join(char for char in name if char.isprintable()).strip()[:64].rstrip()


def decode_public_key(text: object) -> bytes:
    """Return the 32 raw bytes of a base64 public key.

    Raises:
        MalformedError: The value is not strict base64 of exactly 32 bytes.
    """
    if isinstance(text, str) and len(text) == 44:
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) == PUBLIC_KEY_BYTES:
            return raw
    raise MalformedError("a public key must be base64 of 32 bytes")


def verify(public_key: bytes, signature: bytes, data: bytes) -> None:
    """Check an Ed25519 signature (RFC 8032) of ``data``.

    libsodium verifies single signatures markedly quicker than OpenSSL, and signatures are most of
    the cost of a small message.

    Raises:
        BadSignatureError: The signature does not match, or key or signature have a wrong length.
    """
    if len(signature) != SIGNATURE_BYTES or len(public_key) != PUBLIC_KEY_BYTES:
        raise BadSignatureError
    try:
        sodium.crypto_sign_open(signature + data, public_key)
    except Exception as error:  # nacl raises its own BadSignatureError, ValueError, TypeError
        raise BadSignatureError from error


def _seed_of(pem: bytes) -> bytes:
    """Return the seed of a key file that another program has written.

    Raises:
        KeyFileError: The file is not an unencrypted Ed25519 key.
    """
    # This import takes longer than the rest of a node, and files of this program do not need it.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except Exception as error:  # cryptography raises several unrelated classes here
        raise KeyFileError("the key file is not an unencrypted PEM private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError("the key file does not hold an Ed25519 key")
    return key.private_bytes_raw()


class Identity:
    """A node's key pair. The private half never leaves this object except as PEM for its file.

    Attributes:
        public_key: 32 raw bytes.
        public_key_b64: The public key in base64, as on the wire.
        node_id: 16 characters, see :func:`node_id_of`.
        fingerprint: Fingerprint for people, see :func:`fingerprint_of`.
    """

    __slots__ = ("_secret", "fingerprint", "node_id", "public_key", "public_key_b64")

    def __init__(self, seed: bytes) -> None:
        self.public_key, self._secret = sodium.crypto_sign_seed_keypair(seed)
        self.public_key_b64 = base64.b64encode(self.public_key).decode()
        self.node_id = node_id_of(self.public_key)
        self.fingerprint = fingerprint_of(self.public_key)

    @classmethod
    def from_seed(cls, seed: bytes) -> Identity:
        """Return the identity of a 32-byte seed; the same seed always gives the same identity.

        Raises:
            ValueError: The seed is not 32 bytes long.
        """
        if len(seed) != 32:
            raise ValueError("an Ed25519 seed has 32 bytes")
        return cls(seed)

    @classmethod
    def from_pem(cls, pem: bytes) -> Identity:
        """Read an unencrypted PKCS#8 PEM file (RFC 5958).

        Raises:
            KeyFileError: The file is not such a PEM file, or holds another kind of key.
        """
        match = _PEM.fullmatch(pem)
        content = base64.b64decode(match[1]) if match else b""
        if content.startswith(_PKCS8_HEAD):
            return cls(content[len(_PKCS8_HEAD) :])
        return cls(_seed_of(pem))

    def to_pem(self) -> bytes:
        """Return the private key as unencrypted PKCS#8 PEM."""
        content = base64.b64encode(_PKCS8_HEAD + self._secret[:32])
        return b"-----BEGIN PRIVATE KEY-----\n" + content + b"\n-----END PRIVATE KEY-----\n"

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of ``data``."""
        return sodium.crypto_sign(data, self._secret)[:SIGNATURE_BYTES]

    def __repr__(self) -> str:
        return f"<Identity {self.node_id}>"
