"""A Chromium that nobody debugs, and what its pages hold, asked for a moment at a time.

Playwright listens to the network of each page, and Chromium keeps for such a listener what the page
has loaded. So a page whose memory is measured is left alone meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import websocket  # of jupyter_server's own dependencies

from tests.machine.needs import needs_program
from tests.machine.waiting import until_sync
from tests.ui.conftest import CHROMIUM_ARGS, WIDE


class Holding(NamedTuple):
    """What a page, or a frame in a process of its own, holds after a garbage collection.

    Attributes:
        heap_mib: Of JavaScript and of the nodes.
        nodes: Those that are in no document too.
    """

    heap_mib: float
    nodes: int
    listeners: int


class Chromium:
    """A process of Chromium with a profile of its own, and no tool attached."""

    def __init__(self, folder: Path) -> None:
        profile = folder / "chromium"
        size = f"--window-size={WIDE['width']},{WIDE['height']}"
        self._process = subprocess.Popen(
            [
                *(needs_program("chromium"), "--headless=new", *CHROMIUM_ARGS, size),
                *("--remote-debugging-port=0", f"--user-data-dir={profile}"),
            ],
            stderr=subprocess.DEVNULL,
        )
        port = profile / "DevToolsActivePort"
        until_sync(lambda: port.exists() and port.read_text().count("\n"), what="Chromium")
        self.url = f"http://127.0.0.1:{port.read_text().split()[0]}"

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(20)

    def holdings(self) -> dict[str, Holding]:
        """Collect garbage, and return what is held by address; decoded pictures are let go too."""
        held = {}
        with self._tools() as call:
            targets = call("Target.getTargets", {"filter": [{}]})["targetInfos"]
            for target in targets:
                if target["type"] in ("page", "iframe") and target["url"].startswith("http"):
                    attach = {"targetId": target["targetId"], "flatten": True}
                    session = call("Target.attachToTarget", attach)["sessionId"]
                    call("Memory.simulatePressureNotification", {"level": "critical"}, session)
                    # What only a finalizer of the first held goes with the second.
                    for _ in range(2):
                        call("HeapProfiler.collectGarbage", {}, session)
                    heap = call("Runtime.getHeapUsage", {}, session)
                    used = heap["usedSize"] + heap["embedderHeapUsedSize"]
                    counted = call("Memory.getDOMCounters", {}, session)
                    held[re.sub(r"\?.*", "", target["url"])] = Holding(
                        used / 2**20, counted["nodes"], counted["jsEventListeners"]
                    )
        return held

    def processes(self) -> list[tuple[float, float]]:
        """Return memory of each process of pages in MiB: resident, and of it what no other shares."""
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "--type=renderer" in process.cmdline():
                    memory = process.memory_full_info()
                    found.append((memory.rss / 2**20, memory.uss / 2**20))
        return found

    @contextlib.contextmanager
    def _tools(self) -> Iterator[Any]:
        with urllib.request.urlopen(f"{self.url}/json/version", timeout=20) as answer:
            address = json.load(answer)["webSocketDebuggerUrl"]
        socket = websocket.create_connection(address, suppress_origin=True, timeout=60)
        count = 0

        def call(method: str, params: object, session: str | None = None) -> Any:
            nonlocal count
            count += 1
            asked = {"id": count, "method": method, "params": params}
            socket.send(json.dumps(asked | ({"sessionId": session} if session else {})))
            while (said := json.loads(socket.recv())).get("id") != count:
                pass
            if "error" in said:
                raise RuntimeError(f"{method}: {said['error']['message']}")
            return said["result"]

        try:
            yield call
        finally:
            socket.close()
