"""Whole nodes of tests: a hub with panes and agents, whose kernels and agents a test plays."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from jupyter_peer.agents.approvals import Approvals
from jupyter_peer.agents.board import AgentBoard
from jupyter_peer.agents.config import AgentConfig
from jupyter_peer.agents.questions import Piece, Questions
from jupyter_peer.agents.reader import GrantedPane, PaneReader
from jupyter_peer.agents.tools import Tool
from jupyter_peer.agents.turn import Turn
from jupyter_peer.agents.turns import TurnManager
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.panes.owner.publish import PanePublisher, SharePane
from jupyter_peer.panes.viewer.watch import PaneWatcher, Watch
from tests.machine.waiting import PATIENCE_S, until
from tests.panes.kernels import FakeTap, FakeTaps
from tests.peers.hubs import make_hub, pair, relay_hubs, running, two_hubs
from tests.peers.loopback import LoopbackNetwork

Answer = Callable[[Turn], Awaitable[None]]


class FakeAgent:
    """An agent whose answer is a coroutine of the test."""

    def __init__(self, name: str, answer: Answer, *tools: Tool) -> None:
        self.name = name
        self.description = f"what {name} does"
        self.tools = {tool.name: tool for tool in tools}
        self._answer = answer
        self.turns: list[Turn] = []
        self.ended = 0

    async def answer(self, turn: Turn) -> None:
        self.turns.append(turn)
        try:
            await self._answer(turn)
        finally:
            self.ended += 1


async def never(turn: Turn) -> None:
    await asyncio.Event().wait()


class Node:
    """A hub with panes and agents.

    Args:
        hub: Started or not.
        is_on: Whether peers may ask its agents.
        agents: Settings of its agents.
        wall_clock: Says the deadlines of its questions, epoch seconds.
        **panes: Limits of its publisher.

    Attributes:
        granted: The panes that its built-in reader may show to a peer, by node id.
        now: The time of its agents, in seconds; a test sets it.
    """

    def __init__(
        self,
        hub: PeerHub,
        *,
        is_on: bool = True,
        agents: dict[str, Any] | None = None,
        wall_clock: Callable[[], float] = time.time,
        **panes: Any,
    ) -> None:
        self.hub = hub
        self.taps = FakeTaps("k1", "k2")
        self.publisher = PanePublisher(hub, self.taps, **panes)
        self.watcher = PaneWatcher(hub)
        self.granted: dict[str, list[GrantedPane]] = {}
        self.now = 1000.0
        settings = AgentConfig(**(agents or {}))
        self.board = AgentBoard(
            settings,
            PaneReader(lambda peer: self.granted.get(peer, [])),
            hub.store.askers,
        )
        if is_on:
            self.board.is_on = True
        self.approvals = Approvals(settings.approval_s)
        self.turns = TurnManager(hub, self.board, self.approvals, settings, clock=lambda: self.now)
        self.questions = Questions(hub, self.turns.audit, wall_clock)

    @property
    def id(self) -> str:
        return self.hub.node_id

    # Panes.

    @property
    def kernel(self) -> FakeTap:
        return self.taps.taps["k1"]

    async def share(
        self,
        name: str = "loss",
        *,
        to: Node | None = None,
        kernel: str = "k1",
        cell: str = "cell",
        display: str | None = None,
        title: str = "",
        grant: str = "view",
        **options: Any,
    ) -> Any:
        source = {"cell": cell} if display is None else {"display": display}
        return await self.publisher.share(
            SharePane(name, title, kernel, source, **options),
            with_=[to.id] if to is not None else [],
            grant=grant,
        )

    def cut(self) -> None:
        """Cut all links; the hubs connect again by themselves."""
        self.hub.network.cut()  # type: ignore[attr-defined]

    # Agents.

    def agent(self, answer: Answer, name: str = "helper", *tools: Tool) -> FakeAgent:
        agent = FakeAgent(name, answer, *tools)
        self.board.register(agent)
        return agent

    async def ask(self, other: Node, prompt: str = "?", **options: Any) -> str:
        pieces: list[str] = []

        async def take(piece: Piece) -> None:
            if isinstance(piece, str):
                pieces.append(piece)

        options.setdefault("timeout_s", PATIENCE_S)
        await self.questions.ask(other.id, prompt, take, **options)
        return "".join(pieces)

    def log(self, *kinds: str) -> list[tuple[str, str | None, dict[str, Any]]]:
        """The audit log, oldest first; of these kinds."""
        entries = reversed(self.hub.store.audit(1000))
        return [(e.kind, e.peer, e.detail) for e in entries if not kinds or e.kind in kinds]

    async def close(self) -> None:
        """End its panes and agents; the hub stays."""
        await self.watcher.close()
        await self.publisher.close()
        await self.turns.close()

    def check_nothing_is_under_way(self) -> None:
        """Check that a closed node has no turn, question or approval left."""
        assert self.turns.under_way == 0
        assert self.questions.under_way == 0
        assert self.approvals.pending() == []


@contextlib.asynccontextmanager
async def nodes(
    *names: str, on: bool = True, panes: dict[str, Any] | None = None, **agents: Any
) -> AsyncIterator[list[Node]]:
    """Yield nodes that are all paired with each other.

    Args:
        names: Their names.
        on: Whether peers may ask their agents.
        panes: Limits of their publishers.
        agents: Settings of their agents.
    """
    network = LoopbackNetwork()
    with tempfile.TemporaryDirectory() as folder:
        hubs = [make_hub(network, Path(folder), name) for name in names]
        async with running(*hubs):
            made = [Node(hub, is_on=on, agents=agents, **(panes or {})) for hub in hubs]
            for at, hub in enumerate(hubs):
                for other in hubs[at + 1 :]:
                    await pair(hub, other)
                    await until(lambda a=hub, b=other: a.peer(b.node_id).status == "connected")
            async with _closing(*made):
                yield made


@contextlib.asynccontextmanager
async def two_nodes(**panes: Any) -> AsyncIterator[tuple[Node, Node]]:
    """Yield ada and bob, paired; their publishers have these limits."""
    async with two_hubs() as (ada_hub, bob_hub):
        ada, bob = Node(ada_hub, **panes), Node(bob_hub, **panes)
        # The link was up before the panes were there to hear of it.
        await until(lambda: bob_hub.peer(ada.id).status == "connected")
        async with _closing(ada, bob):
            yield ada, bob


@contextlib.asynccontextmanager
async def relay_nodes(
    ada_url: str | None, bob_url: str | None, **config: Any
) -> AsyncIterator[tuple[Node, Node]]:
    """Yield ada and bob, who reach each other over relays only."""
    async with relay_hubs(ada_url, bob_url, **config) as (ada_hub, bob_hub):
        ada, bob = Node(ada_hub), Node(bob_hub)
        async with _closing(ada, bob):
            yield ada, bob


@contextlib.asynccontextmanager
async def _closing(*made: Node) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for node in reversed(made):
            await node.close()
    for node in made:
        node.check_nothing_is_under_way()


def texts(watch: Watch) -> list[str]:
    """Return what a pane shows, one text an output."""
    return [
        output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"]
        for output in watch.state.outputs.outputs
    ]
