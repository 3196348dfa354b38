"""The parts of the panel: a row of words and buttons, a text to copy, an open pane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import ipywidgets as widgets

from ...server_client.results.drawing.markup import (
    FAINT,
    Html,
    box,
    escape,
    faint,
    join,
    line,
    rtt,
    strong,
    tag,
)
from ...server_client.results.results import peer_status, peer_title
from ...server_client.views.cell import LiveDisplay
from ...server_client.views.view import AsyncView

#: The action of a click; its result is not used.
Action = Callable[[], Coroutine[Any, Any, Any]]

# A page without https has no `navigator.clipboard`.
_COPY = """
const button = this, text = button.dataset.text, label = button.textContent;
const done = () => {
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = label; }, 2000);
};
const old = () => {
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  button.focus();
  done();
};
if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, old); else old();
"""


class Row(widgets.HBox):  # type: ignore[misc]  # ipywidgets has no types
    """A line of text, with a button if it has an action."""

    def __init__(self, verb: str, tooltip: str) -> None:
        self.text = widgets.HTML(layout={"flex": "1 1 auto", "min_width": "0"})
        self.button = button(verb, tooltip)
        children = [self.text, self.button] if verb else [self.text]
        super().__init__(children, layout={"align_items": "center"})

    def close(self) -> None:
        """Take it away with what is in it."""
        self.text.close()
        self.button.close()
        super().close()


class OpenPane(widgets.VBox):  # type: ignore[misc]
    """A peer's pane, live, with a button that closes it.

    Args:
        view: The view of the pane.
        on_close: Called when the button closes it.
    """

    def __init__(self, view: AsyncView, on_close: Callable[[widgets.Button], None]) -> None:
        self.view = view
        self.body = widgets.HTML()
        self.close_button = button("Close", f"Close {view.peer}/{view.name} here")
        self.close_button.layout.align_self = "flex-start"
        self.close_button.on_click(on_close)
        super().__init__([self.body, self.close_button], layout={"margin": "8px 0"})
        view.show_in(_WidgetDisplay(self.body))

    def close(self) -> None:
        """Take it away with what is in it."""
        self.body.close()
        self.close_button.close()
        super().close()


class _WidgetDisplay(LiveDisplay):
    """A widget in which a view draws itself."""

    def __init__(self, body: widgets.HTML) -> None:
        super().__init__()
        self._body: widgets.HTML | None = body

    @property
    def is_shown(self) -> bool:
        return self._body is not None

    def show(self, bundle: Mapping[str, Any]) -> None:
        self.update(bundle)

    def update(self, bundle: Mapping[str, Any]) -> None:
        body = self._body
        if body is not None:
            body.value = bundle["text/html"]

    def detach(self) -> None:
        self._body = None


def button(text: str, tooltip: str, *, is_main: bool = False) -> widgets.Button:
    """Return a button as wide as its text."""
    return widgets.Button(
        description=text,
        tooltip=tooltip,
        button_style="primary" if is_main else "",
        layout={"width": "auto", "flex": "0 0 auto"},
    )


def copy_button(text: str) -> Html:
    """Return a button that copies a text in the page, because no kernel can reach a clipboard."""
    return tag(
        "button",
        escape("Copy"),
        class_="lm-Widget jupyter-widgets jupyter-button widget-button mod-primary",
        type="button",
        title="Copy the invite",
        data_text=text,
        onclick=_COPY,
        style="width: auto;",
    )


def heading(text: str) -> widgets.HTML:
    """Return the title of a part."""
    return widgets.HTML(box(tag("div", strong(text), style="margin-top: 6px;")))


def remark(text: str) -> widgets.HTML:
    """Return the text for an empty list."""
    return widgets.HTML(box(faint(text)))


def peer_line(peer: Mapping[str, Any]) -> Html:
    """Return one peer: name, status, path and round trip."""
    return join((strong(peer_title(peer)), Html(" "), peer_status(peer).html(), peer_way(peer)))


def peer_way(peer: Mapping[str, Any]) -> Html:
    """Return the path of a peer's connection and its round trip."""
    way = [line(peer.get("transport") or "", 32), rtt(peer.get("rtt_ms"))]
    return faint("".join(f" · {fact}" for fact in way if fact))


def pane_line(whose: str, pane: Mapping[str, Any], remark: str = "") -> Html:
    """Return one pane: owner, name, title, and further facts."""
    name = line(pane.get("name", "?"), 64)
    title = line(pane.get("title") or "", 100)
    facts = [title] if title and title != name else []
    if remark:
        facts.append(remark)
    return join(
        (
            tag("span", escape(f"{whose}/" if whose else ""), style=f"color: {FAINT};"),
            strong(name),
            faint("".join(f" · {fact}" for fact in facts)),
        )
    )


def run_soon(loop: asyncio.AbstractEventLoop | None, call: Callable[[], None]) -> None:
    """Call from the loop of the widgets, or at once without one."""
    if loop is not None and not loop.is_closed():
        loop.call_soon_threadsafe(call)
    else:
        call()
