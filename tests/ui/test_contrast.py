"""The contrast of the extension's colours, computed from the variables of JupyterLab's themes."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import jupyterlab
import pytest

ROOT = Path(__file__).parents[2]
# Of the extension, and of the page in which a pane is drawn with the theme's variables.
SHEETS = (
    *sorted((ROOT / "labextension" / "style").glob("*.css")),
    ROOT / "labextension" / "viewer" / "pane.css",
)
THEMES = Path(jupyterlab.__file__).parent / "themes" / "@jupyterlab"
NAMES = ("theme-light-extension", "theme-dark-extension", "theme-dark-high-contrast-extension")

# WCAG 2.2, 1.4.3 (text) and 1.4.11 (marks that tell something).
TEXT, MARK = 4.5, 3.0
# What a view lies on, unless its own rule says otherwise.
GROUNDS = ("--jp-layout-color0", "--jp-layout-color1")
_HUES = re.compile(
    r"--jp-(?:(?:warn|error|success|brand|info|accent)-color\d|focus-outline-color"
    r"|input-active-border-color)"
)
# What may stand on a ground of its own: its rule is that of its element.
_STATE = re.compile(r"::?[\w-]+(?:\([^)]*\))?$")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_VARIABLE = re.compile(r"var\((--[\w-]+)[,)]")

Colour = tuple[float, float, float, float]


class Theme:
    """The variables of one theme."""

    def __init__(self, name: str) -> None:
        # Some themes name a colour of the Material palette; others repeat its value as a fallback.
        palettes = "".join((THEMES / each / "index.css").read_text() for each in NAMES)
        self._values = dict(re.findall(r"var\((--md-[\w-]+),(#\w+)\)", palettes))
        css = (THEMES / name / "index.css").read_text()
        self._values |= dict(re.findall(r"(--jp-[\w-]+):([^;}]+)", css))

    def colour(self, name: str) -> Colour:
        """Return a variable as red, green, blue (0 to 255) and alpha (0 to 1)."""
        return _parse(self._resolve(f"var({name})"))

    def contrast(self, ink: str, ground: str) -> float:
        """Return the contrast (1 to 21) of one variable on another."""
        below = self.colour(ground)
        *top, alpha = self.colour(ink)
        mixed = [a * alpha + b * (1 - alpha) for a, b in zip(top, below[:3], strict=True)]
        low, high = sorted((_luminance(mixed), _luminance(below[:3])))
        return (high + 0.05) / (low + 0.05)

    def _resolve(self, value: str) -> str:
        match = re.fullmatch(r"var\((--[\w-]+)(?:\s*,\s*(.*))?\)", value.strip())
        if match is None:
            return value.strip()
        name, fallback = match.groups()
        return self._resolve(self._values.get(name, fallback))


def _parse(text: str) -> Colour:
    text = {"white": "#fff", "black": "#000"}.get(text, text)
    if text.startswith("#"):
        digits = text[1:] if len(text) > 4 else "".join(2 * digit for digit in text[1:])
        red, green, blue = (int(digits[at : at + 2], 16) for at in (0, 2, 4))
        return red, green, blue, 1.0
    numbers = [float(part) for part in re.findall(r"[\d.]+", text)]
    assert text.startswith("rgb"), text
    return numbers[0], numbers[1], numbers[2], (numbers[3] if len(numbers) > 3 else 1.0)


def _luminance(rgb: list[float] | tuple[float, ...]) -> float:
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in rgb)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@functools.cache
def rules() -> list[tuple[str, dict[str, str]]]:
    """Return the selector and the declarations of each rule of the extension and of its panes."""
    found = []
    for sheet in SHEETS:
        css = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        # Colours of code are JupyterLab's own, and a pane has those that its owner sees.
        css = re.sub(r"color: var\(--jp-mirror-editor-[\w-]+\)", "", css)
        for selector, body in _RULE.findall(css):
            pairs = (line.split(":", 1) for line in body.split(";") if ":" in line)
            named = {key.strip(): value for key, value in pairs}
            found.append((" ".join(selector.split()), named))
    return found


def _grounds(selector: str, declarations: dict[str, str]) -> tuple[str, ...]:
    own = _VARIABLE.search(declarations.get("background", ""))
    if own:
        return (own[1],)
    if ":hover" in selector:
        return ("--jp-layout-color2",)
    element = _STATE.sub("", selector)
    return _grounds(element, dict(rules()).get(element, {})) if element != selector else GROUNDS


@pytest.mark.parametrize("name", NAMES)
def test_all_text_has_a_contrast_of_4_5_at_least(name: str) -> None:
    theme = Theme(name)
    checked = 0
    for selector, declarations in rules():
        ink = _VARIABLE.search(declarations.get("color", ""))
        for ground in _grounds(selector, declarations) if ink else ():
            assert ink is not None
            assert theme.contrast(ink[1], ground) >= TEXT, (selector, ink[1], ground)
            checked += 1
    assert checked > 5


@pytest.mark.parametrize("name", NAMES)
def test_each_coloured_mark_has_a_contrast_of_3_at_least(name: str) -> None:
    theme = Theme(name)
    checked = 0
    for selector, declarations in rules():
        for hue in set(_HUES.findall(" ".join(declarations.values()))):
            for ground in GROUNDS:
                assert theme.contrast(hue, ground) >= MARK, (selector, hue, ground)
                checked += 1
    assert checked > 5


def test_the_warning_colour_of_the_light_theme_would_fail() -> None:
    assert round(Theme(NAMES[0]).contrast("--jp-warn-color1", "--jp-layout-color1"), 1) == 2.7
