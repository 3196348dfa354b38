"""The story of the demo: Ada trains a model and shares two panes, Bob watches and asks.

The notebooks do all of this. This module runs their cells, passes Ada's invite to Bob as the two
would by e-mail, and checks the messages of each kernel and the state of each server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Coroutine, Iterator
from typing import Any, TypeVar

from ..errors import PeerTimeoutError
from ..server_client.results.drawing.markup import rtt
from .answer import best_named, is_true
from .labs import Lab
from .notebooks import Cell, NotebookKernel, Said, find_notebook, read_cells
from .sightings import PANES, Sightings
from .transcript import Transcript

EPOCHS = 12
SECONDS_PER_EPOCH = 0.4
PATIENCE_S = 30
CELL_TIMEOUT_S = 60.0
#: Updates of 12 that must be seen even on a busy machine: a slow viewer gets only the newest.
LEAST_SEEN = EPOCHS // 2

ADA, BOB = "ada.ipynb", "bob.ipynb"
T = TypeVar("T")
_INVITE = re.compile(r"jpeer1:[\w-]+")
_TEXT_TO_ADA = re.compile(r"^%peer (?:ask|chat) ada (.+)$", re.MULTILINE)
_REFUSAL = re.compile(r"^(\w+): ", re.MULTILINE)


class Story:
    """One run.

    Args:
        ada: Ada's server, not started.
        bob: Bob's server, not started.
        transcript: Receives the story.
    """

    def __init__(self, ada: Lab, bob: Lab, transcript: Transcript) -> None:
        self.ada = ada
        self.bob = bob
        self._transcript = transcript
        self._say = transcript.say
        self._check = transcript.check
        self._invite: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._sightings = Sightings(self._on_seen)
        self._loss_is_gone = asyncio.Event()
        self._begun = 0.0
        self._is_training = False
        # The parts of the answer that Bob's notebook shows, and when.
        self._answer: list[tuple[str, float]] = []
        self._question = ""
        self._written = ""
        self._read = ""
        self._refusals = ""
        #: Unfinished waits, in words: who waits for what. A failed demo shows them.
        self.waits: list[str] = []

    async def tell(self) -> None:
        """Run the whole story.

        Raises:
            PeerError: A step did not happen.
            CellError: A cell of a notebook failed.
        """
        self._say("demo", "starts two JupyterLabs, each with its own files, key and address")
        with self._waiting("both JupyterLabs to start"):
            await together(self.ada.start(), self.bob.start())
        for lab in (self.ada, self.bob):
            self._say(lab.name, f"is at {lab.url}, node {lab.node_id}")
        self._check("two servers, two identities", self.ada.node_id != self.bob.node_id)
        kernels: list[NotebookKernel] = []
        try:
            # One after the other: Jupyter chooses free ports, and the kernel binds them later.
            # Two kernels that start at once may get the same port, and one of them fails.
            for lab, notebook, on_said in (
                (self.ada, ADA, self._on_ada_said),
                (self.bob, BOB, self._on_bob_said),
            ):
                with self._waiting(f"{lab.name}'s kernel to answer"):
                    kernel = NotebookKernel(lab, await self._put(lab, notebook), on_said)
                    kernels.append(kernel)
                    await kernel.start()
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
            "agent-on": "has an agent, trainer, and lets her peers ask it; its tool is read-only",
            "share": "shares two panes with bob and nobody else: loss, metrics",
            "train": f"trains {EPOCHS} epochs and shows her loss curve and metrics after each",
            "revoke": "takes the loss curve back from bob",
            "unshare": "stops sharing the metrics, and lets nobody ask any more",
        }
        for cell in read_cells(find_notebook(ADA), parameters):
            if cell.tag in telling:
                self._say("ada", telling[cell.tag])
            if cell.tag in ("revoke", "unshare"):
                pane = "loss" if cell.tag == "revoke" else "metrics"
                self._sightings.take_back(pane, time.time())
            self._is_training = cell.tag == "train"
            await self._run(kernel, cell)
            if cell.tag == "invite" and not self._invite.done():
                raise PeerTimeoutError("ada's notebook shows no invite")
            if cell.tag == "paired":
                await self._check_peer(self.ada, self.bob)
                self._say("ada", "sees who used it, and builds her model")
            if cell.tag == "revoke":
                # Before anything else happens to his panes, so that he sees the revocation.
                await self._expect(
                    self._loss_is_gone.wait(),
                    "bob's notebook to report ada/loss as withdrawn",
                    PATIENCE_S,
                )

    async def _run_bob(self, kernel: NotebookKernel) -> None:
        invite = await self._expect(
            self._invite, "ada's notebook to show an invite", CELL_TIMEOUT_S
        )
        for cell in read_cells(find_notebook(BOB), {"INVITE": invite, "PATIENCE": PATIENCE_S}):
            if cell.tag == "pair":
                self._say("bob", "pastes the invite")
                self._begun = time.monotonic()
            elif cell.tag == "ask":
                self._question = text_to_ada(cell)
                self._say("bob", f"asks ada's agent: {self._question}")
            elif cell.tag == "chat":
                self._written = text_to_ada(cell)
                self._say("bob", f"writes to ada: {self._written}")
            await self._run(kernel, cell)
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
                viewers == {pane: [self.bob.node_id] for pane in PANES},
            )
        elif cell.tag == "ask" and self._answer:
            (_, asked), (answer, answered) = self._answer[0], self._answer[-1]
            busy = " while she trains" if self._is_training else ""
            late = milliseconds(answered - asked)
            self._say("ada", f"answers by her agent{busy}, {late} later:")
            self._say("", answer)

    async def _run(self, kernel: NotebookKernel, cell: Cell) -> None:
        with self._waiting(f"the cell {cell.tag!r} of {kernel.owner}'s notebook to end"):
            await kernel.run(cell, CELL_TIMEOUT_S)

    async def _expect(self, happens: Awaitable[T], what: str, patience_s: float) -> T:
        """Wait for something that must happen, and return its result.

        Raises:
            PeerTimeoutError: It did not happen in time.
        """
        with self._waiting(what):
            try:
                async with asyncio.timeout(patience_s):
                    return await happens
            except TimeoutError as error:
                raise PeerTimeoutError(
                    f"the demo waited {patience_s:g} s for {what}",
                    hint="the logs of both servers are below",
                ) from error

    @contextlib.contextmanager
    def _waiting(self, what: str) -> Iterator[None]:
        """List an unfinished wait; a failed one stays listed."""
        self.waits.append(what)
        yield
        self.waits.remove(what)

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

    # Messages of the kernels.

    def _on_ada_said(self, said: Said) -> None:
        text = said.data.get("text/plain", "")
        if said.tag == "invite" and (invite := _INVITE.search(text)) and not self._invite.done():
            short = f"{invite[0][:16]}...{invite[0][-4:]}"
            self._say("ada", f"makes an invite and sends it to bob: {short}")
            self._invite.set_result(invite[0])
        elif said.tag == "train":
            self._sightings.take_shown(said)
        elif said.tag == "heard":
            self._read += text

    def _on_bob_said(self, said: Said) -> None:
        self._sightings.take_drawn(said)
        if said.tag == "ask" and "text/plain" in said.data:
            self._answer.append((said.data["text/plain"], said.sent))
        elif said.type == "stream" and said.tag == "gone":
            self._refusals += said.content["text"]
        elif said.type == "stream" and said.tag in ("follow", "follow-on"):
            self._sightings.take_lines(said)

    def _on_seen(self, pane: str, what: str, late: float) -> None:
        if pane in self._sightings.gone:
            self._say("bob", f"sees that ada/{pane} is {what}, {milliseconds(late)} later")
            if pane == "loss":
                self._loss_is_gone.set()
        elif pane == "metrics":
            self._say("bob", f"sees after {milliseconds(late):>6}: {what}")

    # The checks at the end.

    async def _look_back(self) -> None:
        self._look_back_at_panes()
        await self._look_back_at_words()
        offered = (await self.bob.get("jupyter-peer/api/panes"))["offered"]
        gone = self._sightings.gone
        self._check(
            "bob saw both panes go, and is offered nothing any more",
            set(gone) == set(PANES) and not offered,
            ", ".join(f"{pane} {what}" for pane, what in gone.items()),
        )
        codes = _REFUSAL.findall(self._refusals)
        self._check(
            "opening the revoked pane and asking the agent again are refused",
            codes == ["not_granted", "not_enabled"],
            ", ".join(codes),
        )
        if delays := sorted(self._sightings.delays):
            self._say(
                "demo",
                "from ada's display() to bob's notebook: "
                f"{milliseconds(delays[len(delays) // 2])} in the median",
            )

    def _look_back_at_panes(self) -> None:
        found = self._sightings
        for pane, whole in (("loss", "the loss curve"), ("metrics", "the table of metrics")):
            seen, shown = found.seen[pane], found.shown[pane]
            self._check(
                f"bob saw {whole} change, up to what ada showed last",
                len(seen) >= LEAST_SEEN and seen[-1:] == shown[-1:],
                f"{len(seen)} of {EPOCHS} updates",
            )
        self._check(
            "the pictures in bob's notebook are ada's, byte for byte",
            bool(found.drawn) and found.drawn[-1] == found.pictures[-1],
            f"{len(found.drawn)} of {len(found.pictures)} drawn",
        )

    async def _look_back_at_words(self) -> None:
        answer = self._answer[-1][0] if self._answer else ""
        bests = best_named(answer)
        self._check(
            "what ada's agent answered is what her kernel had computed by then",
            is_true(answer, self._sightings.rows),
            ", ".join(f"{name} {value} in epoch {at}" for name, (value, at) in bests.items()),
        )
        log = (await self.ada.get("jupyter-peer/api/audit?limit=100"))["audit"]
        tools = [entry["detail"] for entry in log if entry["kind"] == "agent_tool"]
        ends = [entry["detail"] for entry in log if entry["kind"] == "agent_turn_ended"]
        told = json.dumps(log)
        self._check(
            "ada's audit log has who asked and which tool was used, and no word of what was said",
            [end["outcome"] for end in ends] == ["ok"]
            and {tool["decision"] for tool in tools} == {"read-only"}
            and self._question not in told
            and answer not in told,
            ", ".join(sorted({f"{tool['agent']} used {tool['tool']}" for tool in tools})),
        )
        self._check(
            "what bob wrote stands in ada's notebook",
            bool(self._written) and self._written in self._read,
        )


def text_to_ada(cell: Cell) -> str:
    """Return the question or chat line to Ada in a cell of Bob."""
    found = _TEXT_TO_ADA.search(cell.source)
    return found[1] if found else ""


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
