"""Invites: single-use trust grants that people copy to each other (SPEC section 7)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re

import msgspec

from ..errors import InviteMalformedError, MalformedError
from .link.identity import clean_name, decode_public_key, is_node_id, node_id_of

PREFIX = "jpeer1:"
MAX_TEXT = 16 * 1024
MAX_ADDRESSES = 16
MAX_ADDRESS = 512
TOKEN_BYTES = 16
_BODY = re.compile(r"[A-Za-z0-9_-]+")
# Chat and mail programs wrap lines, quote them with ">", and insert characters of zero width.
_WRAPPED = re.compile("^[\\s>]+|[\\s\u00ad\u200b-\u200d\u2060\ufeff]+", re.MULTILINE)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def b64url(raw: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def make_token(raw: bytes) -> str:
    """Return the text of a token from 16 random bytes.

    Raises:
        ValueError: ``raw`` does not have 16 bytes.
    """
    if len(raw) != TOKEN_BYTES:
        raise ValueError("an invite token has 16 bytes")
    return b64url(raw)


def token_hash(token: str) -> str:
    """Return the hex SHA-256 of a token; only this hash is stored, never the token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Invite(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The content of an invite; the one-letter names are those of the wire.

    Attributes:
        v: Version, 1.
        id: Node id of the inviter.
        pk: Its public key, base64 of 32 bytes.
        t: Single-use token, 16 random bytes in base64url.
        a: Addresses to dial, best first.
        x: Expiry in epoch seconds.
        n: Its node name, cosmetic.
        r: URL of its relay, if any.
        l: URL of its lobby, if any.
    """

    v: int = msgspec.field(default=0)
    id: str
    pk: str
    t: str
    a: list[str]
    x: float
    n: str = ""
    r: str | None = None
    l: str | None = None  # noqa: E741 - the wire's name

    @property
    def public_key(self) -> bytes:
        """The inviter's raw public key."""
        return decode_public_key(self.pk)

    def to_text(self) -> str:
        """Return the text to copy: ``jpeer1:`` and base64url JSON without padding."""
        return PREFIX + b64url(msgspec.json.encode(self))

    @classmethod
    def from_text(cls, text: object) -> Invite:
        """Read a pasted invite.

        White space and line breaks in it are ignored. So are words before it (``%peer pair``) and
        quotation marks or brackets around it.

        Raises:
            InviteMalformedError: The text is not a whole, well-formed invite of version 1 whose key
                belongs to its node id.
        """
        if not isinstance(text, str):
            raise InviteMalformedError
        if len(text) > 2 * MAX_TEXT:
            raise InviteMalformedError("this is too long for an invite")
        _, prefix, rest = _WRAPPED.sub("", text).partition(PREFIX)
        if not prefix:
            raise InviteMalformedError
        found = _BODY.match(rest)
        # Characters behind the invite may end a quotation or a sentence, but must not continue it.
        if found is None or len(found[0]) > MAX_TEXT or _BODY.search(rest, found.end()):
            raise InviteMalformedError("the invite is cut off or has foreign characters in it")
        body = found[0]
        try:
            raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            invite = msgspec.json.decode(raw, type=cls)
        except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError) as error:
            raise InviteMalformedError("the invite is damaged or cut off") from error
        invite.check()
        return msgspec.structs.replace(invite, n=clean_name(invite.n))

    def check(self) -> None:
        """Check every field.

        Raises:
            InviteMalformedError: A field breaks SPEC section 7.
        """
        if self.v != 1:
            raise InviteMalformedError(
                f"this invite has version {self.v}, which this program does not know",
                hint="update jupyter-peer",
            )
        try:
            is_own = is_node_id(self.id) and node_id_of(decode_public_key(self.pk)) == self.id
        except MalformedError:
            is_own = False
        if not is_own:
            raise InviteMalformedError("the key in this invite does not belong to its node id")
        urls = [*self.a, *(url for url in (self.r, self.l) if url is not None)]
        if (
            not _TOKEN.fullmatch(self.t)
            or not math.isfinite(self.x)
            or len(self.n) > 64
            or len(self.a) > MAX_ADDRESSES
            or any(not 0 < len(url) <= MAX_ADDRESS or not url.isprintable() for url in urls)
        ):
            raise InviteMalformedError("the invite is damaged")
