"""What the user writes to peers and reads of them, and the news of it for browsers and kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...control import chat as ops
from ...errors import NotEnabledError, PeerError

if TYPE_CHECKING:
    from ...hub.chat import Chats, Line
    from ...hub.hub import PeerHub
    from .operations import Call

# What an event tells; the rest is asked for.
NEWS_LINES = 20
NEWS_CHARACTERS = 64 * 1024


class ChatDesk:
    """The operations of the conversations.

    Args:
        chats: The node's conversations; None leaves them out.
        hub: The node.
        id_of: Returns the id of the peer somebody means; raises when there is none.
    """

    def __init__(self, chats: Chats | None, hub: PeerHub, id_of: Callable[[str], str]) -> None:
        self._given = chats
        self._hub = hub
        self._id_of = id_of
        self.methods: dict[str, Callable[[Any, Call], Any]] = {
            "chat": self._send,
            "chats": self._read,
        }

    def news(self) -> ops.ChatsResult:
        """Return the newest lines of all conversations, and who has written what is not read."""
        newest = self._chats.lines(limit=NEWS_LINES)
        size = 0
        for count, line in enumerate(reversed(newest)):
            size += len(line.text)
            if count and size > NEWS_CHARACTERS:
                newest = newest[-count:]
                break
        return ops.ChatsResult([self._model(line) for line in newest], self._chats.unread())

    @property
    def _chats(self) -> Chats:
        if self._given is None:
            raise NotEnabledError("there is no chat here")
        return self._given

    async def _send(self, params: ops.ChatParams, call: Call) -> ops.ChatResult:
        line = await self._chats.send(self._id_of(params.peer), params.text)
        return ops.ChatResult(self._model(line))

    def _read(self, params: ops.ChatsParams, call: Call) -> ops.ChatsResult:
        node_id = None if params.peer is None else self._id_of(params.peer)
        lines = self._chats.lines(node_id, params.limit)
        if params.seen:
            for each in [node_id] if node_id is not None else list(self._chats.unread()):
                self._chats.mark_seen(each)
        return ops.ChatsResult([self._model(line) for line in lines], self._chats.unread())

    def _model(self, line: Line) -> ops.ChatLineModel:
        try:
            peer = self._hub.peer(line.node_id)
            name, alias = peer.node_name, peer.alias
        except PeerError:
            name, alias = "", None
        return ops.ChatLineModel(
            number=line.number,
            peer=ops.ChatPeer(line.node_id, name, alias),
            mine=line.mine,
            at=line.at,
            text=line.text,
        )
