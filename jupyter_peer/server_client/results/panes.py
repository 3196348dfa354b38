"""The panes of this node and of its peers, and who can view and watches each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .drawing.blocks import Block, Line, Table, Text
from .drawing.markup import line
from .drawing.shown import Record, Shown
from .results import peer_title

_MAY = {"view": "can view", "interact": "can view and use", "none": "can no longer see"}


def granted(name: str, peer: str, grant: str) -> str:
    """Return a sentence about a peer's grant for a pane."""
    return f"{peer} {_MAY[grant]} {name}"


class Audience:
    """Who can view an own pane, and who has it open, in the words of JupyterLab's sidebar.

    Args:
        pane: The pane.
        peers: The known peers.
        links: The guest links.
    """

    def __init__(
        self,
        pane: Mapping[str, Any],
        peers: Iterable[Mapping[str, Any]] = (),
        links: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self._pane = pane
        self._peers = {peer["node_id"]: peer for peer in peers}
        self._links = [link for link in links if link["pane"] == pane.get("name")]

    def watchers(self) -> list[str]:
        """Return the names of all that have it open; a guest chooses the name, so it says guest."""
        viewers = self._pane.get("viewers") or ()
        names = [peer_title(self._peers.get(each["node_id"], each)) for each in viewers]
        guests = [guest for link in self._links for guest in link["guests"]]
        return names + [_guest_title(guest) for guest in guests]

    def may_view(self) -> list[str]:
        """Return who can view it, with the grants of peers; the grant of a blocked one waits."""
        grants = self._pane.get("grants") or {}
        named = [
            f"{peer_title(self._peers.get(node_id, {'node_id': node_id}))} ({grant})"
            for node_id, grant in grants.items()
            if not self._peers.get(node_id, {}).get("blocked")
        ]
        return [*named, *(["anyone with the link"] if self._links else [])]

    def __str__(self) -> str:
        watching = self.watchers()
        if watching:
            return f"Watching: {', '.join(watching)}"
        count = len(self.may_view()) - bool(self._links)
        who = ["1 peer" if count == 1 else f"{count} peers"] if count else []
        who += ["anyone with the link"] if self._links else []
        words = " and ".join(who) or "no peer"
        return f"{words[0].upper()}{words[1:]} can view it"


def _guest_title(guest: Mapping[str, Any]) -> str:
    name = line(guest.get("name") or "", 64)
    return f"{name} (guest)" if name else "a guest"


class Panes(Shown, Record):
    """``mine`` (with viewers and grants) and those ``offered`` to this node.

    Args:
        answer: Answer of the server.
        peers: The known peers; grants are shown by their names.
        links: The guest links, whose guests view panes too.
    """

    def __init__(
        self,
        answer: Mapping[str, Any],
        peers: Sequence[Mapping[str, Any]] = (),
        links: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(
            mine=[Record(pane) for pane in answer.get("mine", ())],
            offered=[Record(pane) for pane in answer.get("offered", ())],
        )
        self._audiences = [Audience(pane, peers, links) for pane in self["mine"]]

    def _describe(self) -> list[Block]:
        mine = [
            (
                Text(line(pane.get("name", "?")), "strong"),
                line(pane.get("title") or "-"),
                ", ".join(audience.may_view()) or "nobody yet",
                ", ".join(audience.watchers()) or "nobody",
            )
            for pane, audience in zip(self["mine"], self._audiences, strict=True)
        ]
        offered = [
            (
                Text(
                    f"{peer_title(pane.get('peer') or {})}/{line(pane.get('name', '?'))}", "strong"
                ),
                line(pane.get("title") or "-"),
                line(pane.get("grant") or "-"),
            )
            for pane in self["offered"]
        ]
        return [
            Table(
                ("pane", "title", "shared with", "viewers"), mine, "shared by you", is_titled=True
            )
            if mine
            else Line(Text("You share no pane. Share a cell's output: %%peer share NAME", "faint")),
            Table(("open as", "title", "grant"), offered, "shared with you", is_titled=True)
            if offered
            else Line(Text("No pane is shared with you.", "faint")),
        ]
