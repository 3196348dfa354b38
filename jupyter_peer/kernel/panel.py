"""The panel of ``%peer panel``: invite, pair, peers and panes as widgets in a cell's output."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Callable, Coroutine, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from ..errors import PeerError
from .client import Client
from .connection import Json

_WIDE = {"width": "100%"}


class PeerPanel(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Shows what is shared with whom, and does what a click asks.

    Args:
        client: The connection to this kernel's server.

    Attributes:
        invite_text: The last invite that was minted.
        pair_text: Where an invite is pasted.
        progress: What the last action does, or why it failed.
        peers: One row a peer.
        panes: One row a pane, mine first.
        views: Panes that were opened here.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._loop: asyncio.AbstractEventLoop | None = None
        with contextlib.suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self.mint_button = _button("Make an invite", "A single-use invite to give to one person")
        self.invite_text = widgets.Text(
            placeholder="the invite appears here", disabled=True, layout=_WIDE
        )
        self.copy_button = widgets.HTML()
        self.expiry = widgets.Label()
        self.pair_text = widgets.Text(placeholder="paste an invite: jpeer1:…", layout=_WIDE)
        self.pair_button = _button("Pair", "Connect with the one who made this invite")
        self.progress = widgets.HTML()
        self.peers = widgets.VBox()
        self.panes = widgets.VBox()
        self.views = widgets.Output()
        self.mint_button.on_click(lambda _: self._do(self._mint()))
        self.pair_button.on_click(lambda _: self._do(self._pair()))
        super().__init__(
            [
                widgets.HBox([self.mint_button, self.copy_button, self.expiry]),
                self.invite_text,
                widgets.HBox([self.pair_text, self.pair_button]),
                self.progress,
                widgets.HTML("<b>Peers</b>"),
                self.peers,
                widgets.HTML("<b>Panes</b>"),
                self.panes,
                self.views,
            ]
        )
        self._ends = [client.on_event(event, self._on_event) for event in ("peers", "panes")]
        self.refresh()

    def refresh(self) -> None:
        """Show the peers and panes of this moment."""
        self._show_peers(self._client.peers())
        self._show_panes(self._client.panes())

    def close(self) -> None:
        """Stop listening and take the widgets away."""
        for end in self._ends:
            end()
        super().close()

    # What a click does.

    async def _mint(self) -> None:
        invite = await self._client.aio.invite()
        self.invite_text.value = str(invite)
        # an invite holds nothing that needs escaping, yet it goes into an attribute
        call = f"navigator.clipboard.writeText('{escape(str(invite), quote=True)}')"
        self.copy_button.value = f'<button class="jupyter-button" onclick="{call}">Copy</button>'
        until = time.strftime("%d %b %H:%M", time.localtime(invite.expires))
        self.expiry.value = f"works once, until {until}"
        self._say("Give the text to one person, who pastes it.")

    async def _pair(self) -> None:
        text = self.pair_text.value.strip()
        self._say("Pairing…")
        peer = await self._client.aio.pair(text, self._on_step)
        self.pair_text.value = ""
        self._say(f"Connected with {peer['node_name'] or peer['node_id']}.")

    async def _open(self, peer: str, name: str) -> None:
        view = await self._client.aio.open(f"{peer}/{name}")
        self.views.append_display_data(view)

    async def _unshare(self, name: str) -> None:
        await self._client.aio.unshare(name)
        self._say(f"{name} is shared no more.")

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Run an action; the widgets stay usable meanwhile."""
        guarded = self._guard(work)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(guarded)
            return
        task = loop.create_task(guarded)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except PeerError as error:
            self._say(f"{error.code}: {error.message}", error.hint)

    # What is shown.

    def _on_event(self, data: Json) -> None:
        """Show what an event brings; it comes on the client's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._show, data)
        else:
            self._show(data)

    def _show(self, data: Json) -> None:
        if "peers" in data:
            self._show_peers(data["peers"])
        else:
            self._show_panes(data)

    def _on_step(self, step: Json) -> None:
        ended = {True: "works", False: "does not answer", None: "is tried…"}
        self._say(f"{step.get('address', '')} {ended[step.get('ok')]}")

    def _say(self, text: str, hint: str = "") -> None:
        self.progress.value = f"{escape(text)}<br><small>{escape(hint)}</small>"

    def _show_peers(self, peers: Sequence[Json]) -> None:
        rows = [widgets.HTML(_peer_row(peer)) for peer in peers]
        self.peers.children = rows or [widgets.HTML("nobody yet: make or paste an invite")]

    def _show_panes(self, panes: Json) -> None:
        rows = [
            self._row(
                f"{pane['name']} (mine, {len(pane['viewers'])} watching)",
                "Unshare",
                functools.partial(self._unshare, pane["name"]),
            )
            for pane in panes["mine"]
        ]
        for pane in panes["offered"]:
            owner = pane["peer"]
            label = owner.get("alias") or owner.get("node_name") or owner["node_id"]
            rows.append(
                self._row(
                    f"{label}/{pane['name']}",
                    "Open",
                    functools.partial(self._open, owner["node_id"], pane["name"]),
                )
            )
        self.panes.children = rows or [widgets.HTML("nothing is shared yet")]

    def _row(
        self, text: str, verb: str, action: Callable[[], Coroutine[Any, Any, None]]
    ) -> widgets.HBox:
        button = _button(verb, f"{verb} {text}")
        button.on_click(lambda _: self._do(action()))
        return widgets.HBox([widgets.Label(text), button])


def _button(text: str, tooltip: str) -> widgets.Button:
    return widgets.Button(description=text, tooltip=tooltip)


def _peer_row(peer: Json) -> str:
    name = escape(peer.get("alias") or peer["node_name"] or peer["node_id"])
    path = f" by {escape(peer['transport'])}" if peer.get("transport") else ""
    rtt = f", {peer['rtt_ms']:.1f} ms" if peer.get("rtt_ms") is not None else ""
    return f"<b>{name}</b> {escape(peer['status'])}{path}{rtt}"
