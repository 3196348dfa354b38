"""The panel of ``%peer panel``: invite, pair, peers and panes as widgets in a cell's output."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from ...errors import PeerError
from ...primitives.task_set import TaskSet
from ...server_client.client import Client
from ...server_client.connection import Json
from ...server_client.results.drawing.markup import (
    BAD,
    GOOD,
    Html,
    box,
    coloured,
    escape,
    faint,
    join,
    line,
    strong,
    tag,
)
from ...server_client.results.panes import Audience
from ...server_client.results.results import peer_title
from .approvals import ApprovalsPart
from .chat import ChatPart, unread_mark
from .found import FoundPart
from .invites import InvitePart
from .parts import (
    OpenPane,
    Row,
    button,
    heading,
    pane_line,
    peer_line,
    peer_way,
    remark,
    run_soon,
)
from .rooms import RoomsPart

log = logging.getLogger(__name__)

_STEPS = {
    True: coloured("works", GOOD),
    False: coloured("does not", BAD),
    None: faint("is tried…"),
}
_HIDDEN, _SHOWN = "none", ""


class PeerPanel(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Shows peers and panes, and runs the action of each click.

    Args:
        client: The connection to this kernel's server.

    Attributes:
        invites: Makes and shows an invite.
        pair_text: Field for somebody's invite.
        progress: Progress of the last action, or why it failed.
        peers: One row for each peer.
        found: Discovered nodes that are not peers.
        chats: Conversations that were opened here.
        panes: One row for each pane, the user's own first.
        rooms: Rooms of the lobby, where there is one.
        approvals: Tool calls that wait for the owner's decision.
        views: Panes that were opened here.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._loop: asyncio.AbstractEventLoop | None = None
        with contextlib.suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()
        self._tasks = TaskSet("an action of the panel")
        self._is_away = False
        self._steps: dict[str, Html] = {}
        self._lines: dict[tuple[str, str], Row] = {}
        self.invites = InvitePart(client, self._do)
        self.pair_text = widgets.Text(
            placeholder="paste an invite: jpeer1:…",
            tooltip="The invite of somebody else",
            continuous_update=False,
            layout={"flex": "1 1 auto"},
        )
        self.pair_button = button("Pair", "Connect with the person who made this invite")
        self.progress = widgets.HTML(layout={"display": _HIDDEN})
        self.peers = widgets.VBox()
        self.found = FoundPart(client, self._do, self._say_anew)
        self.chats = ChatPart(client, self._do, self._show_peers_again)
        self._known: Sequence[Mapping[str, Any]] = ()
        self._links: Sequence[Mapping[str, Any]] = ()
        self._panes: Json = {"mine": [], "offered": []}
        self.panes = widgets.VBox()
        self.rooms = RoomsPart(client, self._do, self._say_anew)
        self.approvals = ApprovalsPart(client, self._do)
        self.views = widgets.VBox()
        self.pair_button.on_click(lambda _: self._do(self._pair, self.pair_button))
        super().__init__(
            [
                self.approvals,
                self.invites,
                widgets.HBox([self.pair_text, self.pair_button]),
                self.progress,
                heading("Peers"),
                self.peers,
                self.chats,
                self.found,
                heading("Panes"),
                self.panes,
                self.rooms,
                self.views,
            ],
            _view_count=0,  # front ends count only what is not None
        )
        self.observe(self._on_views, "_view_count")
        events = {
            "peers": lambda data: self._show_nodes(data["peers"], data.get("found") or ()),
            "chat": self.chats.take,
            "panes": self._show_panes,
            "links": self._show_links,
            "invites": lambda data: self.invites.follow(),
            "lobby": self.rooms.show,
            "approval": self.approvals.show,
            "link": self._show_link,
        }
        self._ends = [
            client.on_event(event, functools.partial(self._on_event, show))
            for event, show in events.items()
        ]
        self.refresh()

    def refresh(self) -> None:
        """Show the current peers and panes."""
        peers = self._client.peers()
        self._show_nodes(peers, peers.found)
        self.chats.note_unread(self._client.unread())
        self._links = self._client.links()
        self._show_panes(self._client.panes())
        self.rooms.show(self._client.lobby())
        self.approvals.show({"approvals": self._client.approvals(self._is_on_show)})

    @property
    def _is_on_show(self) -> bool:
        """Whether some page shows the panel, so that its owner can be asked in it."""
        return bool(self._view_count)

    def _on_views(self, change: Mapping[str, Any]) -> None:
        if bool(change["old"]) != bool(change["new"]):
            self._do(self._show_approvals)

    async def _show_approvals(self) -> None:
        self.approvals.show({"approvals": await self._client.aio.approvals(self._is_on_show)})

    def close(self) -> None:
        """Stop listening, close the panes that were opened here, and remove the widgets."""
        for end in self._ends:
            end()
        for shown in self.views.children:
            self._do(shown.view.close)
        super().close()

    # Actions of clicks.

    async def _pair(self) -> None:
        self._steps = {}
        self._say(faint("Pairing…"))
        peer = await self._client.aio.pair(self.pair_text.value.strip(), self._on_step)
        self.pair_text.value = ""
        who = strong(peer_title(peer))
        self._say(join((coloured("Connected with ", GOOD), who, peer_way(peer))))

    async def _open(self, peer: str, name: str) -> None:
        for shown in self.views.children:
            if (shown.view.peer, shown.view.name) == (peer, name):
                return
        view = await self._client.aio.open(f"{peer}/{name}")
        shown = OpenPane(view, lambda _: self._do(close))
        close = functools.partial(self._close_pane, shown)
        self.views.children = (*self.views.children, shown)

    async def _close_pane(self, shown: OpenPane) -> None:
        self.views.children = tuple(each for each in self.views.children if each is not shown)
        shown.close()
        await shown.view.close()

    async def _unshare(self, name: str) -> None:
        await self._client.aio.unshare(name)
        self._say(escape(f"{name} is no longer shared."))

    def _do(
        self, action: Callable[[], Coroutine[Any, Any, Any]], clicked: widgets.Button | None = None
    ) -> None:
        """Run an action; the other widgets stay usable."""
        if clicked is not None:
            clicked.disabled = True
        guarded = self._guard(action, clicked)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(guarded)
        else:
            self._tasks.start(guarded)

    async def _guard(
        self, action: Callable[[], Coroutine[Any, Any, Any]], clicked: widgets.Button | None
    ) -> None:
        try:
            await action()
        except PeerError as error:
            self._say(_failure(f"{error.code}: {error.message}", error.hint))
        except Exception as error:
            log.exception("an action of the panel failed")
            self._say(_failure(f"{type(error).__name__}: {error}"))
        finally:
            if clicked is not None:
                clicked.disabled = False

    # Drawing.

    def _on_event(self, show: Callable[[Any], None], data: Json) -> None:
        """Show the data of an event; called on the client's thread."""
        run_soon(self._loop, functools.partial(show, data))

    def _on_step(self, step: Json) -> None:
        address, message = line(step.get("address") or ""), line(step.get("message") or "")
        outcome = _STEPS[step.get("ok")]
        if message:
            outcome = join((outcome, faint(f": {message}"))) if address else faint(message)
        self._steps[address] = join((escape(f"{address} "), outcome))
        self._say()

    def _say(self, *last: Html) -> None:
        """Show the paths that were tried, and a last line."""
        lines = [*self._steps.values(), *last]
        self.progress.value = box(*(tag("div", each) for each in lines))
        self.progress.layout.display = _SHOWN

    def _say_anew(self, text: Html) -> None:
        """Show the result of an action, without the paths of earlier ones."""
        self._steps = {}
        self._say(text)

    def _show_link(self, data: Json) -> None:
        was_away, self._is_away = self._is_away, not data["is_up"]
        if was_away and not self._is_away:
            self._do(self._ask_again)
        elif self._is_away:
            self._steps = {}
            self._say(_failure("The Jupyter server of this kernel is away", "trying again"))

    async def _ask_again(self) -> None:
        peers = await self._client.aio.peers()
        self._show_nodes(peers, peers.found)
        self.chats.note_unread(await self._client.aio.unread())
        self._links = await self._client.aio.links()
        self._show_panes(await self._client.aio.panes())
        self.rooms.show(await self._client.aio.lobby())
        await self._show_approvals()
        self._steps = {}
        self.progress.layout.display = _HIDDEN

    def _show_nodes(
        self, peers: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
    ) -> None:
        self._known = list(peers)
        self._show_peers_again()
        self._show_panes(self._panes)
        self.chats.forget(str(peer["node_id"]) for peer in peers)
        self.found.show(found)

    def _show_peers_again(self) -> None:
        self.peers.children = [*(self._peer_row(peer) for peer in self._known)] or [
            remark("Nobody yet: make an invite or paste one.")
        ]
        self._forget_lines("peer", {peer["node_id"] for peer in self._known})

    def _peer_row(self, peer: Mapping[str, Any]) -> Row:
        node_id = str(peer["node_id"])
        unread = self.chats.unread.get(node_id, 0)
        text = join((peer_line(peer), unread_mark(unread)))
        open_chat = functools.partial(self.chats.open_with, {**peer})
        row = self._line(("peer", node_id), text, "Chat", open_chat)
        can_chat = "chat" in peer["capabilities"] and peer["status"] != "blocked"
        row.button.layout.display = _SHOWN if can_chat or unread else _HIDDEN
        return row

    def _show_links(self, data: Json) -> None:
        self._links = data["links"]
        self._show_panes(self._panes)

    def _show_panes(self, panes: Json) -> None:
        self._panes = panes
        lines = []
        for pane in panes["mine"]:
            name = pane["name"]
            audience = Audience(pane, self._known, self._links)
            text = pane_line("", pane, f"mine · {audience}")
            action = functools.partial(self._unshare, name)
            lines.append(self._line(("mine", name), text, "Unshare", action))
        for pane in panes["offered"]:
            owner, name = pane["peer"], pane["name"]
            key = f"{owner['node_id']}/{name}"
            action = functools.partial(self._open, owner["node_id"], name)
            text = pane_line(peer_title(owner), pane)
            lines.append(self._line(("offered", key), text, "Open", action))
        self.panes.children = lines or [remark("Nothing is shared yet: %%peer share NAME")]
        self._forget_lines("mine", {pane["name"] for pane in panes["mine"]})
        self._forget_lines(
            "offered", {f"{each['peer']['node_id']}/{each['name']}" for each in panes["offered"]}
        )

    def _line(
        self,
        key: tuple[str, str],
        text: Html,
        verb: str = "",
        action: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> Row:
        """Return the row of a peer or pane; an existing row is kept, and so the focus."""
        row = self._lines.get(key)
        if row is None:
            row = self._lines[key] = Row(verb, f"{verb} {key[1]}")
            if action is not None:
                row.button.on_click(lambda clicked: self._do(action, clicked))
        row.text.value = box(text)
        return row

    def _forget_lines(self, kind: str, kept: Collection[str]) -> None:
        for key in [key for key in self._lines if key[0] == kind and key[1] not in kept]:
            self._lines.pop(key).close()


def _failure(text: str, hint: str = "") -> Html:
    said = coloured(line(text, 500), BAD)
    return join((said, tag("div", faint(line(hint, 500))))) if hint else said
