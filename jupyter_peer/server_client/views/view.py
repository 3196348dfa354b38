"""A peer's pane as a live object in a notebook.

Only text and pictures enter the notebook. Other content of the pane (HTML,
JavaScript, widgets) is replaced by its safest alternative or withheld: a peer's code never runs
in the reader's page. The output also names the pane. JupyterLab with the extension then shows the
pane in an isolated frame instead (:data:`PANE_MIME_TYPE`).
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import NoServerError
from ...primitives import background
from ..bridge import Face, awaiting, blocking
from ..connection import Json, LoopThread
from ..results import outputs
from ..results.drawing.blocks import Block, Line, Look, Text
from ..results.drawing.markup import Html, ago, clock_time, line
from ..results.drawing.shown import Record, Shown
from ..results.results import path_of, peer_title
from .cell import LiveDisplay, running_cell
from .feed import LAST_SEEN, LIVE, WITHDRAWN, Feed

#: Seconds between two updates of the output.
INTERVAL = 0.05

#: ``{peer: node id, name}``: which pane an output shows, for front ends that can draw it live.
PANE_MIME_TYPE = "application/vnd.jupyter-peer.pane+json"

_LOOKS: dict[str, Look] = {LIVE: "good", LAST_SEEN: "warn", WITHDRAWN: "bad"}

#: Keeps displayed views alive that no variable holds: by their cell, else by their display.
_shown: dict[str, LiveView] = {}


class LiveView(Shown, Face[Feed]):
    """Base of both kinds of views.

    Attributes:
        peer: The owner, as it was named.
        name: The pane.
    """

    def __init__(self, feed: Feed, thread: LoopThread) -> None:
        super().__init__(feed, thread)
        self.peer = feed.peer
        self.name = feed.name
        self._display = LiveDisplay()
        self._drawing: asyncio.Task[None] | None = None
        self._stale = False
        self._made_in = running_cell()
        # A view that is neither held by a variable nor displayed ends its watch.
        changed = weakref.WeakMethod(self._on_change)
        thread.soon(feed.on_change, lambda: (callback := changed()) and callback())
        weakref.finalize(self, _end, feed, thread).atexit = False

    @property
    def outputs(self) -> list[Json]:
        """The pane's outputs as nbformat has them: ``[{"output_type": ..., ...}]``."""
        return copy.deepcopy(self.core.outputs())

    @property
    def widgets(self) -> Json:
        """The widgets of the pane as a widget-state document: ``{"state": {model_id: ...}}``.

        Binary values are in ``buffers`` of a model, as base64.
        """
        return copy.deepcopy(self.core.widgets())

    @property
    def info(self) -> Record:
        """Facts about the pane: owner, title, grant, since, path and so on."""
        return Record(self.core.info)

    @property
    def rev(self) -> int:
        """Revision of ``outputs``; grows with each change."""
        return self.core.rev

    @property
    def status(self) -> str:
        """``live``, ``last seen``, ``ended``, ``withdrawn`` or ``closed``."""
        return str(self.core.info.get("status", LIVE))

    def show_in(self, display: LiveDisplay) -> None:
        """Draw the view in another place than a cell's output, such as a widget."""
        self._display = display
        display.show(self._repr_mimebundle_())
        self.thread.soon(self._on_change)

    def _ipython_display_(self) -> None:
        self._display.show(self._repr_mimebundle_())
        cell = self._display.cell
        if cell is None:
            return
        place = cell.cell_id or self._display.id
        before = _shown.get(place)
        _shown[place] = self
        if before is not None and before is not self:
            before.on_replaced(place)
        # It may have changed between drawing and showing.
        self.thread.soon(self._on_change)

    def on_replaced(self, place: str) -> None:
        """Give the place to another view in the same cell."""
        self._display.detach()
        # The cell ran again, so only the history of results still refers to this view.
        if self._made_in is not None and self._made_in.cell_id == place:
            _end(self.core, self.thread)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(include, exclude)
        owner = self.core.info.get("owner")
        node_id = owner.get("node_id") if isinstance(owner, Mapping) else None
        if isinstance(node_id, str):
            bundle[PANE_MIME_TYPE] = {"peer": node_id, "name": self.name}
        return bundle

    def _on_change(self) -> None:
        self._stale = True
        if self._display.is_shown and (self._drawing is None or self._drawing.done()):
            self._drawing = background.start(self._draw(), "drawing a pane")

    async def _draw(self) -> None:
        loop = asyncio.get_running_loop()
        while self._stale and self._display.is_shown:
            self._stale = False
            begun = loop.time()
            # Not on the socket's thread: publishing flushes the kernel's streams, which may block.
            try:
                drawing = loop.run_in_executor(None, self._publish)
            except RuntimeError:  # the kernel is ending, and starts no more threads
                return
            await drawing
            # After drawing, pause twice as long, so that large outputs leave time to others.
            await asyncio.sleep(max(INTERVAL, 3 * (loop.time() - begun)) - (loop.time() - begun))

    def _publish(self) -> None:
        self._display.update(self._repr_mimebundle_())

    def _facts(self, info: Mapping[str, Any]) -> tuple[str, str, list[str]]:
        owner = info.get("owner")
        whose = peer_title(owner) if isinstance(owner, Mapping) else line(owner or self.peer, 64)
        title = line(info.get("title") or "", 100)
        pane = f"{whose}/{self.name}"
        remarks = [title] if title and title != self.name else []
        if since := info.get("since"):
            remarks.append(f"since {clock_time(since)}")
        if cut := self.core.truncated:
            remarks.append(f"the first {cut} characters of its text are cut")
        if way := path_of({"transport": info.get("path"), "rtt_ms": info.get("rtt_ms")}):
            remarks.append(f"connected{way}")
        status = str(info.get("status", LIVE))
        if status == LAST_SEEN and (seen := info.get("last_seen")):
            status = f"{LAST_SEEN} {clock_time(seen)} ({ago(seen)})"
        return pane, status, remarks

    def _describe(self) -> Iterator[Block]:
        info = self.core.info
        pane, status, remarks = self._facts(info)
        yield Line(
            Text(pane, "strong"),
            " (",
            Text(status, _LOOKS.get(str(info.get("status", LIVE)), "faint")),
            ")",
            *(Text(f" · {remark}", "faint") for remark in remarks),
            is_note=True,
            is_head=True,
        )
        yield from map(_Output, self._shown())

    def to_json(self) -> Any:
        return {"info": self.info, "outputs": self.outputs}

    def _shown(self) -> Iterator[Json]:
        for output in self.core.outputs():
            if self.core.is_closed_widget(output):
                continue
            yield output
            yield from self.core.beneath(output)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.peer}/{self.name} ({self.status})>"


class _Output(Block):
    def __init__(self, output: Json) -> None:
        self._output = output

    def html(self) -> Html:
        return outputs.to_html(self._output)

    def text(self) -> str:
        return outputs.to_text(self._output)


def _end(feed: Feed, thread: LoopThread) -> None:
    with contextlib.suppress(NoServerError):
        thread.submit(feed.close())


class View(LiveView):
    """A peer's pane: ``outputs``, ``widgets``, ``wait_for_update``; displays itself live.

    With ``interact`` also ``set``, ``click``, ``send`` and ``say``.
    """

    wait_for_update = blocking(Feed.wait_for_update)
    set = blocking(Feed.set)
    click = blocking(Feed.click)
    send = blocking(Feed.send)
    say = blocking(Feed.say)
    provenance = blocking(Feed.provenance)
    close = blocking(Feed.close)


class AsyncView(LiveView):
    """A peer's pane, with coroutines instead of blocking methods."""

    wait_for_update = awaiting(Feed.wait_for_update)
    set = awaiting(Feed.set)
    click = awaiting(Feed.click)
    send = awaiting(Feed.send)
    say = awaiting(Feed.say)
    provenance = awaiting(Feed.provenance)
    close = awaiting(Feed.close)
