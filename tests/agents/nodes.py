"""Nodes with agents: real hubs over loopback, agents that tests write as coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from jupyter_peer.agents.approvals import Approvals
from jupyter_peer.agents.board import AgentBoard, Tool
from jupyter_peer.agents.config import AgentConfig
from jupyter_peer.agents.questions import Questions
from jupyter_peer.agents.reader import GrantedPane, PaneReader
from jupyter_peer.agents.turn import Turn
from jupyter_peer.agents.turns import TurnDesk
from jupyter_peer.hub.hub import PeerHub
from tests.hubs import make_hub, pair, running
from tests.loopback import LoopbackNetwork
from tests.waiting import until

Answer = Callable[[Turn], Awaitable[None]]


class FakeAgent:
    """An agent whose answer is a coroutine of the test."""

    def __init__(self, name: str, answer: Answer, *tools: Tool) -> None:
        self.name = name
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
    """One hub with agents, switched on unless the test says otherwise."""

    def __init__(self, hub: PeerHub, *, is_on: bool = True, **config: Any) -> None:
        self.hub = hub
        self.panes: dict[str, list[GrantedPane]] = {}
        self.now = 1000.0
        settings = AgentConfig(**config)
        self.board = AgentBoard(settings, PaneReader(lambda peer: self.panes.get(peer, [])))
        if is_on:
            self.board.is_on = True
        self.approvals = Approvals(settings.approval_s)
        self.desk = TurnDesk(hub, self.board, self.approvals, settings, clock=lambda: self.now)
        self.questions = Questions(hub, self.desk.audit)

    @property
    def id(self) -> str:
        return self.hub.node_id

    def agent(self, answer: Answer, name: str = "helper", *tools: Tool) -> FakeAgent:
        agent = FakeAgent(name, answer, *tools)
        self.board.register(agent)
        return agent

    async def ask(self, other: Node, prompt: str = "?", **options: Any) -> str:
        pieces: list[str] = []

        async def take(text: str) -> None:
            pieces.append(text)

        options.setdefault("timeout_s", 5.0)
        await self.questions.ask(other.id, prompt, take, **options)
        return "".join(pieces)

    def log(self, *kinds: str) -> list[tuple[str, str | None, dict[str, Any]]]:
        """The audit log, oldest first; of these kinds."""
        entries = reversed(self.hub.store.audit(1000))
        return [(e.kind, e.peer, e.detail) for e in entries if not kinds or e.kind in kinds]


@contextlib.asynccontextmanager
async def nodes(*names: str, on: bool = True, **config: Any) -> AsyncIterator[list[Node]]:
    """Yield nodes that are all paired with each other; they leave nothing under way."""
    network = LoopbackNetwork()
    with tempfile.TemporaryDirectory() as folder:
        hubs = [make_hub(network, Path(folder), name) for name in names]
        async with running(*hubs):
            made = [Node(hub, is_on=on, **config) for hub in hubs]
            for hub in hubs:
                hub.network = network  # type: ignore[attr-defined]
            for at, hub in enumerate(hubs):
                for other in hubs[at + 1 :]:
                    await pair(hub, other)
                    await until(lambda a=hub, b=other: a.peer(b.node_id).status == "connected")
            yield made
            for node in made:
                await node.desk.close()
                assert node.desk.under_way == 0
                assert node.questions.under_way == 0
                assert node.approvals.pending() == []
