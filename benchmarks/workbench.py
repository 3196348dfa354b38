"""Shared parts of measurements: rounds, files, and the second process with its links."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from .collab import Collab, is_installed
from .crowd import Audience
from .hub_link import HubLink
from .jupyters import Jupyters, start_jupyters
from .node import Node, start_node
from .partner import Whereabouts
from .plot import Point
from .processes import Program, allow_files
from .raw import RawLink

Contender = Callable[[], Awaitable[float]]


class Wire(msgspec.Struct, frozen=True):
    """The links between this process and the partner.

    Attributes:
        node: The measuring node.
        ours: The sealed link.
        plain: The link with the plain JSON wire.
        echo, count: The raw WebSockets.
        raw_port: Port of the partner's raw WebSockets.
        viewers, plain_viewers: Further nodes in the partner, as many as needed.
    """

    node: Node
    ours: HubLink
    plain: HubLink
    echo: RawLink
    count: RawLink
    raw_port: int
    viewers: Audience
    plain_viewers: Audience


class Workbench:
    """One run of the benchmarks; close it at the end.

    Args:
        quick: Whether to run few rounds of little work: that shows whether all works, not how fast.
        on_step: Receives the current step and the finished share of its measurement.

    Attributes:
        points: Points of the sweeps.
    """

    def __init__(self, quick: bool, on_step: Callable[[str, float], None]) -> None:
        allow_files()
        self.quick = quick
        self.rounds = 2 if quick else 5
        self.points: list[Point] = []
        self._numbers = itertools.count(1)
        self._on_step = on_step
        self._stack = AsyncExitStack()
        self._folder: Path | None = None
        self._wire: Wire | None = None
        self._jupyters: Jupyters | None = None
        self._collab: Collab | None = None

    def pick(self, full: int, quick: int) -> int:
        """Return the amount of work in one round."""
        return quick if self.quick else full

    def number(self) -> int:
        """Return a number that is unique in this run."""
        return next(self._numbers)

    def step(self, text: str, share: float) -> None:
        """Report the current step."""
        self._on_step(text, share)

    def point(self, sweep: str, x: float, y: float, unit: str) -> None:
        """Record a point of a curve."""
        self.points.append(Point(sweep, x, y, unit))

    @property
    def folder(self) -> Path:
        """A folder of this run."""
        if self._folder is None:
            made = tempfile.TemporaryDirectory(prefix="jupyter-peer-bench-")
            self._stack.callback(made.cleanup)
            self._folder = Path(made.name)
        return self._folder

    async def close(self) -> None:
        """End the partner and the nodes; the next measurement that needs them starts them again."""
        stack, self._stack = self._stack, AsyncExitStack()
        self._folder = self._wire = self._jupyters = self._collab = None
        await stack.aclose()

    async def alternate(
        self, contenders: Mapping[str, Contender], rounds: int | None = None
    ) -> dict[str, list[float]]:
        """Measure contenders in turns, so that other load on the machine affects all of them.

        Args:
            contenders: Name -> function that measures it once.
            rounds: Number of rounds; None for the number of this run.

        Returns:
            Name -> its value in each round.
        """
        values: dict[str, list[float]] = {name: [] for name in contenders}
        turns = list(contenders.items())
        rounds = rounds or self.rounds
        total = rounds * len(turns)
        for number in range(total):
            turn, place = divmod(number, len(turns))
            # every second round in reverse order, so that no contender always follows the same one
            name, contender = turns[place if turn % 2 == 0 else -1 - place]
            self.step(f"{name}, round {turn + 1} of {rounds}", number / total)
            values[name].append(await contender())
        return values

    async def wire(self) -> Wire:
        """Return the links to the partner, which is started when it is first needed."""
        if self._wire is None:
            self.step("starts a second process", 0.0)
            async with AsyncExitStack() as stack:
                self._wire = await self._connect(stack, self.folder)
                self._stack.push_async_exit(stack.pop_all())
        return self._wire

    async def jupyters(self) -> Jupyters:
        """Return two paired Jupyter servers, which are started when they are first needed."""
        if self._jupyters is None:
            self.step("starts two Jupyter servers", 0.0)
            async with AsyncExitStack() as stack:
                both = await start_jupyters(stack, self.folder / "jupyters")
                await both.pair()
                self._stack.push_async_exit(stack.pop_all())
            self._jupyters = both
        return self._jupyters

    async def collab(self) -> Collab | None:
        """Return a server with jupyter-collaboration, started when first needed; None without it."""
        if self._collab is None and is_installed():
            self.step("starts a server with jupyter-collaboration", 0.0)
            collab = Collab(self.folder / "collab")
            self._stack.push_async_callback(collab.close)
            await collab.start()
            self._collab = collab
        return self._collab

    async def _connect(self, stack: AsyncExitStack, folder: Path) -> Wire:
        # This process's nodes start last and so close first: then no node dials a closed one.
        there = await _start_partner(stack, folder)
        node = await start_node(folder, "bench")
        stack.push_async_callback(node.close)
        plain = await start_node(folder, "plain-bench", sealed=False)
        stack.push_async_callback(plain.close)
        sealed_peer = await node.hub.pair(there.sealed)
        plain_peer = await plain.hub.pair(there.plain)
        echo = await RawLink.open(there.raw_port, "echo")
        stack.callback(echo.close)
        count = await RawLink.open(there.raw_port, "count")
        stack.callback(count.close)
        return Wire(
            node,
            HubLink(node.hub, sealed_peer.node_id),
            HubLink(plain.hub, plain_peer.node_id),
            echo,
            count,
            there.raw_port,
            Audience(node.hub, (node.hub, sealed_peer.node_id), sealed=True),
            Audience(plain.hub, (node.hub, sealed_peer.node_id), sealed=False),
        )


async def _start_partner(stack: AsyncExitStack, folder: Path) -> Whereabouts:
    program = await Program.start("-m", "benchmarks.partner", os.fspath(folder))
    stack.push_async_callback(program.stop)
    return msgspec.json.decode(program.first_line, type=Whereabouts)
