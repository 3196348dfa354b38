"""The page of the gallery in the documentation: a table, and a sheet of pictures for each theme."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.gallery.likeness import BLUR, REACH, SHADE, SHIFT, TOLERANCE
from tests.gallery.run import THEMES, Compared, Theme

#: Of one picture on a sheet, in pixels.
WIDTH, HEIGHT = 210, 130
TITLE = 16
GAP = 8
PAIRS_A_ROW = 3

_PAGE = """# Gallery

One notebook shows {outputs} outputs of {libraries} libraries.
Its owner has them in JupyterLab. A viewer has each as a pane in a JupyterLab of another server.
Both pages are in one Chromium, and the pane has no network.

The left picture of each pair is the owner's cell, the right one is the viewer's pane.

{sheets}

`make gallery` runs the notebook, compares the pages and writes this page with its pictures.
`make gallery ONLY='plotly,bokeh'` compares only what has one of these words in its title, and writes to `build/gallery`.
The target fails when two pages differ without a reason. This is the run of {day}: {comparisons} comparisons, {faults}.
`make test` compares fourteen outputs the same way.

## How they are compared

Both pages show an output with the same width.
Each output is compared {times}: live and late{themes}.
*Late* is a viewer who opens the pane after the cell has run, *live* one who has it open while the cell runs again.

- Text: the words that can be seen are the same, those in fields and components too. Formulas and lists of choices are compared by picture alone.
- Picture: both are blurred by {blur} pixels. A pixel has a counterpart where the other picture has its colour (within {shade} of 255) at most {reach} pixels away.
  A whole picture may begin {shift} pixels higher or lower.
  Of what is drawn at most {tolerance:.0%} may have none. The ground does not count.
- Notes: the pane has no line below the output that says what did not work.

## What differs

Each of these differences has a reason. The share is the greatest of the pictures of an output.

| | output | text | picture | why |
|---|---|---|---|---|
{rows}

The other {same} outputs have the same text, no note, and pictures within the tolerance; the greatest share of theirs is {greatest:.1%}.

Some differences are in no output of the notebook, and stay too:

- JupyterLab links paths of files in tracebacks and warnings. The pane does not: the files are the owner's.
- Links of terminals (OSC 8) are links in the pane. JupyterLab shows their codes.
- Of a cell with more than 50 outputs JupyterLab shows the first 50 and a button. The pane shows all.
- A kind that neither of them draws (`text/csv`, AVIF) is named in the pane above its plain text.
- The value of a `Password` is not sent, so its field is empty in the pane.
- The frame of an isolated output is as high as what is in it. In JupyterLab it is 150 pixels high.
- A formula with a `\\label` is red in JupyterLab when its cell runs again. The pane typesets it.
- A display with an id in an `Output` widget changes in the pane with its id. In JupyterLab it does not.
- What the owner's page clears (*Clear Cell Output*) stays in the pane, which follows the kernel. To take an output back, stop sharing it.
- A plot that its library changes by a channel of its own (`push_notebook` of bokeh) stays in the pane as it was shown first.
- What a callback of a widget prints after an input of a viewer is below the outputs of the pane, and not in the cell of its owner.
- Where a backspace follows a carriage return, the pane deletes one character as a terminal does. JupyterLab deletes two.
- A script or a macro of formulas that another cell of the owner defines is not there in the pane. Of other cells it gets the code of known libraries alone.
- A message that a library sends before its widget is shown reaches a view in the pane. In JupyterLab there is no view yet to hear it.
- A widget of a late viewer begins with its present values. Then it hears what its kernel said before.
- Vega of version 6 and 4, and GeoJSON, are drawn. JupyterLab alone shows their plain text, or nothing.
- A text of a kind that comes as a list of lines is joined. JupyterLab puts commas between the lines, and runs no script of them.

## Versions

