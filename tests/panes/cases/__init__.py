"""Notebooks whose outputs are hard to show elsewhere: a file each, with its cells.

The first cell below the line ``# %% the shared cell`` is the pane. Cells before and after it are the
owner's own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent
_CELL = re.compile(r"^# %% (.*)\n", re.M)
SHARED = "the shared cell"


class Case(NamedTuple):
    """The code of one notebook, with the cells before and after the one that is shared."""

    before: list[str]
    shared: str
    after: list[str]


def case(name: str) -> Case:
    """Return a notebook by the name of its file."""
    parts = _CELL.split((_FOLDER / f"{name}.txt").read_text())
    cells = list(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
    at = [title for title, _ in cells].index(SHARED)
    codes = [code for _, code in cells]
    return Case(codes[:at], codes[at], codes[at + 1 :])


NAMES = sorted(path.stem for path in _FOLDER.glob("*.txt"))
