"""SPAKE2 (RFC 9382): two people who share a few words agree on a key.

An attacker in between can guess once in each run and learns only whether that guess was right. A
recorded run does not help to try other words later. The group is edwards25519 by libsodium, whose
operations take the same time for every secret. ``tests/wire/test_spake2.py`` checks the formulas
against the RFC's vectors, which are for P-256.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal, NamedTuple, Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl import bindings, exceptions

from ...errors import MalformedError

Role = Literal["A", "B"]


class Group(Protocol):
    """A group of prime order; its elements are bytes, in the form that is sent.

    Attributes:
        order: Order of the group.
        cofactor: Cofactor of its curve.
        m, n: The elements that hide the shares of A and of B (RFC 9382 section 6).
    """

    order: int
    cofactor: int
    m: bytes
    n: bytes

    def base(self, scalar: int) -> bytes:
        """Return the generator multiplied by a scalar."""

    def multiply(self, scalar: int, element: bytes) -> bytes:
        """Return an element multiplied by a scalar.

        Raises:
            MalformedError: The bytes are not an element of the group, or the product is neutral.
        """

    def add(self, one: bytes, other: bytes) -> bytes:
        """Return the sum of two elements.

        Raises:
            MalformedError: One of them is not an element of the group.
        """

    def subtract(self, one: bytes, other: bytes) -> bytes:
        """Return the difference of two elements; raises the errors of :meth:`add`."""


class Ed25519Group:
    """The group of edwards25519 (RFC 7748), by libsodium."""

    order = 2**252 + 27742317777372353535851937790883648493
    cofactor = 8
    m = bytes.fromhex("d048032c6ea0b6d697ddc2e86bda85a33adac920f1bf18e1b0c6d166a5cecdaf")
    n = bytes.fromhex("d3bfb518f44f3430f29d0c92af503865a1ed3281dc69b35dd868ba85f886c4ab")

    def base(self, scalar: int) -> bytes:
        return bindings.crypto_scalarmult_ed25519_base_noclamp(_little(scalar))

    def multiply(self, scalar: int, element: bytes) -> bytes:
        _check(element)
        try:
            return bindings.crypto_scalarmult_ed25519_noclamp(_little(scalar), element)
        except exceptions.RuntimeError as error:
            raise MalformedError("a share of the code exchange is none") from error

    def add(self, one: bytes, other: bytes) -> bytes:
        _check(one, other)
        return bindings.crypto_core_ed25519_add(one, other)

    def subtract(self, one: bytes, other: bytes) -> bytes:
        _check(one, other)
        return bindings.crypto_core_ed25519_sub(one, other)


class Keys(NamedTuple):
    """The keys that result from a run.

    Attributes:
        session: The same 16 bytes on both sides, if both know the same words.
        confirm_a, confirm_b: Confirmations that A and B send to prove this, 32 bytes each.
    """

    session: bytes
    confirm_a: bytes
    confirm_b: bytes


class Spake2:
    """One side of one run.

    Args:
        role: Role of this side, ``A`` or ``B``.
        password: The shared words as a number below the order of the group.
        secret: A random number below the order, used for this run only.
        context: A label that must be equal on both sides.
        identities: Identities of A and of B.
        group: The group.

    Attributes:
        share: The bytes to send to the other side.
    """

    def __init__(
        self,
        role: Role,
        password: int,
        secret: int,
        context: bytes = b"",
        identities: tuple[bytes, bytes] = (b"", b""),
        group: Group | None = None,
    ) -> None:
        self._group = group or Ed25519Group()
        self._role = role
        self._password = password
        self._secret = secret
        self._context = context
        self._identities = identities
        mine = self._group.m if role == "A" else self._group.n
        hidden = self._group.multiply(password, mine)
        self.share = self._group.add(self._group.base(secret), hidden)

    def finish(self, share: bytes) -> Keys:
        """Return the keys, from the other side's share.

        Raises:
            MalformedError: The bytes are not a share.
        """
        group = self._group
        other = group.n if self._role == "A" else group.m
        bare = group.subtract(share, group.multiply(self._password, other))
        common = group.multiply(self._secret * group.cofactor % group.order, bare)
        shares = (self.share, share) if self._role == "A" else (share, self.share)
        size = (group.order.bit_length() + 7) // 8
        said = (*self._identities, *shares, common, self._password.to_bytes(size, "big"))
        transcript = b"".join(len(part).to_bytes(8, "little") + part for part in said)
        digest = hashlib.sha256(transcript).digest()
        info = b"ConfirmationKeys" + self._context
        keys = HKDF(SHA256(), length=32, salt=None, info=info).derive(digest[16:])
        return Keys(
            digest[:16],
            hmac.digest(keys[:16], transcript, "sha256"),
            hmac.digest(keys[16:], transcript, "sha256"),
        )


def _little(scalar: int) -> bytes:
    return scalar.to_bytes(32, "little")


def _check(*elements: bytes) -> None:
    for element in elements:
        if len(element) != 32 or not bindings.crypto_core_ed25519_is_valid_point(element):
            raise MalformedError("a share of the code exchange is none")
