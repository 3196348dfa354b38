"""One pane of this node's own while the server runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..kernel.source import PaneSource
from ..state import PaneState
from .delivery import Audience, Delivery
from .input_rules import VALUES

Json = dict[str, Any]


class SharePane(msgspec.Struct, frozen=True):
    """What is to be shared.

    Attributes:
        name: 1 to 64 letters, digits, dots, dashes and underscores.
        title: For people; the name when empty.
        kernel_id: Whose output it is.
        source: ``{"cell": msg_id}`` or ``{"display": display_id}``.
        other_widgets: What viewers may set of widgets of other libraries than ipywidgets:
            ``none``, ``values`` or ``all``.
        tracebacks: Whether errors show their traceback, which quotes lines of the source.
    """

    name: str
    title: str
    kernel_id: str
    source: dict[str, str]
    other_widgets: str = VALUES
    tracebacks: bool = True


class PaneInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One own pane. ``status`` is ``live`` or ``ended``; ``since`` is in epoch seconds."""

    name: str
    title: str
    rev: int
    status: str
    since: float
    kernel_id: str | None
    viewers: list[dict[str, str]]
    grants: dict[str, str]


class OwnPane:
    """A pane, who may see it and who does.

    Args:
        name: What it is called.
        delivery: Brings it to viewers.

    Attributes:
        grants: Node id -> what that peer may do.
        since: When it was shared, epoch seconds.
        source: Feeds it; None until it is shared.
        is_ended: Whether its kernel is gone.
        audience: Its viewers.
    """

    def __init__(self, name: str, delivery: Delivery) -> None:
        self.name = name
        self.title = name
        self.kernel_id = ""
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

    def _describe(self, node_id: str) -> Json:
        return {
            "title": self.title,
            "grant": self.grants.get(node_id, "view"),
            "since": self.since,
            "ended": self.is_ended,
        }

    def offer(self, node_id: str) -> Json:
        """Return the ``pane_offer`` for a peer with a grant."""
        return {
            "pane": self.name,
            "title": self.title,
            "grant": self.grants[node_id],
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
            kernel_id=self.kernel_id,
            viewers=[
                {
                    "node_id": node_id,
                    "node_name": name_of(node_id),
                    "grant": self.grants.get(node_id, "view"),
                }
                for node_id in self.audience.viewers
            ],
            grants=dict(self.grants),
        )
