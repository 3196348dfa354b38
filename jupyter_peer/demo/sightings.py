"""Compares what Ada's kernel has shown with what Bob's notebook has seen, and when."""

from __future__ import annotations

import re
from collections.abc import Callable

from .notebooks import Said

PANES = ("loss", "metrics")

_SEEN = re.compile(r"^\S+ +(loss|metrics) +rev +(\d+) +(.*)$")
_DRAWN = re.compile(r"base64,([A-Za-z0-9+/=]+)")
_ENDS = ("withdrawn", "ended")

#: Receives the pane, what was seen, and the seconds since it was shown or withdrawn.
OnSeen = Callable[[str, str, float], None]


class Sightings:
    """Matches the outputs of Ada's kernel with those in Bob's notebook.

    Args:
        on_seen: Called for each sighting.

    Attributes:
        shown: Outputs of Ada in each pane, in words, the newest last.
        seen: Those that Bob has seen.
        gone: Status of each pane at its end for Bob.
        delays: From Ada's display to Bob's line, in seconds.
        pictures: Ada's pictures, as base64.
        rows: Rows of Ada's table by epoch, with the metrics by name.
    """

    def __init__(self, on_seen: OnSeen) -> None:
        self._on_seen = on_seen
        self.shown: dict[str, list[str]] = {pane: [] for pane in PANES}
        self.seen: dict[str, list[str]] = {pane: [] for pane in PANES}
        self.gone: dict[str, str] = {}
        self.delays: list[float] = []
        self.pictures: list[str] = []
        self.rows: dict[int, dict[str, float]] = {}
        self._shown_at: dict[tuple[str, str], float] = {}
        self._taken_back: dict[str, float] = {}
        # Bob's line may arrive here before that of Ada's kernel.
        self._unmatched: dict[tuple[str, str], float] = {}
        self._drawn: set[str] = set()
        self._unfinished_line = ""

    def take_shown(self, said: Said) -> None:
        """Record an output of Ada's training."""
        if "image/png" in said.data:
            self.pictures.append(said.data["image/png"].strip())
            pane = "loss"
        elif "text/html" in said.data:
            (_, epoch), *metrics = newest_row(said.data["text/plain"])
            self.rows[int(epoch)] = {name: float(value) for name, value in metrics}
            pane = "metrics"
        else:
            return
        what = describe(said.data)
        self.shown[pane].append(what)
        self._shown_at[pane, what] = said.sent
        if (pane, what) in self._unmatched:
            self._match(pane, what, self._unmatched.pop((pane, what)))

    def take_back(self, pane: str, at: float) -> None:
        """Record that Ada withdraws a pane now."""
        self._taken_back[pane] = at

    def take_lines(self, said: Said) -> None:
        """Record the lines that Bob's notebook prints while it follows the panes."""
        *lines, self._unfinished_line = (self._unfinished_line + said.content["text"]).split("\n")
        for line in lines:
            if match := _SEEN.match(line):
                self._match(match[1], match[3], said.at)

    def take_drawn(self, said: Said) -> None:
        """Record the pictures in Bob's notebook."""
        self._drawn.update(_DRAWN.findall(said.data.get("text/html", "")))

    @property
    def drawn(self) -> list[str]:
        """Ada's pictures that Bob's notebook has shown."""
        return [picture for picture in self.pictures if picture in self._drawn]

    def _match(self, pane: str, what: str, at: float) -> None:
        if what in _ENDS:
            self.gone[pane] = what
            self._on_seen(pane, what, at - self._taken_back.get(pane, at))
        elif (pane, what) in self._shown_at:
            self.seen[pane].append(what)
            self.delays.append(at - self._shown_at[pane, what])
            self._on_seen(pane, what, self.delays[-1])
        else:
            self._unmatched[pane, what] = at


def describe(data: dict[str, str]) -> str:
    """Return the words of Bob's notebook for an output with this MIME bundle."""
    if "image/png" in data:
        return f"a picture, {len(data['image/png']) * 3 // 4:,} bytes"
    return ", ".join(f"{name} {value}" for name, value in newest_row(data["text/plain"]))


def newest_row(table: str) -> list[tuple[str, str]]:
    """Return names and values of the last row of a DataFrame's text, the index first."""
    columns, index, *rows = table.splitlines()
    return list(zip([*index.split(), *columns.split()], rows[-1].split(), strict=True))
