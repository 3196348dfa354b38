"""The last questions and answers of each conversation, for an agent that asks for them."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import NamedTuple

#: Exchanges of one conversation, characters of each text, and conversations of all peers.
MAX_EXCHANGES = 8
MAX_TEXT = 8 * 1024
MAX_CONVERSATIONS = 64


class Exchange(NamedTuple):
    """A question and its answer, each cut at 8,192 characters."""

    question: str
    answer: str


class Conversations:
    """Keeps the newest conversations of agents with peers in memory.

    A peer chooses the id of a conversation. The same id with another peer or another agent is another
    conversation.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], deque[Exchange]] = OrderedDict()

    def add(self, peer: str, conversation: str, agent: str, exchange: Exchange) -> None:
        """Store an exchange."""
        key = (peer, conversation, agent)
        exchanges = self._kept.pop(key, None) or deque(maxlen=MAX_EXCHANGES)
        exchanges.append(Exchange(exchange.question[:MAX_TEXT], exchange.answer[:MAX_TEXT]))
        self._kept[key] = exchanges
        if len(self._kept) > MAX_CONVERSATIONS:
            self._kept.popitem(last=False)

    def of(self, peer: str, conversation: str, agent: str) -> list[Exchange]:
        """Return the last exchanges of a conversation, the oldest first."""
        return list(self._kept.get((peer, conversation, agent), ()))

    def forget(self, peer: str) -> None:
        """Delete the conversations of a peer."""
        for key in [key for key in self._kept if key[0] == peer]:
            del self._kept[key]

    def clear(self) -> None:
        """Delete all conversations."""
        self._kept.clear()
