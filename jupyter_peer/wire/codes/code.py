"""Codes that people say, such as ``7-adult-amulet``, and what is exchanged by one (SPEC section 13).

A code names a mailbox at a lobby and has two words that only the two people know. By SPAKE2 they
agree on a key through that mailbox, and the owner sends an ordinary invite under it. Whoever guesses
has one try, and both sides learn of it.
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
# `%peer pair` joins what is typed with blanks, as a wrapped invite needs it.
_JOINED = re.compile(r"(\d{1,3})([a-z]+)", re.IGNORECASE)
_COMMAND = re.compile(r"\s*%?(jupyter )?peer pair\s+", re.IGNORECASE)


class Code(msgspec.Struct, frozen=True):
    """A code: the number of its mailbox and two words."""

    number: int
    first: str
    second: str

    @classmethod
    def of(cls, number: int, raw: bytes) -> Code:
        """Return the code of a mailbox with the words that two random bytes choose."""
        one, two = raw
        return cls(number, FIRST[one], SECOND[two])

    @classmethod
    def from_text(cls, text: str) -> Code | None:
        """Read a code as somebody typed it; None for a text that does not look like one.

        Raises:
            CodeMalformedError: It looks like one, but no code has such a number or word. Nothing
                was sent, so the code is still good.
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
        """The code as it is said."""
        return f"{self.number}-{self.first}-{self.second}"

    @property
    def password(self) -> int:
        """The code as the number that SPAKE2 takes."""
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
    """The side of whoever made the code.

    Args:
        code: The code.
        raw: 64 random bytes.
    """

    def __init__(self, code: Code, raw: bytes) -> None:
        super().__init__("A", code, raw)

    def on_share(self, share: bytes) -> bytes:
        """Return the answer to the other side's share.

        Raises:
            MalformedError: It is none.
        """
        self._keys = self._spake2.finish(share)
        return self._spake2.share + self._keys.confirm_a

    def on_confirmation(self, confirmation: bytes, invite: str) -> bytes:
        """Return the invite, sealed for the other side, which has shown that it knows the words.

        Raises:
            CodeWrongError: It does not know them.
        """
        keys = self._agreed()
        if not hmac.compare_digest(confirmation, keys.confirm_b):
            raise CodeWrongError
        return AESGCM(_invite_key(keys)).encrypt(_NONCE, invite.encode(), None)


class CodeGuest(_Side):
    """The side of whoever was told the code; the arguments are those of :class:`CodeOwner`."""

    def __init__(self, code: Code, raw: bytes) -> None:
        super().__init__("B", code, raw)

    @property
    def share(self) -> bytes:
        """What is sent first."""
        return self._spake2.share

    def on_answer(self, answer: bytes) -> bytes:
        """Return what shows the owner that this side knows the words.

        Raises:
            CodeWrongError: The owner has other words, or somebody in between has none.
            MalformedError: It is no answer.
        """
        share, confirmation = answer[:_SHARE_BYTES], answer[_SHARE_BYTES:]
        self._keys = self._spake2.finish(share)
        if not hmac.compare_digest(confirmation, self._keys.confirm_a):
            raise CodeWrongError
        return self._keys.confirm_b

    def on_invite(self, sealed: bytes) -> str:
        """Return the invite.

        Raises:
            MalformedError: It was not sealed by the owner.
        """
        try:
            return AESGCM(_invite_key(self._agreed())).decrypt(_NONCE, sealed, None).decode()
        except (InvalidTag, ValueError) as error:
            raise MalformedError("the invite was changed on its way") from error


def _invite_key(keys: Keys) -> bytes:
    hkdf = HKDF(SHA256(), length=32, salt=None, info=_LABEL + b"invite")
    return hkdf.derive(keys.session)
