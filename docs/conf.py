"""Builds the documentation: ``make docs``."""

from __future__ import annotations

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
# Cells have magics and shell lines, which a highlighter of Python does not know.
highlight_options = {"default": {"stripall": False}}
suppress_warnings = ["misc.highlighting_failure"]


def lead_outside(app: Any, page: str, source: list[str]) -> None:
    """Lead links that leave the folder of the documentation to the repository."""
    here = (ROOT / "docs" / page).parent

    def outside(link: re.Match[str]) -> str:
        path, hash_, anchor = link[1].partition("#")
        target = (here / path).resolve()
        if not path or "://" in link[1] or target.is_relative_to(ROOT / "docs"):
            return link[0]
        return f"]({REPOSITORY}{target.relative_to(ROOT)}{hash_}{anchor})"

    source[0] = re.sub(r"\]\(([^)\s]+)\)", outside, source[0])


def setup(app: Any) -> None:
    """Connect to the reading of pages."""
    app.connect("source-read", lead_outside)
