"""What a viewer's browser downloads for a pane: ``python -m tests.ui.downloads``, or ``make downloads``.

A forwarder between the browser and the viewer's server counts bytes of TCP, so compression, headers
and the control socket count as they are. Each pane opens in a browser without a cache, in JupyterLab
that is already there.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.machine.loops import loop_in_thread
from tests.machine.needs import needs_program
from tests.ui.conftest import CHROMIUM_ARGS, WIDE
from tests.ui.kernels import running_kernel
from tests.ui.lab import Lab, open_workspace
from tests.ui.panes.test_owners_widgets import IPYMPL
from tests.ui.panes.test_panes import content, open_tab

#: Name of a pane -> the cell, and what can be seen once it is drawn.
PANES = {
    "text": ("print('hello')", "text=hello"),
    "matplotlib": (
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 3, 2]); plt.show()",
        "img",
    ),
    "slider": ("import ipywidgets\nipywidgets.IntSlider()", ".noUi-handle"),
    "plotly": (
        (
            "from IPython.display import display\n"
            "bars = {'data': [{'type': 'bar', 'y': [1, 2]}], 'layout': {}}\n"
            "display({'application/vnd.plotly.v1+json': bars}, raw=True)"
        ),
        ".main-svg >> nth=0",
    ),
    "vega": (
        (
            "from IPython.display import display\n"
            "bars = {'data': {'values': [{'a': 1}]}, 'mark': 'bar', 'encoding': {'y': {'field': 'a', 'type': 'quantitative'}}}\n"
            "display({'application/vnd.vegalite.v5+json': bars}, raw=True)"
        ),
        ".figure canvas, .figure svg",
    ),
    "ipympl": (IPYMPL.partition("\n")[2], ".jupyter-matplotlib canvas >> nth=0"),
}
#: In this time nothing may come, so that what came belongs to the pane.
QUIET_MS = 2000


class Forwarder:
    """Forwards connections to a port of this machine.

    Attributes:
        port: Where it listens.
        received: Bytes that went from that port to those who connected here.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self.received = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection, and wait for their ends."""
        assert self._server is not None
        self._server.close()
        for writer in self._open.values():
            writer.close()  # its reader ends with it, and so both directions
        await asyncio.gather(*self._open)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(
                self._pass(reader, there[1], counts=False),
                self._pass(there[0], writer, counts=True),
            )
        finally:
            del self._open[task]

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counts: bool
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                self.received += len(data) if counts else 0
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()


@contextlib.contextmanager
def forwarded(lab: Lab) -> Iterator[Forwarder]:
    """Put a forwarder before a lab, whose address is that of the forwarder meanwhile."""
    direct = lab.url
    forwarder = Forwarder(int(direct.rpartition(":")[2]))
    with loop_in_thread() as loop:
        asyncio.run_coroutine_threadsafe(forwarder.start(), loop).result(10)
        lab.url = f"http://127.0.0.1:{forwarder.port}"
        try:
            yield forwarder
        finally:
            lab.url = direct
            asyncio.run_coroutine_threadsafe(forwarder.stop(), loop).result(10)


def measured(browser: Browser, bob: Lab, forwarder: Forwarder, name: str, seen: str) -> int:
    """Return the bytes that came for a pane, from its opening until it is drawn and all is quiet."""
    page = browser.new_context(viewport=WIDE).new_page()
    open_workspace(page, bob)

    def quiet() -> int:
        before = -1
        while before != forwarder.received:
            before = forwarder.received
            page.wait_for_timeout(QUIET_MS)
        return before

    before = quiet()
    inside = content(open_tab(page, bob, name))
    expect(inside.locator(seen).first).to_be_visible(timeout=60_000)
    came = quiet() - before
    page.context.close()
    return came


def main() -> int:
    """Print one line a pane."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        labs = [Lab(Path(folder) / name, name) for name in ("ada", "bob")]
        browser = playwright.chromium.launch(
            executable_path=needs_program("chromium"), args=CHROMIUM_ARGS
        )
        try:
            ada, bob = (lab.started() for lab in labs)
            bob.pair_with(ada)
            with running_kernel(ada) as kernel, forwarded(bob) as forwarder:
                for name, (cell, seen) in PANES.items():
                    kernel.run(f"%%peer share {name} --with bob\n{cell}")
                    came = measured(browser, bob, forwarder, name, seen)
                    sys.stdout.write(f"{name:12}{came / 1024:8.0f} KiB\n")
        finally:
            browser.close()
            for lab in labs:
                lab.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
