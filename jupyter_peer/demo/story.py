"""What happens in the demo: Ada shares, Bob watches, Ada takes it back; and what of it is checked.

The notebooks do it all themselves. This only runs their cells, passes Ada's invite on to Bob as the
two would by chat, and looks at what each kernel says and what each server knows.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Coroutine
from typing import Any

from ..errors import PeerTimeoutError
from ..kernel.markup import rtt
from .labs import Lab
from .notebooks import Cell, NotebookKernel, Said, find_notebook, read_cells
from .transcript import Transcript

EPOCHS = 12
SECONDS_PER_EPOCH = 0.4
PATIENCE_S = 30
CELL_TIMEOUT_S = 60.0
#: What has to be seen of 12 updates even on a busy machine: a slow viewer is given the newest only.
LEAST_SEEN = EPOCHS // 2

ADA, BOB = "ada.ipynb", "bob.ipynb"
_INVITE = re.compile(r"jpeer1:[\w-]+")
_SEEN = re.compile(r"^\S+ +(loss|metrics) +rev +(\d+) +(.*)$")
_DRAWN = re.compile(r"base64,([A-Za-z0-9+/=]+)")


class Story:
    """One run.

    Args:
        ada: Her server, not started.
        bob: His.
        transcript: Where it is told.
    """

    def __init__(self, ada: Lab, bob: Lab, transcript: Transcript) -> None:
        self.ada = ada
        self.bob = bob
        self._transcript = transcript
        self._say = transcript.say
        self._check = transcript.check
        self._invite: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # What Ada showed and when, as Bob's notebook will describe it.
        self._shown: dict[tuple[str, str], float] = {}
        self._newest_shown: dict[str, str] = {}
        self._pictures: list[str] = []
        self._taken_back: dict[str, float] = {}
        # What Bob saw.
        self._seen: dict[str, list[str]] = {"loss": [], "metrics": []}
        # Seen before this program has heard Ada's own kernel.
        self._unmatched: dict[tuple[str, str], tuple[str, float]] = {}
        self._delays: list[float] = []
        self._gone: dict[str, str] = {}
        self._drawn: set[str] = set()
        self._loss_is_gone = asyncio.Event()
        self._refusal = ""
        self._begun = 0.0
        self._unfinished_line = ""

    async def tell(self) -> None:
        """Run it from the beginning to the end.

        Raises:
            PeerError: Something did not happen.
            CellError: A cell of a notebook failed.
        """
        self._say("demo", "starts two JupyterLabs, each with its own files, key and address")
        await together(self.ada.start(), self.bob.start())
        for lab in (self.ada, self.bob):
            self._say(lab.name, f"is at {lab.url}, node {lab.node_id}")
        self._check("two servers, two identities", self.ada.node_id != self.bob.node_id)
        kernels = [
            NotebookKernel(lab, await self._put(lab, notebook), on_said)
            for lab, notebook, on_said in (
                (self.ada, ADA, self._on_ada_said),
                (self.bob, BOB, self._on_bob_said),
            )
        ]
        try:
            await together(*(kernel.start() for kernel in kernels))
            self._say("demo", "runs ada.ipynb and bob.ipynb in kernels of these servers")
            await together(self._run_ada(kernels[0]), self._run_bob(kernels[1]))
        finally:
            for kernel in kernels:
                kernel.close()
        await self._look_back()

    async def _put(self, lab: Lab, notebook: str) -> str:
        (lab.folder / notebook).write_bytes(find_notebook(notebook).read_bytes())
        return await lab.open_notebook(notebook)

    async def _run_ada(self, kernel: NotebookKernel) -> None:
        parameters = {
            "EPOCHS": EPOCHS,
            "SECONDS_PER_EPOCH": SECONDS_PER_EPOCH,
            "PATIENCE": PATIENCE_S,
        }
        telling: dict[str, str] = {
            "share": "shares two panes with bob and nobody else: loss, metrics",
            "train": f"trains {EPOCHS} epochs and shows her loss curve and metrics after each",
            "revoke": "takes the loss curve back from bob",
            "unshare": "withdraws the metrics from everybody",
        }
        for cell in read_cells(find_notebook(ADA), parameters):
            if cell.tag in telling:
                self._say("ada", telling[cell.tag])
            if cell.tag in ("revoke", "unshare"):
                self._taken_back["loss" if cell.tag == "revoke" else "metrics"] = time.time()
            await kernel.run(cell, CELL_TIMEOUT_S)
            if cell.tag == "invite" and not self._invite.done():
                raise PeerTimeoutError("ada's notebook shows no invite")
            if cell.tag == "paired":
                await self._check_peer(self.ada, self.bob)
                self._say("ada", "sees who used it, and builds her model")
            if cell.tag == "revoke":
                # Before anything else happens to his panes: it is the revocation that he sees.
                await asyncio.wait_for(self._loss_is_gone.wait(), PATIENCE_S)

    async def _run_bob(self, kernel: NotebookKernel) -> None:
        invite = await asyncio.wait_for(self._invite, CELL_TIMEOUT_S)
        for cell in read_cells(find_notebook(BOB), {"INVITE": invite, "PATIENCE": PATIENCE_S}):
            if cell.tag == "pair":
                self._say("bob", "pastes the invite")
                self._begun = time.monotonic()
            await kernel.run(cell, CELL_TIMEOUT_S)
            await self._after_bobs(cell)

    async def _after_bobs(self, cell: Cell) -> None:
        if cell.tag == "pair":
            took = time.monotonic() - self._begun
            peer = await self._check_peer(self.bob, self.ada)
            self._say(
                "bob",
                f"is paired with ada after {took:.1f} s: {peer['transport']} by {peer['address']}, "
                f"round trip {rtt(peer['rtt_ms'])}",
            )
        elif cell.tag == "open-metrics":
            viewers = await self._viewers()
            self._say("bob", "opens ada/loss and ada/metrics")
            self._check(
                "bob has opened both panes, and ada's server knows who watches",
                viewers == {"loss": [self.bob.node_id], "metrics": [self.bob.node_id]},
            )

    async def _check_peer(self, lab: Lab, other: Lab) -> dict[str, Any]:
        known = await lab.get("jupyter-peer/api/peers")
        peers: list[dict[str, Any]] = [
            peer for peer in known["peers"] if peer["node_id"] == other.node_id
        ]
        peer = peers[0] if peers else {}
        path = peer.get("transport") or ""
        self._check(
            f"{lab.name} knows {other.name}, trusts it and is connected",
            peer.get("status") == "connected" and bool(peer.get("trusted")) and path == "direct",
            path,
        )
        return peer

    async def _viewers(self) -> dict[str, list[str]]:
        panes = await self.ada.get("jupyter-peer/api/panes")
        return {
            pane["name"]: [viewer["node_id"] for viewer in pane["viewers"]]
            for pane in panes["mine"]
        }

    # What the kernels say.

    def _on_ada_said(self, said: Said) -> None:
        text = said.data.get("text/plain", "")
        if said.tag == "invite" and (invite := _INVITE.search(text)) and not self._invite.done():
            short = f"{invite[0][:16]}...{invite[0][-4:]}"
            self._say("ada", f"makes an invite and sends it to bob: {short}")
            self._invite.set_result(invite[0])
        elif said.tag == "train" and "image/png" in said.data:
            self._pictures.append(said.data["image/png"].strip())
            self._on_shown("loss", describe(said.data), said.sent)
        elif said.tag == "train" and "text/html" in said.data:
            self._on_shown("metrics", describe(said.data), said.sent)

    def _on_shown(self, pane: str, what: str, at: float) -> None:
        self._shown[pane, what] = at
        self._newest_shown[pane] = what
        if (pane, what) in self._unmatched:
            self._on_seen(pane, what, *self._unmatched.pop((pane, what)))

    def _on_bob_said(self, said: Said) -> None:
        self._drawn.update(_DRAWN.findall(said.data.get("text/html", "")))
        if said.type != "stream":
            return
        if said.tag == "gone":
            self._refusal += said.content["text"]
        elif said.tag == "follow":
            *lines, self._unfinished_line = (self._unfinished_line + said.content["text"]).split(
                "\n"
            )
            for line in lines:
                if match := _SEEN.match(line):
                    pane, rev, what = match.groups()
                    self._on_seen(pane, what, rev, said.at)

    def _on_seen(self, pane: str, what: str, rev: str, at: float) -> None:
        if what in ("withdrawn", "ended"):
            self._gone[pane] = what
            if pane == "loss":
                self._loss_is_gone.set()
            late = milliseconds(at - self._taken_back.get(pane, at))
            self._say("bob", f"sees that ada/{pane} is {what}, {late} later")
        elif (pane, what) in self._shown:
            self._seen[pane].append(what)
            self._delays.append(at - self._shown[pane, what])
            late = milliseconds(self._delays[-1])
            self._say("bob", f"sees {pane:<7} rev {rev:>2} after {late:>6}: {what}")
        else:
            self._unmatched[pane, what] = rev, at

    # In the end.

    async def _look_back(self) -> None:
        for pane, whole in (("loss", "the loss curve"), ("metrics", "the table of metrics")):
            seen = self._seen[pane]
            self._check(
                f"bob saw {whole} change, up to what ada showed last",
                len(seen) >= LEAST_SEEN and seen[-1] == self._newest_shown.get(pane),
                f"{len(seen)} of {EPOCHS} updates",
            )
        drawn = [picture for picture in self._pictures if picture in self._drawn]
        self._check(
            "the pictures in bob's notebook are ada's, byte for byte",
            bool(drawn) and drawn[-1] == self._pictures[-1],
            f"{len(drawn)} of {len(self._pictures)} drawn",
        )
        offered = (await self.bob.get("jupyter-peer/api/panes"))["offered"]
        self._check(
            "bob saw both panes go, and is offered nothing any more",
            set(self._gone) == {"loss", "metrics"} and not offered,
            ", ".join(f"{pane} {what}" for pane, what in self._gone.items()),
        )
        self._check(
            "asking for the revoked pane again is refused",
            bool(self._refusal),
            self._refusal.partition(":")[0],
        )
        if self._delays:
            middle = sorted(self._delays)[len(self._delays) // 2]
            self._say(
                "demo",
                f"from ada's display() to bob's notebook: {milliseconds(middle)} in the median",
            )


def describe(data: dict[str, str]) -> str:
    """Return what Bob's notebook says of an output of this MIME bundle."""
    if "image/png" in data:
        return f"a picture, {len(data['image/png']) * 3 // 4:,} bytes"
    columns, index, *rows = data["text/plain"].splitlines()
    newest = zip([*index.split(), *columns.split()], rows[-1].split(), strict=True)
    return ", ".join(f"{name} {value}" for name, value in newest)


def milliseconds(seconds: float) -> str:
    """Return a short time in words."""
    return f"{max(0.0, seconds) * 1000:.0f} ms"


async def together(*works: Coroutine[Any, Any, Any]) -> None:
    """Wait for all; when one fails the others are cancelled and its error is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
