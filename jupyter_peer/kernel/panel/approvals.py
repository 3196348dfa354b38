"""The part of the panel with tool calls that wait for the owner's decision."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from ...server_client.client import Client
from ...server_client.results.markup import (
    Html,
    box,
    clock_time,
    code,
    escape,
    faint,
    join,
    line,
    strong,
    tag,
)
from .parts import Action, button, heading


class ApprovalRow(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One call of a tool, with the two possible answers.

    Attributes:
        text: Who asks, which agent, which tool and its arguments.
        deny_button: Refuses it.
        allow_button: Allows it once.
    """

    def __init__(self, approval: Mapping[str, Any]) -> None:
        self.text = widgets.HTML(box(_words(approval)))
        self.deny_button = button("Deny", f"Deny: {approval['tool']}")
        self.allow_button = button("Allow once", f"Allow once: {approval['tool']}")
        buttons = widgets.HBox([self.deny_button, self.allow_button])
        self._parts = (self.text, self.deny_button, self.allow_button, buttons)
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
        self._title = heading("Allow this once?")
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
        for made, allow in ((row.deny_button, False), (row.allow_button, True)):
            made.on_click(functools.partial(self._answer, number, allow))
        return row

    def _answer(self, number: int, allow: bool, clicked: widgets.Button) -> None:
        self._do(functools.partial(self._client.aio.approve, number, allow), clicked)


def _words(approval: Mapping[str, Any]) -> Html:
    who = line(approval.get("peer_name") or approval.get("peer", ""), 64)
    head = join(
        (
            strong(who),
            escape(" has asked your agent "),
            strong(line(approval["agent"])),
            escape(", and it wants to use "),
            code(approval["tool"]),
            faint(" with"),
        )
    )
    arguments = tag(
        "pre",
        escape(approval["arguments"] or "no arguments"),
        style="white-space: pre-wrap; overflow-wrap: anywhere; max-height: 12em; overflow: auto;",
    )
    end = faint(f"Without an answer it is a no at {clock_time(approval['expires'])}.")
    return join((tag("div", head), arguments, tag("div", end)))
