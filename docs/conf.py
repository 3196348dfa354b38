"""Builds the documentation: ``make docs``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "https://github.com/jupyter-peer/jupyter-peer/blob/main/"

project = "jupyter-peer"
author = "the jupyter-peer contributors"
version = release = re.findall(
    r'"(.+)"', (ROOT / "jupyter_peer" / "_version.py").read_text(encoding="utf-8")
)[0]
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "jupyter-peer"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["tables.css"]
# Cells have magics and shell lines, which a highlighter of Python does not know.
highlight_options = {"default": {"stripall": False}}
suppress_warnings = ["misc.highlighting_failure"]


_LINK = re.compile(r"\]\(([^)\s]+)\)")
_INCLUDE = re.compile(
    r"^```\{include\} (\S+)\n(?::start-after: \"(.+)\"\n:end-before: \"(.+)\"\n)?```$", re.MULTILINE
)


def read_page(app: Any, page: str, source: list[str]) -> None:
    """Bring in what a page includes, and lead links that leave the documentation to the repository.

    Sphinx includes a text as it stands, with links from where the text is.
    """
    here = (ROOT / "docs" / page).parent

    def included(found: re.Match[str]) -> str:
        path = (here / found[1]).resolve()
        text = path.read_text(encoding="utf-8")
        if found[2]:
            text = text.partition(found[2])[2].partition(found[3])[0]
        return with_links(text, path.parent)

    def with_links(text: str, base: Path) -> str:
        def led(link: re.Match[str]) -> str:
            path, hash_, anchor = link[1].partition("#")
            target = (base / path).resolve()
            if not path or "://" in link[1]:
                return link[0]
            if target.is_relative_to(ROOT / "docs"):
                return f"]({os.path.relpath(target, here)}{hash_}{anchor})"
            return f"]({REPOSITORY}{target.relative_to(ROOT)}{hash_}{anchor})"

        return _LINK.sub(led, text)

    source[0] = _INCLUDE.sub(included, with_links(source[0], here))


def setup(app: Any) -> None:
    """Connect to the reading of pages."""
    app.connect("source-read", read_page)
