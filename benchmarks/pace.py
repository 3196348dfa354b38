"""U3: a kernel that shows more than a viewer can draw, with real Jupyter servers and kernels."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from typing import Any

from jupyter_peer.demo.notebooks import Said
from jupyter_peer.document.outputs import OutputList
from jupyter_peer.errors import PeerTimeoutError
from jupyter_peer.server_client.connection import Connection
from jupyter_peer.server_client.dialling import dial_to

from .felt import OWN_PAGE
from .figures import Figure, figure, held, percentile
from .jupyters import Jupyters
from .node import PATIENCE_S
from .workbench import Workbench

MIB = 1024 * 1024
RATE = 1000
INTERVAL_S = 0.1
PANE = "u3"
_SPEAK = """
class Said:
    def __init__(self, number, at):
        self._text = json.dumps({"number": number, "at": at, "padding": "x" * 200})
    def __repr__(self):
        return self._text
def speak(seconds, rate):
    begun, said = time.monotonic(), 0
    while (now := time.monotonic()) < begun + seconds:
        while said < (now - begun) * rate:
            said, last = said + 1, time.time()
            pane.display(Said(said, last))
        time.sleep(0.005)
    answer({"said": said, "last": last, "took_s": time.monotonic() - begun})
"""


class SlowPage:
    """A page of the viewer that needs an interval for each change.

    It talks to its server as a browser does, and acknowledges a change only when it has drawn it. So
    the server holds back further changes.

    Args:
        connection: Connection to the viewer's server.
        owner: Owner of the pane.
        interval_s: Seconds for each change.

    Attributes:
        newest: Content of the displayed text; None before the first one.
        ages_s: Age of each text when the page started to draw it.
        most_waiting: Most changes that have waited for the page.
    """

    def __init__(self, connection: Connection, owner: str, interval_s: float = INTERVAL_S) -> None:
        self.newest: dict[str, Any] | None = None
        self.ages_s: list[float] = []
        self.most_waiting = 0
        self._connection = connection
        self._owner = owner
        self._interval_s = interval_s
        self._outputs = OutputList()
        self._came: deque[dict[str, Any]] = deque()
        self._has_come = asyncio.Event()
        self._end = connection.subscribe("pane", self._note)
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start to watch.

        Raises:
            PeerError: The pane cannot be watched.
        """
        answer = await self._connection.request("open", {"peer": self._owner, "name": PANE})
        self._outputs = OutputList.from_state(answer["state"])
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Stop; the caller closes the connection."""
        self._end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def until(self, number: int) -> None:
        """Wait until it shows the text with a number.

        Raises:
            PeerTimeoutError: It does not show the text in time.
        """
        deadline = time.monotonic() + PATIENCE_S
        while self.newest is None or self.newest["number"] != number:
            if time.monotonic() > deadline:
                raise PeerTimeoutError("the newest state did not reach the viewer")
            await asyncio.sleep(self._interval_s / 10)

    def _note(self, event: dict[str, Any]) -> None:
        if "rev" in event:
            self._came.append(event)
            self.most_waiting = max(self.most_waiting, len(self._came))
            self._has_come.set()

    async def _work(self) -> None:
        while True:
            while not self._came:
                self._has_come.clear()
                await self._has_come.wait()
            change = self._came.popleft()
            self._show(change)
            await asyncio.sleep(self._interval_s)
            self._connection.tell("ack", {"watch": change["watch"], "rev": change["rev"]})

    def _show(self, change: dict[str, Any]) -> None:
        if "outputs" in change:
            self._outputs = OutputList.from_state(change)
        for message in change.get("messages", ()):
            self._outputs.apply(message["msg_type"], message["content"])
        if self._outputs.outputs:
            newest = json.loads(self._outputs.outputs[-1]["data"]["text/plain"])
            self.newest = newest
            self.ages_s.append(time.time() - newest["at"])


class OwnPage:
    """The owner's own page, which receives every message of the kernel.

    Attributes:
        ages_s: Age of each text when it arrived.
    """

    def __init__(self) -> None:
        self.ages_s: list[float] = []

    def note(self, said: Said) -> None:
        """Receive a message of the kernel."""
        text = said.data.get("text/plain", "")
        if "padding" in text:
            self.ages_s.append(said.at - json.loads(text)["at"])


async def slow_viewer(bench: Workbench) -> list[Figure]:
    """U3: 1,000 updates per second for 10 s to a viewer that draws ten per second."""
    both = await bench.jupyters()
    await both.ada.run(_SPEAK)
    await both.ada.run(f"pane = me.share({PANE!r}, with_=['bob'])")
    server = both.bob.running()
    connection = Connection(dial_to(server.url, server.secret, server.certificate))
    page, own = SlowPage(connection, "ada"), OwnPage()
    try:
        # The cost of such a kernel for its own server does not depend on viewers.
        alone, _ = await _speech(bench, both, "nobody looks on")
        await page.open()
        both.ada.listeners.append(own.note)
        grown, said = await _speech(bench, both, "a slow page looks on")
        await page.until(said["said"])
    finally:
        if own.note in both.ada.listeners:
            both.ada.listeners.remove(own.note)
        await page.close()
        await connection.close()
        await both.ada.run("pane.unshare()")
    title = f"U3 {said['said'] / said['took_s']:,.0f} updates a second"
    age = percentile(page.ages_s, 0.99) * 1e3
    return [
        figure(
            f"{title}, newest state at the viewer",
            "intervals",
            page.ages_s[-1] / INTERVAL_S,
            goal=held(1.9, "intervals"),
        ),
        figure(
            f"{title}, age of what is seen, p99",
            "ms",
            age,
            INTERVAL_S * 1e3,
            "an interval",
        ),
        figure(
            f"{title}, age of what is seen, p99",
            "ms",
            age,
            percentile(own.ages_s, 0.99) * 1e3,
            OWN_PAGE,
        ),
        figure(
            f"{title}, owner's memory grows",
            "MiB",
            grown / MIB,
            alone / MIB,
            "nobody watching",
        ),
    ]


async def _speech(bench: Workbench, both: Jupyters, what: str) -> tuple[int, dict[str, Any]]:
    """Run the updates; return the growth of the server's memory and the kernel's own figures.

    A server that handles this load for the first time acquires its memory in the first quarter.
    """
    seconds = 10.0 if not bench.quick else 1.0
    memory, early, most = both.ada.memory(), 0, 0
    begun = time.monotonic()
    speech = asyncio.ensure_future(both.ada.run(f"speak({seconds}, {RATE})"))
    while not speech.done():
        await asyncio.wait({speech}, timeout=INTERVAL_S)
        share = (time.monotonic() - begun) / seconds
        bench.step(f"1,000 updates a second, {what}", share)
        most = max(most, memory())
        if share < 0.25:
            early = most
    return most - early, await speech
