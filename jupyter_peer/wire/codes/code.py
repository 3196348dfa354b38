"""Spoken codes such as ``7-adult-amulet``, and the exchange of an invite by one (SPEC section 13).

A code names a mailbox at a lobby and has two words that only two people know. Through that mailbox
their nodes agree on a key by SPAKE2, and the owner sends an ordinary invite, encrypted with it. An
attacker can guess once, and both sides learn of it.
"""

from __future__ import annotations

import difflib
import hashlib
import hmac
import re

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ...errors import CodeMalformedError, CodeWrongError, MalformedError
from ..relay.lobby import MAX_NUMBER
from .spake2 import Ed25519Group, Keys, Role, Spake2
from .words import FIRST, SECOND

#: Random bytes that choose the words of a code, and that a side of one exchange needs.
WORD_BYTES, SECRET_BYTES = 2, 64
_SHARE_BYTES = 32
_LABEL = b"jupyter-peer/1 code "
_NONCE = bytes(12)  # each key seals one message
_CODE = re.compile(r"\W*(\d{1,3})[\s_-]+([a-z]+)[\s_-]+([a-z]+)\W*", re.IGNORECASE)
# `%peer pair` joins its arguments with blanks, as a wrapped invite needs it.
_JOINED = re.compile(r"(\d{1,3})([a-z]+)", re.IGNORECASE)
_COMMAND = re.compile(r"\s*%?(jupyter )?peer pair\s+", re.IGNORECASE)


class Code(msgspec.Struct, frozen=True):
    """A code: the number of its mailbox and two words."""

    number: int
    first: str
    second: str

    @classmethod
    def of(cls, number: int, raw: bytes) -> Code:
        """Return a mailbox's code; two random bytes choose its words."""
        one, two = raw
        return cls(number, FIRST[one], SECOND[two])

    @classmethod
    def from_text(cls, text: str) -> Code | None:
        """Read a typed code; None for a text that does not look like a code.

        Raises:
            CodeMalformedError: The text looks like a code, but no code has such a number or word.
                Nothing was sent, so the real code stays valid.
        """
        if len(text) > 200:
            return None
        said = _COMMAND.sub("", text)
        found = _CODE.fullmatch(_apart(said))
        if found is None:
            return None
        number, first, second = int(found[1]), found[2].lower(), found[3].lower()
        if not 0 < number <= MAX_NUMBER:
            raise CodeMalformedError("the number of a code is from 1 to 999")
        for word, words in ((first, FIRST), (second, SECOND)):
            if word not in words:
                raise CodeMalformedError(
                    f"no code has the word {word!r} at this place", hint=_advice(word, words)
                )
        return cls(number, first, second)

    @property
    def text(self) -> str:
        """The code as people say it."""
        return f"{self.number}-{self.first}-{self.second}"

    @property
    def password(self) -> int:
        """The code as a number, the password of SPAKE2."""
        digest = hashlib.sha512(_LABEL + self.text.encode()).digest()
        return int.from_bytes(digest, "big") % Ed25519Group.order


def _apart(text: str) -> str:
    joined = _JOINED.fullmatch(text)
    if joined is None:
        return text
    number, words = joined[1], joined[2].lower()
    ways = ((words[:at], words[at:]) for at in range(1, len(words)))
    found = [way for way in ways if way[0] in FIRST and way[1] in SECOND]
    return "-".join((number, *found[0])) if found else text


def _advice(word: str, words: list[str]) -> str:
    close = difflib.get_close_matches(word, words, n=2)
    return f"did you mean {' or '.join(close)}?" if close else "ask for the code once more"


class _Side:
    def __init__(self, role: Role, code: Code, raw: bytes) -> None:
        if len(raw) != SECRET_BYTES:
            raise ValueError(f"one side of an exchange needs {SECRET_BYTES} random bytes")
        secret = int.from_bytes(raw, "big") % Ed25519Group.order
        context = _LABEL + str(code.number).encode()
        self._spake2 = Spake2(role, code.password, secret, context)
        self._keys: Keys | None = None

    def _agreed(self) -> Keys:
        if self._keys is None:
            raise MalformedError("the code exchange is out of order")
        return self._keys


class CodeOwner(_Side):
    """The side that made the code.

    Args:
        code: The code.
        raw: 64 random bytes.
    """

    def __init__(self, code: Code, raw: bytes) -> None:
        super().__init__("A", code, raw)

    def on_share(self, share: bytes) -> bytes:
        """Return the answer to the other side's share.

        Raises:
            MalformedError: The bytes are not a share.
        """
        self._keys = self._spake2.finish(share)
        return self._spake2.share + self._keys.confirm_a

    def on_confirmation(self, confirmation: bytes, invite: str) -> bytes:
        """Check that the other side knows the words, and return the sealed invite.

        Raises:
            CodeWrongError: The other side does not know the words.
        """
        keys = self._agreed()
        if not hmac.compare_digest(confirmation, keys.confirm_b):
            raise CodeWrongError
        return AESGCM(_invite_key(keys)).encrypt(_NONCE, invite.encode(), None)


class CodeGuest(_Side):
    """The side that received the code; the arguments are those of :class:`CodeOwner`."""

    def __init__(self, code: Code, raw: bytes) -> None:
        super().__init__("B", code, raw)

    @property
    def share(self) -> bytes:
        """The first message of the exchange."""
        return self._spake2.share

    def on_answer(self, answer: bytes) -> bytes:
        """Return the confirmation, which shows the owner that this side knows the words.

        Raises:
            CodeWrongError: The owner has other words, or somebody intercepts the exchange.
            MalformedError: The bytes are not an answer.
        """
        share, confirmation = answer[:_SHARE_BYTES], answer[_SHARE_BYTES:]
        self._keys = self._spake2.finish(share)
        if not hmac.compare_digest(confirmation, self._keys.confirm_a):
            raise CodeWrongError
        return self._keys.confirm_b

    def on_invite(self, sealed: bytes) -> str:
        """Return the invite.

        Raises:
            MalformedError: The owner did not seal these bytes.
        """
        try:
            return AESGCM(_invite_key(self._agreed())).decrypt(_NONCE, sealed, None).decode()
        except (InvalidTag, ValueError) as error:
            raise MalformedError("the invite was changed on its way") from error


def _invite_key(keys: Keys) -> bytes:
    hkdf = HKDF(SHA256(), length=32, salt=None, info=_LABEL + b"invite")
    return hkdf.derive(keys.session)
