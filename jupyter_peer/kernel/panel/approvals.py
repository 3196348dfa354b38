"""The part of the panel with tool calls that wait for the owner's decision.

The server has made every character of these texts visible. Nothing here is cut or scrolls, so whoever
reaches the buttons has passed all of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from ...server_client.client import Client
from ...server_client.results.drawing.markup import (
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

_EXACT = (
    "white-space: pre-wrap; overflow-wrap: anywhere; margin: 2px 0 6px; "
    "direction: ltr; unicode-bidi: bidi-override;"
)


class ApprovalRow(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One call of a tool, with the three possible answers.

    Attributes:
        text: Who asks, which agent, which tool and its arguments.
        deny_button: Refuses it.
        allow_button: Allows it once.
        turn_button: Allows this tool until the turn ends.
    """

    def __init__(self, approval: Mapping[str, Any]) -> None:
        self.text = widgets.HTML(box(_words(approval)))
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


def _words(approval: Mapping[str, Any]) -> Html:
    asker = {"label": approval["peer_name"], "node_id": approval["peer"]}
    chain = approval["chain"][:-1]
    way = join((faint(" through "), *_names(chain))) if chain else Html("")
    head = join(
        (
            _name(asker),
            way,
            escape(" asked your agent "),
            strong(line(approval["agent"])),
            faint(":"),
        )
    )
    wants = join((escape("It wants to call "), code(approval["tool"]), faint(" with:")))
    arguments = [_argument(each) for each in approval["arguments"]] or [faint("no arguments")]
    end = faint(f"Without an answer it is a no at {clock_time(approval['expires'])}.")
    parts = (head, _exact(approval["question"]), wants, *arguments, end)
    return join(tag("div", part) for part in parts)


def _names(people: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
    for at, person in enumerate(people):
        if at:
            yield faint(", ")
        yield _name(person)


def _name(person: Mapping[str, Any]) -> Html:
    """Return the owner's name for a node, apart from the text around it, and its id."""
    label, node_id = person["label"], person["node_id"]
    name = tag("bdi", strong(line(label, 64)))
    return name if label == node_id else join((name, faint(f" ({node_id})")))


def _argument(argument: Mapping[str, Any]) -> Html:
    name = code(line(argument["name"], 64))
    remark = (
        "" if argument["is_exact"] else " (as the object describes itself; parts may be missing)"
    )
    return join((name, faint(f" ={remark}"), _exact(argument["value"])))


def _exact(text: str) -> Html:
    # In the order of its characters, whatever their direction: nothing can be read for another.
    return tag("pre", escape(text), style=_EXACT)