{versions}.
"""


def write_page(compared: Sequence[Compared], folder: Path, versions: Sequence[str] = ()) -> None:
    """Write ``gallery.md`` into a folder, and its sheets into ``images/gallery`` below it.

    Args:
        compared: All outputs, in both themes or in one.
        folder: That of the documentation, or one like it.
        versions: Programs and libraries with their versions.
    """
    images = folder / "images" / "gallery"
    images.mkdir(parents=True, exist_ok=True)
    for theme in _themes(compared):
        live = [each for each in compared if each.theme == theme and not each.late]
        sheet(live, theme).save(images / f"{theme.lower()}.webp", quality=65, method=6)
    (folder / "gallery.md").write_text(page(compared, versions), encoding="utf-8")


def page(compared: Sequence[Compared], versions: Sequence[str] = ()) -> str:
    """Return the page as Markdown."""
    outputs: defaultdict[str, list[Compared]] = defaultdict(list)
    for each in compared:
        outputs[each.cell.pane].append(each)
    numbered = list(enumerate(outputs.values(), 1))
    same = [group for _, group in numbered if _is_same(group)]
    faults = sum(each.is_fault for each in compared)
    themes = _themes(compared)
    return _PAGE.format(
        comparisons=len(compared),
        faults=f"{faults} of them differ without a reason"
        if faults
        else "none differs without a reason",
        day=f"{datetime.now(UTC):%-d %B %Y}",
        times="four times" if len(themes) == len(THEMES) else "twice",
        themes=", in the light and the dark theme" if len(themes) == len(THEMES) else "",
        sheets="\n\n".join(
            f"![Outputs in the {theme.lower()} theme](images/gallery/{theme.lower()}.webp)"
            for theme in themes
        ),
        outputs=len(outputs),
        libraries=len({each.cell.library for each in compared}),
        blur=BLUR,
        shade=SHADE,
        reach=REACH,
        shift=SHIFT,
        tolerance=TOLERANCE,
        rows="\n".join(_row(number, group) for number, group in numbered if group not in same),
        same=len(same),
        greatest=max((each.share for group in same for each in group), default=0.0),
        versions=", ".join(versions),
    )


def _is_same(group: Sequence[Compared]) -> bool:
    return all(each.is_same_text and each.is_same_picture and not each.notes for each in group)


def _themes(compared: Sequence[Compared]) -> list[Theme]:
    return [theme for theme in THEMES if any(each.theme == theme for each in compared)]


def _row(number: int, group: list[Compared]) -> str:
    cell = group[0].cell
    text = "same" if all(each.is_same_text for each in group) else "differs"
    text += ", with a note" if any(each.notes for each in group) else ""
    share = max(each.share for each in group)
    return f"| {number} | {cell.title} | {text} | {share:.1%} | {cell.why} |"


def sheet(compared: Sequence[Compared], theme: Theme) -> Image.Image:
    """Return all pairs of pictures of one theme on one."""
    across, down = 2 * WIDTH + 3 * GAP, HEIGHT + TITLE + GAP
    rows = -(-len(compared) // PAIRS_A_ROW)
    paper, ink = ("white", "black") if theme == "Light" else ("#111111", "white")
    whole = Image.new("RGB", (PAIRS_A_ROW * across, rows * down + GAP), paper)
    draw = ImageDraw.Draw(whole)
    font = ImageFont.load_default(size=11)
    for number, each in enumerate(compared):
        left, top = number % PAIRS_A_ROW * across + GAP, number // PAIRS_A_ROW * down + GAP
        draw.text((left, top), f"{number + 1}  {each.cell.title}", fill=ink, font=font)
        for place, picture in enumerate((each.owner, each.viewer)):
            at = (left + place * (WIDTH + GAP), top + TITLE)
            small = _small(picture)
            whole.paste(small, at)
            draw.rectangle((at[0] - 1, at[1] - 1, at[0] + WIDTH, at[1] + HEIGHT), outline="gray")
    return whole


def _small(picture: Image.Image) -> Image.Image:
    """Return the picture without the empty space at its right, as large as it fits."""
    factor = min(1.0, max(WIDTH / picture.width, 0.4), HEIGHT / picture.height)
    small = picture.resize(
        (max(1, round(picture.width * factor)), max(1, round(picture.height * factor))),
        Image.Resampling.LANCZOS,
    )
    return small.crop((0, 0, min(WIDTH, small.width), min(HEIGHT, small.height)))
