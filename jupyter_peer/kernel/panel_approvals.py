"""The part of the panel that asks its owner: calls of tools that wait for a yes, two buttons each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from .client import Client
from .markup import Html, box, code, escape, faint, join, line, strong, tag
from .panel_parts import Action, button, heading


class ApprovalsPart(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Shows who asks, which agent, which tool and its arguments; nothing when nobody asks.

    Args:
        client: The connection to this kernel's server.
        do: Runs an action of a click.
    """

    def __init__(self, client: Client, do: Callable[[Action, widgets.Button], None]) -> None:
        self._client = client
        self._do = do
        super().__init__([], layout={"display": "none"})

    def show(self, data: Mapping[str, Any]) -> None:
        """Show what waits now."""
        before: tuple[Any, ...] = tuple(getattr(self, "children", ()))
        approvals = data["approvals"]
        rows = [self._row(each) for each in approvals]
        self.children = [heading("Allow this once?"), *rows] if rows else []
        self.layout.display = "" if rows else "none"
        for widget in before:
            for child in getattr(widget, "children", ()):
                child.close()
            widget.close()

    def _row(self, approval: Mapping[str, Any]) -> widgets.Widget:
        text = widgets.HTML(box(_words(approval)))
        buttons = []
        for verb, allow in (("Deny", False), ("Allow once", True)):
            made = button(verb, f"{verb}: {approval['tool']}")
            made.on_click(functools.partial(self._answer, approval["id"], allow))
            buttons.append(made)
        return widgets.VBox([text, *buttons], layout={"margin": "0 0 8px"})

    def _answer(self, id: int, allow: bool, clicked: widgets.Button) -> None:
        self._do(functools.partial(self._client.aio.approve, id, allow), clicked)


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
    return join((tag("div", head), arguments))
