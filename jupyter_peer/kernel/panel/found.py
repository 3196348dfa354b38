"""The part of the panel with discovered nodes that are not peers; hidden without any."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ipywidgets as widgets

from ...server_client.client import Client
from ...server_client.results.drawing.markup import (
    GOOD,
    Html,
    box,
    code,
    coloured,
    faint,
    join,
    line,
    strong,
)
from ...server_client.results.results import peer_title
from .parts import Action, Row, heading, peer_way, remark

_PLACES = {"lan": "in your network", "lobby": "in a room of yours"}


class FoundPart(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Lists discovered nodes, and dials one on a click.

    Args:
        client: The connection to this kernel's server.
        do: Runs an action of a click.
        say: Shows the result.

    Attributes:
        rows: One row for each node.
    """

    def __init__(
        self,
        client: Client,
        do: Callable[[Action, widgets.Button], None],
        say: Callable[[Html], None],
    ) -> None:
        self._client = client
        self._do = do
        self._say = say
        self._lines: dict[str, Row] = {}
        self.rows = widgets.VBox()
        super().__init__(
            [
                heading("Found"),
                self.rows,
                remark(
                    "To meet one of them, make an invite and send it to them, or paste theirs. "
                    "Connecting without an invite works only for nodes that your trust_mode "
                    "accepts."
                ),
            ]
        )

    def show(self, found: Iterable[Mapping[str, Any]]) -> None:
        """Show the discovered nodes; empty without any."""
        nodes: dict[str, list[Mapping[str, Any]]] = {}
        for node in found:
            nodes.setdefault(str(node["node_id"]), []).append(node)
        self.layout.display = "" if nodes else "none"
        self.rows.children = [self._line(node_id, seen) for node_id, seen in nodes.items()]
        for node_id in [node_id for node_id in self._lines if node_id not in nodes]:
            self._lines.pop(node_id).close()

    async def _connect(self, node_id: str) -> None:
        peer = await self._client.aio.connect(node_id)
        who = strong(peer_title(peer))
        self._say(join((coloured("Connected with ", GOOD), who, peer_way(peer))))

    def _line(self, node_id: str, seen: list[Mapping[str, Any]]) -> Row:
        row = self._lines.get(node_id)
        if row is None:
            row = self._lines[node_id] = Row("Connect", f"Dial {node_id}")
            connect = functools.partial(self._connect, node_id)
            row.button.on_click(lambda clicked: self._do(connect, clicked))
        where = " and ".join(
            _PLACES.get(str(each["source"]), line(each["source"])) for each in seen
        )
        row.text.value = box(
            strong(line(seen[0].get("node_name") or node_id, 64)),
            Html(" "),
            code(line(node_id, 16)),
            faint(f" {where}, not paired"),
        )
        return row
