"""The part of the panel with tool calls that wait for the owner's decision.

No part of a call is cut or scrolls, so the owner passes all of it before the buttons.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from ...server_client.client import Client
from ...server_client.results.approvals import describe
from ...server_client.results.drawing.markup import box
from .parts import Action, button, heading


class ApprovalRow(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One call of a tool, with the three possible answers.

    Attributes:
        text: The asker, the agent, the tool and its arguments.
        deny_button: Refuses it.
        allow_button: Allows it once.
        turn_button: Allows this tool until the turn ends.
    """

    def __init__(self, approval: Mapping[str, Any]) -> None:
        self.text = widgets.HTML(box(*(block.html() for block in describe(approval))))
        self.deny_button = button("Deny", f"Deny: {approval['tool']}")
        self.allow_button = button("Allow once", f"Allow once: {approval['tool']}")
        self.turn_button = button("Allow for this turn", f"Allow for this turn: {approval['tool']}")
        buttons = widgets.HBox([self.deny_button, self.allow_button, self.turn_button])
        self._parts = (self.text, *buttons.children, buttons)
        super().__init__([self.text, buttons], layout={"margin": "0 0 8px"})

    def close(self) -> None:
        """Remove the row with its widgets."""
        for part in self._parts:
            part.close()
        super().close()


class ApprovalsPart(widgets.VBox):  # type: ignore[misc]
    """Shows the waiting calls, the oldest first; empty without calls.

    Args:
        client: The connection to this kernel's server.
        do: Runs an action of a click.

    Attributes:
        rows: One a call, by its id.
    """

    def __init__(self, client: Client, do: Callable[[Action, widgets.Button], None]) -> None:
        self._client = client
        self._do = do
        self._title = heading("Allow this?")
        self.rows: dict[int, ApprovalRow] = {}
        super().__init__([], layout={"display": "none"})

    def show(self, data: Mapping[str, Any]) -> None:
        """Show the waiting calls; existing rows keep their buttons, and so the focus."""
        waiting = {each["id"]: each for each in data["approvals"]}
        gone = [self.rows.pop(number) for number in self.rows.keys() - waiting.keys()]
        for number in waiting.keys() - self.rows.keys():
            self.rows[number] = self._row(number, waiting[number])
        rows = [self.rows[number] for number in waiting]
        self.children = [self._title, *rows] if rows else []
        self.layout.display = "" if rows else "none"
        for row in gone:
            row.close()

    def _row(self, number: int, approval: Mapping[str, Any]) -> ApprovalRow:
        row = ApprovalRow(approval)
        for made, allow, for_turn in (
            (row.deny_button, False, False),
            (row.allow_button, True, False),
            (row.turn_button, True, True),
        ):
            made.on_click(functools.partial(self._answer, number, allow, for_turn))
        return row

    def _answer(self, number: int, allow: bool, for_turn: bool, clicked: widgets.Button) -> None:
        self._do(functools.partial(self._client.aio.approve, number, allow, for_turn), clicked)
