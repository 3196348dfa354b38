"""A kernel of a lab without a notebook or a browser, for what only its peers shall see."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import Coroutine, Iterator
from types import SimpleNamespace
from typing import Any

from jupyter_peer.demo.notebooks import Cell, NotebookKernel
from tests.machine.loops import loop_in_thread
from tests.ui.lab import Lab

TIMEOUT_S = 30


class Kernel:
    """A running kernel with the magics loaded.

    Its connection lives on a loop in a thread of its own, since Playwright's runs in the tests'.
    """

    def __init__(self, lab: Lab, loop: asyncio.AbstractEventLoop) -> None:
        self._lab = lab
        self._loop = loop
        self._id = self._call("POST", "kernels", b'{"name": "python3"}')["id"]
        server = SimpleNamespace(
            url=f"{lab.url}/",
            name="ada",
            authorization=lambda: {"Authorization": f"token {lab.token}"},
        )
        self._kernel = NotebookKernel(server, self._id, lambda said: None)
        self._wait(self._kernel.start())
        self.run("%load_ext jupyter_peer")

    def run(self, code: str) -> None:
        """Run a cell to its end; it must not fail."""
        self._wait(self._kernel.run(Cell("cell", "cell", code), TIMEOUT_S))

    def close(self) -> None:
        """End the kernel."""
        self._loop.call_soon_threadsafe(self._kernel.close)
        self._call("DELETE", f"kernels/{self._id}")

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * TIMEOUT_S)

    def _call(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._lab.url}/api/{path}",
            data=body,
            method=method,
            headers={"Authorization": f"token {self._lab.token}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return dict(json.loads(answer.read() or b"{}"))


@contextlib.contextmanager
def running_kernel(lab: Lab) -> Iterator[Kernel]:
    """Start a kernel at a lab, and end it."""
    with loop_in_thread() as loop:
        kernel = Kernel(lab, loop)
        try:
            yield kernel
        finally:
            kernel.close()
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result(5)
