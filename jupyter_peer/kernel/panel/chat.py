"""Conversations in the panel: the messages with a peer, and a field for the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ipywidgets as widgets

from ...server_client.client import Client
from ...server_client.results.chat import ChatLines, Message
from ...server_client.results.drawing.markup import Html, box, faint, join, strong, tag
from ...server_client.results.results import peer_title
from .parts import button

# The newest line must be visible first, so the order is reversed and scrolling starts below.
_SCROLL = "display: flex; flex-direction: column-reverse; max-height: 260px; overflow-y: auto;"


class Conversation(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One conversation; while it is open its lines count as read.

    Args:
        client: The connection to this kernel's server.
        peer: The other side.
        do: Runs an action of a click.
        on_close: Called when its button closes it.

    Attributes:
        lines: The messages.
        text: The field for a new message.
    """

    def __init__(
        self,
        client: Client,
        peer: Mapping[str, Any],
        do: Callable[..., None],
        on_close: Callable[[Conversation], None],
    ) -> None:
        self.node_id = str(peer["node_id"])
        self._client = client
        self._title = peer_title(peer)
        self._do = do
        self.lines = widgets.HTML()
        self.text = widgets.Text(
            placeholder=f"write to {self._title}",
            tooltip=f"What to write to {self._title}",
            layout={"flex": "1 1 auto"},
        )
        self.send_button = button("Send", f"Send it to {self._title}")
        self.close_button = button("Close", f"Close the conversation with {self._title}")
        self.send_button.on_click(lambda clicked: do(self._send, clicked))
        self.close_button.on_click(lambda _: on_close(self))
        row = widgets.HBox([self.text, self.send_button, self.close_button])
        super().__init__([self.lines, row], layout={"margin": "8px 0"})

    async def read(self) -> None:
        """Show the newest lines, which marks them as read."""
        self._show(await self._client.aio.chats(self.node_id))

    async def _send(self) -> None:
        await self._client.aio.chat(self.node_id, self.text.value)
        self.text.value = ""
        await self.read()

    def _show(self, lines: ChatLines) -> None:
        head = tag("div", strong(f"Chat with {self._title}"))
        said = join(Message(line).html() for line in lines) or faint("Nothing yet.")
        said = tag("div", tag("div", said), style=_SCROLL)
        self.lines.value = box(head, said)

    def close(self) -> None:
        """Remove the conversation with its widgets."""
        for each in (self.lines, self.text, self.send_button, self.close_button):
            each.close()
        super().close()


class ChatPart(widgets.VBox):  # type: ignore[misc]
    """The open conversations of a panel, and the numbers of unread lines.

    Args:
        client: The connection to this kernel's server.
        do: Runs an action.
        on_unread: Called when the unread lines have changed.
    """

    def __init__(
        self, client: Client, do: Callable[..., None], on_unread: Callable[[], None]
    ) -> None:
        self._client = client
        self._do = do
        self._on_unread = on_unread
        self.unread: Mapping[str, int] = {}
        self._shown: dict[str, Conversation] = {}
        super().__init__([])

    async def open_with(self, peer: Mapping[str, Any]) -> None:
        """Open the conversation with a peer, once."""
        node_id = str(peer["node_id"])
        shown = self._shown.get(node_id)
        if shown is None:
            shown = Conversation(self._client, peer, self._do, self._close)
            self._shown[node_id] = shown
            self.children = list(self._shown.values())
        await shown.read()

    def take(self, chats: Mapping[str, Any]) -> None:
        """Apply the news of an event."""
        self.note_unread(chats["unread"])
        for node_id in {str(line["peer"]["node_id"]) for line in chats["lines"]}:
            shown = self._shown.get(node_id)
            if shown is not None:
                self._do(shown.read)

    def note_unread(self, unread: Mapping[str, int]) -> None:
        """Apply the numbers of unread lines."""
        if unread != self.unread:
            self.unread = dict(unread)
            self._on_unread()

    def forget(self, known: Iterable[str]) -> None:
        """Close all conversations except those with these peers."""
        kept = set(known)
        for shown in list(self._shown.values()):
            if shown.node_id not in kept:
                self._close(shown)

    def _close(self, conversation: Conversation) -> None:
        self._shown.pop(conversation.node_id, None)
        self.children = list(self._shown.values())
        conversation.close()


def unread_mark(count: int) -> Html:
    """Return the number of unread lines of a peer in words; empty for none."""
    if not count:
        return Html("")
    words = f"{count} unread line{'s' * (count != 1)}"
    return tag(
        "span",
        Html(words),
        style="margin-left: 8px; padding: 0 6px; border-radius: 8px; font-size: 11px; "
        "background: var(--jp-brand-color1, #1976d2); "
        "color: var(--jp-ui-inverse-font-color1, #fff);",
    )
