"""Operations on chat, and the event that reports new lines."""

from __future__ import annotations

from collections.abc import Callable

from ...control.fields import PersonModel
from ...control.rows import chat as rows
from ...errors import NotEnabledError, PeerError
from ...hub.chat import Chats, Line
from ...hub.hub import PeerHub
from ..call import Call, serves
from .group import Group

# Bounds of an event; a client asks for the rest.
NEWS_LINES = 20
NEWS_CHARACTERS = 64 * 1024


class ChatOperations(Group):
    """Sends lines of text to peers, and reads the conversations.

    Args:
        hub: The node.
        on_change: See :class:`.Group`.
        chats: The node's conversations; None leaves them out.
    """

    def __init__(self, hub: PeerHub, on_change: Callable[..., None], chats: Chats | None) -> None:
        super().__init__(hub, on_change)
        self._given = chats

    def news(self) -> rows.ChatsResult:
        """Return the newest lines of all conversations, and the number of unread ones."""
        newest = self._chats.lines(limit=NEWS_LINES)
        size = 0
        for count, line in enumerate(reversed(newest)):
            size += len(line.text)
            if count and size > NEWS_CHARACTERS:
                newest = newest[-count:]
                break
        return rows.ChatsResult([self._model(line) for line in newest], self._chats.unread())

    @property
    def _chats(self) -> Chats:
        if self._given is None:
            raise NotEnabledError("this server has no chat", hint="update jupyter-peer")
        return self._given

    @serves(rows.CHAT)
    async def _send(self, params: rows.ChatParams, call: Call) -> rows.ChatResult:
        line = await self._chats.send(self.id_of(params.peer), params.text)
        return rows.ChatResult(self._model(line))

    @serves(rows.CHATS)
    def _read(self, params: rows.ChatsParams, call: Call) -> rows.ChatsResult:
        node_id = None if params.peer is None else self.id_of(params.peer)
        lines = self._chats.lines(node_id, params.limit)
        if params.seen:
            for each in [node_id] if node_id is not None else list(self._chats.unread()):
                self._chats.mark_seen(each)
        return rows.ChatsResult([self._model(line) for line in lines], self._chats.unread())

    def _model(self, line: Line) -> rows.ChatLineModel:
        try:
            peer = self.hub.peer(line.node_id)
            name, alias = peer.node_name, peer.alias
        except PeerError:
            name, alias = "", None
        return rows.ChatLineModel(
            number=line.number,
            peer=PersonModel(line.node_id, name, alias),
            mine=line.mine,
            at=line.at,
            text=line.text,
        )
