"""Removes secrets and invites of this node from what a kernel sends, before a pane shows it.

A cell that prints its environment, an invite or a configuration file shows it to each viewer. Secrets
that open this node are recognised by their exact characters and replaced by a remark.

Text of a stream arrives in pieces, so a secret may be cut between two messages. The end of a piece
is withheld while it may be the beginning of a secret (at least :data:`MIN_HELD` characters of one),
at most until the kernel has finished the cell. In HTML, the QR code that this program draws of an
invite is recognised too. Some secrets are not recognised: encoded ones (base64, URL escapes, other
pictures), those with other characters in between, and those that are cut between two outputs, two
streams or two keys of a widget.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ...document.qr import INVITE_QR
from ...wire.invite import PREFIX

Json = dict[str, Any]

SECRET_REMARK = "[a secret of this node is not shown]"  # noqa: S105 - a remark, not a secret
INVITE_REMARK = "[an invite is not shown]"
#: Fewer characters of a secret may be shown; from there on the next ones are waited for.
MIN_HELD = 8
#: So many first characters of a secret are masked even if the rest is cut off, as in a short repr.
MIN_BEGINNING = 16
#: Shorter texts (a token that somebody chose) occur by chance.
MIN_SECRET = MIN_BEGINNING
_MAX_STREAMS = 256
_BODY = re.compile(r"[A-Za-z0-9_-]*")
# A long invite may be wrapped into lines.
_INVITE = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_-]+(?:\s+[A-Za-z0-9_-]{32,})*")


class _Stream:
    """The withheld end of one stream's text, which may be the beginning of a secret."""

    __slots__ = ("before", "held", "is_in_invite")

    def __init__(self) -> None:
        self.before = ""
        self.held = ""
        self.is_in_invite = False


class Masks:
    """Masks the messages of one kernel.

    Args:
        secrets: Returns the current secrets of this node.
    """

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        self._secrets = secrets
        self._streams: OrderedDict[tuple[str, str], _Stream] = OrderedDict()

    def mask(self) -> Mask:
        """Return the current mask, which may be used in another thread."""
        return Mask(tuple(each for each in self._secrets() if len(each) >= MIN_SECRET))

    def is_holding(self, parent_id: str) -> bool:
        """Return whether text of a message's streams is withheld."""
        return any(
            stream.held for (parent, _), stream in self._streams.items() if parent == parent_id
        )

    def feed(self, parent_id: str, name: str, text: str) -> str:
        """Add the next piece of a stream; return the text that may be shown now.

        Args:
            parent_id: The request that caused it.
            name: ``stdout`` or ``stderr``.
            text: The next piece.
        """
        stream = self._streams.pop((parent_id, name), None) or _Stream()
        self._streams[parent_id, name] = stream
        if len(self._streams) > _MAX_STREAMS:
            self._streams.popitem(last=False)
        return self.mask().piece(stream, text)

    def release(self, parent_id: str) -> list[tuple[str, str]]:
        """Return names and texts of the withheld streams of a request, after its last message."""
        released = []
        for (parent, name), stream in self._streams.items():
            if parent == parent_id and stream.held:
                released.append((name, self.mask().text(stream.held)))
                stream.before, stream.held = stream.before + stream.held, ""
        return released


class Mask(NamedTuple):
    """Replaces the secrets of this node in values.

    Attributes:
        secrets: The secrets.
    """

    secrets: tuple[str, ...]

    def is_in(self, raw: bytes) -> bool:
        """Return whether JSON or a binary buffer contains a secret."""
        return PREFIX.encode() in raw or any(
            each[:MIN_BEGINNING].encode() in raw for each in self.secrets
        )

    def text(self, text: str) -> str:
        """Return a text without secrets and invites."""
        spans = self._spans(text)
        if not spans:
            return text
        shown, at = [], 0
        for begin, end, remark in spans:
            if end > at:
                shown += [text[at : max(begin, at)], remark]
                at = end
        return "".join([*shown, text[at:]])

    def value(self, value: Any) -> Any:
        """Return a JSON value without secrets and invites, in its keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return value

    def buffers(self, buffers: Sequence[memoryview]) -> list[memoryview]:
        """Return binary buffers of the same lengths, with stars instead of secrets."""
        masked = []
        for buffer in buffers:
            raw = bytes(buffer)
            if self.is_in(raw):
                # Latin-1 has one character for each byte, so the positions are the same.
                spans = self._spans(raw.decode("latin-1"))
                stars = bytearray(raw)
                for begin, end, _ in spans:
                    stars[begin:end] = b"*" * (end - begin)
                raw = bytes(stars)
            masked.append(memoryview(raw))
        return masked

    def piece(self, stream: _Stream, text: str) -> str:
        """Add the next piece of a stream; return the text to show, and withhold the rest."""
        if stream.is_in_invite:
            rest = _BODY.match(text)
            assert rest is not None
            stream.is_in_invite = rest.end() == len(text)
            text = text[rest.end() :]
        seen = len(stream.before)
        whole = stream.before + stream.held + text
        held = self._beginning(whole, seen)
        sent = whole[: len(whole) - held]
        shown, at = [], seen
        for begin, end, remark in self._spans(sent):
            if end > at:
                shown += [sent[at : max(begin, at)], remark]
                at = end
                stream.is_in_invite |= remark == INVITE_REMARK and end == len(whole)
        stream.held = whole[len(sent) :]
        longest = max([len(each) for each in (*self.secrets, PREFIX)])
        stream.before = sent[max(0, len(sent) - longest) :]
        return "".join([*shown, sent[at:]])

    def _spans(self, text: str) -> list[tuple[int, int, str]]:
        """Return begin, end and remark of each secret, in order."""
        spans = []
        for secret in self.secrets:
            begin = text.find(secret[:MIN_BEGINNING])
            while begin >= 0:
                end = begin + MIN_BEGINNING
                while text[begin : end + 1] == secret[: end + 1 - begin] and end < len(text):
                    end += 1
                spans.append((begin, end, SECRET_REMARK))
                begin = text.find(secret[:MIN_BEGINNING], end)
        if PREFIX in text:
            for pattern in (INVITE_QR, _INVITE):
                spans += [(*found.span(), INVITE_REMARK) for found in pattern.finditer(text)]
        return sorted(spans)

    def _beginning(self, text: str, at: int) -> int:
        """Return how many characters at the end, after a position, may begin a secret."""
        most = 0
        for secret in self.secrets:
            # Characters that were already shown count as the beginning too.
            tail = text[max(0, len(text) - len(secret) + 1) :]
            begin = tail.find(secret[:MIN_HELD])
            while begin >= 0 and not secret.startswith(tail[begin:]):
                begin = tail.find(secret[:MIN_HELD], begin + 1)
            if begin >= 0:
                most = max(most, min(len(tail) - begin, len(text) - at))
        return most
