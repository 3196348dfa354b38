"""Operations on chat between peers."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ..fields import PersonModel, Short
from ..operation import Operation, looks


class ChatParams(msgspec.Struct, frozen=True):
    """A line of text for a connected peer."""

    peer: Short
    # The hub refuses long lines with an error code of their own.
    text: Annotated[str, msgspec.Meta(max_length=256 * 1024)]


class ChatsParams(msgspec.Struct, frozen=True):
    """Which lines to return.

    Attributes:
        peer: Peer of the conversation; None for all peers.
        limit: Highest number of lines.
        seen: Whether to mark them as read.
    """

    peer: Short | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    seen: bool = False


class ChatLineModel(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a conversation, as plain text.

    Attributes:
        number: Counts the lines of all conversations since the server started.
        peer: The other side.
        mine: Whether this node's user wrote it.
        at: Time, epoch seconds.
        text: The line.
    """

    number: int
    peer: PersonModel
    mine: bool
    at: float
    text: str


class ChatResult(msgspec.Struct, frozen=True):
    """The line that was sent."""

    line: ChatLineModel


class ChatsResult(msgspec.Struct, frozen=True):
    """Lines, oldest first, and the number of unread lines by node id.

    The event ``chat`` carries the newest lines of all conversations in this shape.
    """

    lines: list[ChatLineModel]
    unread: dict[str, int]


CHAT = Operation(
    "chat",
    ChatParams,
    ChatResult,
    "Send a line of text to a connected peer.",
    "POST chat",
    timeout_s=20.0,
)
CHATS = looks(
    "chats",
    ChatsParams,
    ChatsResult,
    "Return the newest lines with one peer, or with all.",
    "GET chat?peer&limit",
)
