"""Operations of the control socket for what peers write to each other; listed in :mod:`.ops`."""

from __future__ import annotations

from typing import Annotated

import msgspec

_Peer = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class ChatParams(msgspec.Struct, frozen=True):
    """Send a line of text to a connected peer."""

    peer: _Peer
    # longer ones are refused with a code of their own
    text: Annotated[str, msgspec.Meta(max_length=256 * 1024)]


class ChatsParams(msgspec.Struct, frozen=True):
    """Read the newest lines with one peer, or with all.

    Attributes:
        peer: With whom; None for all.
        limit: How many lines.
        seen: Whether they count as read from now on.
    """

    peer: _Peer | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    seen: bool = False


class ChatPeer(msgspec.Struct, frozen=True):
    """With whom a line was exchanged."""

    node_id: str
    node_name: str
    alias: str | None


class ChatLineModel(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a conversation, as plain text.

    ``number`` counts the lines of all conversations since the server has started, ``mine`` says that
    this node's user wrote it, ``at`` is epoch seconds.
    """

    number: int
    peer: ChatPeer
    mine: bool
    at: float
    text: str


class ChatResult(msgspec.Struct, frozen=True):
    """The line that was sent."""

    line: ChatLineModel


class ChatsResult(msgspec.Struct, frozen=True):
    """Lines, oldest first, and how many of each peer are not read, by node id.

    The event ``chat`` tells the newest lines of all conversations this way.
    """

    lines: list[ChatLineModel]
    unread: dict[str, int]
