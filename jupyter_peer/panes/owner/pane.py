"""One pane of this node's own while the server runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ..kernel.channels.still import STILL
from ..kernel.source import PaneSource
from ..state import PaneState
from .delivery import Audience, Delivery
from .input.rules import VALUES

Json = dict[str, Any]


class SharePane(msgspec.Struct, frozen=True):
    """What is to be shared.

    Attributes:
        name: 1 to 64 letters, digits, dots, dashes and underscores.
        title: For people; the name when empty.
        kernel_id: Whose output it is.
        source: ``{"cell": msg_id}``, ``{"display": display_id}``, or ``{"notebook": msg_id}`` of the
            cell that presents.
        other_widgets: What viewers may set of widgets of other libraries than ipywidgets:
            ``none``, ``values`` or ``all``.
        tracebacks: Whether errors show their traceback, which quotes lines of the source.
        cell_id: Of the cell in its notebook. When it runs again, the pane goes on.
        outputs: What it shows already, as nbformat outputs.
        known: Ids of the last messages that are in them.
        loaders: MIME bundles of other cells that loaded a library into the page.
    """

    name: str
    title: str
    kernel_id: str
    source: dict[str, str]
    other_widgets: str = VALUES
    tracebacks: bool = True
    cell_id: str | None = None
    outputs: Sequence[Json] = ()
    known: Sequence[str] = ()
    loaders: Sequence[Json] = ()

    @property
    def is_notebook(self) -> bool:
        """Whether all cells that run from now on are shown."""
        return "notebook" in self.source


class PaneInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One own pane.

    Attributes:
        status: ``live`` or ``ended``.
        since: Epoch seconds.
        cell_id: Of the notebook's cell that it stays with, if any.
    """

    name: str
    title: str
    rev: int
    status: str
    since: float
    kernel_id: str | None
    cell_id: str | None = None
    viewers: list[dict[str, str]]
    grants: dict[str, str]


class OwnPane:
    """A pane, who may see it and who does.

    Args:
        name: What it is called.
        delivery: Brings it to viewers.
        guests: Returns what each guest may do with it, by node id.

    Attributes:
        grants: Node id -> what that peer may do.
        since: When it was shared, epoch seconds.
        source: Feeds it; None until it is shared.
        is_ended: Whether its kernel is gone.
        audience: Its viewers.
    """

    def __init__(
        self, name: str, delivery: Delivery, guests: Callable[[], Mapping[str, str]]
    ) -> None:
        self.name = name
        self._guests = guests
        self.title = name
        self.kernel_id = ""
        self.cell_id: str | None = None
        self.since = 0.0
        self.grants: dict[str, str] = {}
        self.is_ended = False
        self.source: PaneSource | None = None
        self.unsubscribe: Callable[[], None] = lambda: None
        self.audience = Audience(name, delivery, self._describe)

    @property
    def state(self) -> PaneState:
        """What it shows."""
        assert self.source is not None
        return self.source.state

    def grant_of(self, node_id: str) -> str | None:
        """Return what a peer or guest may do with it; None for nothing."""
        return self.grants.get(node_id) or self._guests().get(node_id)

    def allowed(self) -> list[str]:
        """Return the ids of all who may see it, guests included."""
        return [*self.grants, *self._guests()]

    def peers_who_view(self) -> list[str]:
        """Return the ids of the peers who have it open; guests are counted by their links."""
        guests = self._guests()
        return [node_id for node_id in self.audience.viewers if node_id not in guests]

    def _describe(self, node_id: str) -> Json:
        return {
            "title": self.title,
            "grant": self.grant_of(node_id) or "view",
            "since": self.since,
            "ended": self.is_ended,
        }

    def offer(self, node_id: str) -> Json:
        """Return the ``pane_offer`` for a peer or guest who may see it."""
        return {
            "pane": self.name,
            "title": self.title,
            "grant": self.grant_of(node_id) or "view",
            "epoch": self.state.epoch,
            "since": self.since,
        }

    def info(self, name_of: Callable[[str], str]) -> PaneInfo:
        """Return the pane as its owner sees it.

        Args:
            name_of: Gives the name of a peer.
        """
        return PaneInfo(
            name=self.name,
            title=self.title,
            rev=self.state.rev,
            status="ended" if self.is_ended else "live",
            since=self.since,
            kernel_id=None if self.kernel_id == STILL else self.kernel_id,
            cell_id=self.cell_id,
            viewers=[
                {
                    "node_id": node_id,
                    "node_name": name_of(node_id),
                    "grant": self.grants.get(node_id, "view"),
                }
                for node_id in self.peers_who_view()
            ],
            grants=dict(self.grants),
        )
