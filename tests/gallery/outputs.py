"""The outputs of the gallery: cells of one notebook, in ``outputs.txt``.

A cell begins with ``# %% library: what it shows``, or with ``# %% before`` where it only prepares
others. Lines ``#: text: …`` and ``#: picture: …`` give reasons why the two pages differ in these,
``#: note: …`` says why the pane has a note.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).with_name("outputs.txt")
_CELL = re.compile(
    r"^# %% (.*)\n(?:#: text: (.*)\n)?(?:#: picture: (.*)\n)?(?:#: note: (.*)\n)?", re.MULTILINE
)
BEFORE = "before"


class GalleryCell(NamedTuple):
    """A cell of the gallery.

    Attributes:
        title: Library and what it shows; :data:`BEFORE` for one that shows nothing.
        code: Without the magic that shares it.
        pane: Its name as a pane; empty for one that is not shared.
        text: Why the texts differ; empty where they are the same.
        picture: Why the pictures differ; empty where they are the same.
        note: Why the pane has a note; empty where it has none.
    """

    title: str
    code: str
    pane: str
    text: str
    picture: str
    note: str

    @property
    def why(self) -> str:
        """All reasons."""
        return " ".join(filter(None, (self.text, self.picture, self.note)))

    @property
    def library(self) -> str:
        return self.title.partition(":")[0]

    @property
    def source(self) -> str:
        """The cell as its owner runs it."""
        return (
            f"%%peer share {self.pane} --with bob --grant interact\n{self.code}"
            if self.pane
            else self.code
        )


def gallery_cells(source: str | None = None) -> list[GalleryCell]:
    """Return the cells of the notebook in their order."""
    _, *parts = _CELL.split(_FILE.read_text(encoding="utf-8") if source is None else source)
    cells: list[GalleryCell] = []
    for title, *reasons, code in zip(*(parts[n::5] for n in range(5)), strict=True):
        number = 1 + sum(bool(each.pane) for each in cells)
        pane = "" if title == BEFORE else f"output-{number}"
        text, picture, note = (each or "" for each in reasons)
        cells.append(GalleryCell(title, code.strip(), pane, text, picture, note))
    return cells
