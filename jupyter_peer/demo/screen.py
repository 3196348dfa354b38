"""Shows what Ada sees, beside the visitor's own notebook."""

from __future__ import annotations

import base64
import importlib.util
from collections.abc import Mapping
from typing import Any

from ipywidgets import HTML, Image, VBox

TITLE = "Ada's screen"


class Screen(VBox):  # type: ignore[misc] # ipywidgets publishes no types
    """Ada's outputs, each in its place, as widgets of the visitor's kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.children: tuple[Any, ...] = (HTML(f"<h3>{TITLE}</h3><p>Nothing is shown yet.</p>"),)

    def show(self, place: int, data: Mapping[str, str]) -> None:
        """Show a MIME bundle in a place: a picture, a table, or text."""
        if "image/png" in data:
            shown: Any = Image(value=base64.b64decode(data["image/png"]))
        else:
            shown = HTML(data.get("text/html") or f"<pre>{data.get('text/plain', '')}</pre>")
        parts: list[Any] = [*self.children[1:]]
        if place < len(parts) and isinstance(parts[place], type(shown)):
            parts[place].value = shown.value
            shown.close()
            return
        parts[place : place + 1] = [shown]
        self.children = (HTML(f"<h3>{TITLE}</h3>"), *parts)

    def open(self) -> Any:
        """Open it to the right of the notebook, where ipylab is installed.

        Returns:
            None when it is open there, else the screen itself, for the cell to show.
        """
        if importlib.util.find_spec("ipylab") is None:
            return self
        from ipylab import JupyterFrontEnd, Panel

        panel = Panel(children=[self])
        panel.title.label = TITLE
        JupyterFrontEnd().shell.add(panel, "main", {"mode": "split-right"})
        return None
