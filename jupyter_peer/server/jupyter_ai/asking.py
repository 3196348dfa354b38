"""What the persona does with a message: whom it asks, and how the answer stands in the chat.

A chat draws Markdown, and other personas read it. A peer wrote the answer, so it stands in a code
block that it cannot end: it makes no links, pictures or headings there.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ...document.plain_text import clean
from ...errors import BadRequestError, PeerError, UnknownPeerError
from ...hub.info import PeerInfo
from ...phrase import phrase

USAGE = "write the name of a peer and a question: `ada which epoch is best?`"
#: Words that the name of a peer can have.
MAX_NAME_WORDS = 6

_MENTION = re.compile(r"^\s*@Peers\b[,:]?", re.IGNORECASE)
_FENCE = "~" * 16


def addressed(body: str, find: Callable[[str], PeerInfo]) -> tuple[PeerInfo, str]:
    """Return the peer that a message names first, and the question after it.

    Args:
        body: The message, with or without ``@Peers``.
        find: Returns the peer of a name.

    Raises:
        BadRequestError: The message has no question.
        UnknownPeerError, AmbiguousPeerError: It begins with the name of no peer, or of several.
    """
    words = _MENTION.sub("", body).split(maxsplit=MAX_NAME_WORDS)
    for count in range(min(MAX_NAME_WORDS, len(words) - 1), 0, -1):
        try:
            peer = find(" ".join(words[:count]).rstrip(",:"))
        except UnknownPeerError:
            continue
        return peer, _MENTION.sub("", body).split(maxsplit=count)[count]
    if len(words) < 2:
        raise BadRequestError("there is no question in this message", hint=USAGE)
    raise UnknownPeerError(
        phrase("no peer is called {name}", name=repr(clean(words[0])[:64])), hint=USAGE
    )


class Quotation:
    """A code block for the text of a peer, written piece by piece.

    Args:
        write: Appends to the message in the chat.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._tildes = 0
        self._is_open = False

    def add(self, text: str) -> None:
        """Append a piece of the text."""
        if not self._is_open:
            self._is_open = True
            self._write(f"{_FENCE}text\n")
        self._write("".join(map(self._kept, clean(text))))

    def end(self, remark: str = "") -> None:
        """End the block; a remark of this program stands in it as a line of its own."""
        if remark:
            self.add(f"\n[{remark}]")
        if self._is_open:
            self._write(f"\n{_FENCE}\n")

    def _kept(self, character: str) -> str:
        # As many tildes as the fence has would end the block, also from several pieces.
        self._tildes = self._tildes + 1 if character == "~" else 0
        return "" if self._tildes >= len(_FENCE) else character


def failure(error: PeerError) -> str:
    """Return an error in one line, for the chat."""
    return clean(f"{error.message} - {error.hint}" if error.hint else error.message)
