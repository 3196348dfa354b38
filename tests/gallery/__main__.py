"""``python -m tests.gallery``: writes the page of the gallery; fails where two pages differ without a reason."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.gallery.outputs import gallery_cells
from tests.gallery.run import THEMES, Compared, compare
from tests.gallery.sheet import write_page
from tests.machine.needs import needs_program
from tests.ui.conftest import CHROMIUM_ARGS
from tests.ui.lab import Lab, open_workspace

SIZE = {"width": 1000, "height": 1400}
#: Each output is a pane of its own.
OWNER = "--PeerExtension.max_panes=200"


def main() -> int:
    """Return 0 when all outputs are the same at both ends, or differ for a reason, otherwise 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.gallery", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the page")
    parser.add_argument("--pictures", type=Path, help="folder for each picture in full size")
    parser.add_argument(
        "--only", default="", help="parts of the titles of outputs to compare, with commas"
    )
    parser.add_argument("--theme", choices=THEMES, help="compare in this theme alone")
    given = parser.parse_args()
    begun = time.monotonic()

    def say(line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - begun:7.1f} s  {line}\n")

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        labs = [Lab(Path(folder) / name, name, OWNER) for name in ("ada", "bob")]
        browser = playwright.chromium.launch(
            executable_path=needs_program("chromium"), args=CHROMIUM_ARGS
        )
        try:
            ada, bob = (lab.started() for lab in labs)
            bob.pair_with(ada)

            def opened(lab: Lab) -> Page:
                page = browser.new_context(viewport=SIZE).new_page()
                open_workspace(page, lab)
                return page

            compared = []
            wanted = given.only.lower().split(",")
            for each in compare(
                gallery_cells(),
                opened,
                ada,
                bob,
                say,
                lambda cell: any(part in f"{cell.pane} {cell.title}".lower() for part in wanted),
                (given.theme,) if given.theme else THEMES,
            ):
                compared.append(each)
                if given.pictures:
                    _save(each, given.pictures)
        finally:
            chromium = browser.version
            browser.close()
            for lab in labs:
                lab.close()
    write_page(compared, given.out, [f"Chromium {chromium}", *versions(compared)])
    faults = [each for each in compared if each.is_fault]
    say(f"{len(compared)} comparisons, {len(faults)} differ without a reason")
    return 1 if faults else 0


def versions(compared: Sequence[Compared]) -> list[str]:
    """Return JupyterLab, Python and the libraries that were shown, with the version of each."""
    libraries = dict.fromkeys(["jupyterlab", *(each.cell.library for each in compared)])
    return [
        f"Python {platform.python_version()}",
        *(f"{library} {metadata.version(library)}" for library in libraries),
    ]


def _save(compared: Compared, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{compared.cell.pane}-{compared.theme}-{'late' if compared.late else 'live'}"
    compared.owner.save(folder / f"{name}-owner.png")
    compared.viewer.save(folder / f"{name}-viewer.png")
    if compared.notes or not compared.is_same_text:
        (folder / f"{name}.txt").write_text("\n---\n".join([*compared.texts, compared.notes]))


if __name__ == "__main__":
    sys.exit(main())
