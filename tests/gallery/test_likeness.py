"""The comparison of pictures in the gallery sees what a person sees, and the page has every output."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.gallery.likeness import TOLERANCE, difference
from tests.gallery.outputs import GalleryCell, gallery_cells
from tests.gallery.run import Compared
from tests.gallery.sheet import write_page


def drawn(*, left: float = 40, colour: str = "black", ground: str = "white") -> Image.Image:
    picture = Image.new("RGB", (200, 100), ground)
    draw = ImageDraw.Draw(picture)
    draw.text((left, 20), "the same words", fill=colour)
    draw.line((left, 60, left + 100, 60), fill=colour)
    return picture


@pytest.mark.parametrize(
    "other",
    [drawn(), drawn(left=40.5), drawn(left=42), drawn().crop((0, 0, 160, 80))],
    ids=["same", "between pixels", "two pixels beside", "less empty space"],
)
def test_pictures_that_a_person_takes_for_the_same_do_not_differ(other: Image.Image) -> None:
    assert difference(drawn(), other) <= TOLERANCE


@pytest.mark.parametrize(
    "other",
    [
        drawn(left=46),
        drawn(colour="darkblue"),
        drawn(ground="lightyellow", colour="gold"),
        Image.new("RGB", (200, 100), "white"),
    ],
    ids=["beside", "other colour", "other ground", "empty"],
)
def test_pictures_that_a_person_tells_apart_differ(other: Image.Image) -> None:
    assert difference(drawn(), other) > TOLERANCE
    assert difference(other, drawn()) > TOLERANCE


def test_cells_have_their_titles_and_reasons() -> None:
    source = "# %% before\nimport a\n\n# %% a: b\n#: text: one\n#: picture: two\n#: note: three\nx\n\n# %% c: d\ny\n"
    before, reasoned, plain = gallery_cells(source)
    assert (before.pane, before.code) == ("", "import a")
    assert reasoned[2:] == ("output-1", "one", "two", "three")
    assert reasoned.why == "one two three"
    assert plain[:3] == ("c: d", "y", "output-2")
    assert plain.library == "c"


def test_the_page_lists_each_output_that_differs_with_its_greatest_difference_and_its_reason(
    tmp_path: Path,
) -> None:
    cell, plain = gallery_cells("# %% a: b\n#: picture: Other fonts.\nx\n\n# %% c: d\ny")
    compared = [
        Compared(cell, theme, late, drawn(), drawn(), share, ("one", "one"))
        for theme, late, share in [("Light", True, 0.5), ("Light", False, 0.0), ("Dark", True, 0.1)]
    ]
    other = [
        Compared(plain, "Light", late, drawn(), drawn(), 0.01, ("one", "one"))
        for late in (True, False)
    ]
    write_page([*compared, *other], tmp_path, ["a 1.0"])
    page = (tmp_path / "gallery.md").read_text(encoding="utf-8")
    assert "| 1 | a: b | same | 50.0% | Other fonts. |" in page
    assert "c: d" not in page
    assert "The other 1 outputs have the same text" in page
    assert "is 1.0%" in page
    assert "a 1.0." in page
    sheets = sorted(tmp_path.rglob("*.webp"))
    assert [f"({path.relative_to(tmp_path).as_posix()})" in page for path in sheets] == [True, True]


def test_a_difference_without_a_reason_is_a_fault() -> None:
    (plain,) = gallery_cells("# %% a: b\nx")
    (reasoned,) = gallery_cells("# %% a: b\n#: picture: Other fonts.\nx")

    def is_fault(cell: GalleryCell, share: float, other: str = "one", notes: str = "") -> bool:
        texts = ("one", other)
        return Compared(cell, "Light", True, drawn(), drawn(), share, texts, notes).is_fault

    assert not is_fault(plain, TOLERANCE)
    assert is_fault(plain, 2 * TOLERANCE)
    assert not is_fault(reasoned, 2 * TOLERANCE)
    # A reason for the picture is none for the text.
    assert is_fault(reasoned, 0.0, "other")
    assert is_fault(reasoned, 0.0, notes="a script failed")


def test_the_gallery_has_some_sixty_outputs_of_25_libraries() -> None:
    shown = [cell for cell in gallery_cells() if cell.pane]
    assert len(shown) >= 60
    assert len({cell.library for cell in shown}) >= 25
