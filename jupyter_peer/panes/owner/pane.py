"""One pane of this node, while the server runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ..kernel.channels.still import STILL
from ..kernel.notebook_source import NotebookSource
from ..kernel.one_output import OneOutputSource
from ..kernel.source import PaneSource
from ..state import PaneState
from .delivery import Audience, Delivery
from .input.rules import VALUES

Json = dict[str, Any]


class SharePane(msgspec.Struct, frozen=True):
    """The description of a pane to share.

    Attributes:
        name: 1 to 64 letters, digits, dots, dashes and underscores.
        title: Title for people; if it is empty, the name is shown.
        kernel_id: Kernel whose output is shared.
        source: ``{"cell": msg_id}``, ``{"display": display_id}``, or ``{"notebook": msg_id}`` of the
            cell that presents.
        other_widgets: Rule for inputs to widgets of other libraries than ipywidgets: ``none``,
            ``values`` or ``all``; None keeps that of a pane that is shared again.
        tracebacks: Whether errors show their traceback, which quotes lines of the source; None
            keeps the choice for a pane that is shared again.
        cell_id: Id of the cell in its notebook. If the cell runs again, the pane continues with it.
        path: Path of this notebook on the server, if known.
        outputs: Outputs that the cell already shows, in the form of nbformat.
        known: Ids of the last messages in these outputs.
        loaders: MIME bundles of other cells that loaded a library into the page.
        output: The place of the one output of the cell that is shared, from 0; None for all of them.
    """

    name: str
    title: str
    kernel_id: str
    source: dict[str, str]
    other_widgets: str | None = None
    tracebacks: bool | None = None
    cell_id: str | None = None
    path: str | None = None
    outputs: Sequence[Json] = ()
    known: Sequence[str] = ()
    loaders: Sequence[Json] = ()
    output: int | None = None

    @property
    def is_notebook(self) -> bool:
        """Whether the pane shows all cells that run from now on."""
        return "notebook" in self.source

    @property
    def source_type(self) -> Callable[..., PaneSource]:
        """What selects its messages."""
        if self.output is not None:
            return functools.partial(OneOutputSource, place=self.output)
        return NotebookSource if self.is_notebook else PaneSource


class PaneInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One own pane.

    Attributes:
        status: ``live`` or ``ended``.
        since: Epoch seconds.
        cell_id: Id of the notebook's cell that it belongs to, if any.
        path: Present path of this notebook, if known.
        output: Place of its one output in that cell; None for all of them.
        failed: Whether its cell ended with an error.
        other_widgets: Rule for inputs to widgets of other libraries than ipywidgets.
        presented_by: What names the cells of a presented notebook: ``kernel`` or ``page``.
    """

    name: str
    title: str
    rev: int
    status: str
    since: float
    kernel_id: str | None
    cell_id: str | None = None
    path: str | None = None
    output: int | None = None
    failed: bool = False
    other_widgets: str = VALUES
    presented_by: str | None = None
    viewers: list[dict[str, str]]
    grants: dict[str, str]


class OwnPane:
    """A pane with its grants and its viewers.

    Args:
        name: Name of the pane.
        delivery: Sends it to viewers.
        guests: Returns the grant of each guest, by node id.

    Attributes:
        grants: Node id -> grant of that peer.
        since: Time when it was shared, epoch seconds.
        other_widgets: Rule for inputs to widgets of other libraries than ipywidgets.
        tracebacks: Whether its errors show their traceback.
        source: Source of its messages; None until it is shared.
        is_ended: Whether its kernel has ended.
        told_failed: Whether its owner was told that its cell has failed.
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
        self.path: str | None = None
        self.output: int | None = None
        self.since = 0.0
        self.other_widgets = VALUES
        self.tracebacks = True
        self.grants: dict[str, str] = {}
        self.is_ended = self.told_failed = False
        self.source: PaneSource | None = None
        self.unsubscribe: Callable[[], None] = lambda: None
        self.audience = Audience(name, delivery, self._describe)

    @property
    def state(self) -> PaneState:
        """The state that it shows."""
        assert self.source is not None
        return self.source.state

    @property
    def has_failed(self) -> bool:
        """Whether its cell ended with an error."""
        return self.source is not None and self.state.outputs.ends_with_error

    def grant_of(self, node_id: str) -> str | None:
        """Return the grant of a peer or guest; None without one."""
        return self.grants.get(node_id) or self._guests().get(node_id)

    def allowed(self) -> list[str]:
        """Return the ids of all nodes that may see it, guests included."""
        return [*self.grants, *self._guests()]

    def peers_who_view(self) -> list[str]:
        """Return the ids of the peers that have it open; guest links count their guests themselves."""
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
        """Return the ``pane_offer`` for a peer or guest that may see it."""
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
            name_of: Returns the name of a peer.
        """
        return PaneInfo(
            name=self.name,
            title=self.title,
            rev=self.state.rev,
            status="ended" if self.is_ended else "live",
            since=self.since,
            kernel_id=None if self.kernel_id == STILL else self.kernel_id,
            cell_id=self.cell_id,
            path=self.path,
            output=self.output,
            failed=self.has_failed,
            other_widgets=self.other_widgets,
            presented_by=self.source.presented_by
            if isinstance(self.source, NotebookSource)
            else None,
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
