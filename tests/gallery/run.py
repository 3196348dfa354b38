"""Shows each output at its owner and at a viewer, live and late, in two themes, and compares them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from PIL import Image
from playwright.sync_api import Page

from tests.gallery.likeness import TOLERANCE, difference
from tests.gallery.outputs import GalleryCell
from tests.gallery.pages import Look, OwnersPage, ViewersPage
from tests.ui.lab import Lab
from tests.ui.sidebar.test_sidebar import use_theme

Theme = Literal["Light", "Dark"]
THEMES: tuple[Theme, ...] = ("Light", "Dark")


class Compared(NamedTuple):
    """One output beside itself.

    Attributes:
        late: Whether the viewer opened it after the cell had run.
        share: What of the pictures has no counterpart in the other, from 0 to 1.
        texts: That of the owner's page and that of the viewer's.
        notes: What the pane says of the output.
    """

    cell: GalleryCell
    theme: Theme
    late: bool
    owner: Image.Image
    viewer: Image.Image
    share: float
    texts: tuple[str, str]
    notes: str = ""

    @property
    def is_same_text(self) -> bool:
        return self.texts[0] == self.texts[1]

    @property
    def is_same_picture(self) -> bool:
        return self.share <= TOLERANCE

    @property
    def is_fault(self) -> bool:
        """Whether the pages differ without a reason."""
        return bool(
            (not self.is_same_text and not self.cell.text)
            or (not self.is_same_picture and not self.cell.picture)
            or (self.notes and not self.cell.note)
        )

    def __str__(self) -> str:
        marks = (
            "FAULT" if self.is_fault else "",
            f"{self.share:.1%}",
            "" if self.is_same_text else "text differs",
            "has a note" if self.notes else "",
            f"{self.theme} {'late' if self.late else 'live'}",
        )
        return " ".join(f"{mark:12}" for mark in marks) + f"{self.cell.pane} {self.cell.title}"


def compare(
    cells: list[GalleryCell],
    open_lab: Callable[[Lab], Page],
    ada: Lab,
    bob: Lab,
    say: Callable[[str], None],
    wanted: Callable[[GalleryCell], bool] = lambda cell: True,
    themes: Sequence[Theme] = THEMES,
) -> Iterator[Compared]:
    """Run the cells in each theme, and yield what was compared.

    Args:
        cells: The notebook.
        open_lab: Opens a lab in a page of its own.
        ada: The owner.
        bob: The viewer, a peer of hers.
        say: Receives a line for each output.
        wanted: Whether an output is compared; the cells before it run all the same.
        themes: In which it is compared.
    """
    owner = OwnersPage(open_lab(ada), ada, cells)
    viewer = ViewersPage(open_lab(bob), bob)
    is_fitted = False
    for theme in themes:
        for page in (owner.page, viewer.page):
            use_theme(page, f"JupyterLab {theme}")
            page.wait_for_selector("#jupyterlab-splash", state="detached")
        for index, cell in enumerate(cells):
            if cell.pane and not wanted(cell):
                continue
            # What others need is there for both themes.
            if cell.pane or theme == themes[0]:
                owner.run(index)
            if not cell.pane:
                continue
            inside = viewer.open(cell.pane)
            if not is_fitted:
                viewer.fit(inside, owner.width(index))
                is_fitted = True
            pairs = [(True, owner.look(index), viewer.look(inside))]
            # Run again while the viewer watches.
            owner.run(index)
            pairs.append((False, owner.look(index), viewer.look(inside)))
            for late, hers, his in pairs:
                compared = _compared(cell, theme, late, hers, his)
                say(str(compared))
                yield compared
            viewer.close()


def _compared(cell: GalleryCell, theme: Theme, late: bool, hers: Look, his: Look) -> Compared:
    return Compared(
        cell,
        theme,
        late,
        hers.picture,
        his.picture,
        difference(hers.picture, his.picture),
        (hers.text, his.text),
        his.notes,
    )
