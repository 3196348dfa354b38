"""N3: a class on one pane. Its owner and 200 viewers are nodes at one relay."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
from tornado.httpclient import AsyncHTTPClient

from jupyter_peer.errors import PeerTimeoutError
from jupyter_peer.panes.owner import pane_groups
from jupyter_peer.panes.owner.publish import PanePublisher, SharePane

from .figures import Figure, Goal, figure, median, percentile
from .node import PATIENCE_S, Node, start_node
from .processes import Program, watched
from .relayed import broker_url, memory_of, start_broker
from .spoken_kernel import CELL, KERNEL, SpokenKernel
from .viewers import PANE, SEEN, WATCH
from .workbench import Contender, Workbench

VIEWERS = 200
#: Bytes of the picture of an update, before base64; with the rest it is about 50 KB.
PICTURE_BYTES = 37_000
EVERY_S = 0.5
_KIB = 1024
#: The contenders: one copy that the relay hands on, and a copy for each viewer.
OURS, EACH = "one copy", "a copy for each"
_MIN_MEMBERS, _NEVER = pane_groups.MIN_MEMBERS, 1 << 30


class Spent(msgspec.Struct, frozen=True):
    """The cost of one update, and the ages of all updates at the viewers, in seconds.

    Attributes:
        uplink: Bytes that the relay received from all its nodes, of which the viewers' are few.
        owner_s, relay_s: CPU seconds of the two processes.
        ages_s: From the display to the moment at which a page or kernel of the viewer receives it.
    """

    uplink: float
    owner_s: float
    relay_s: float
    ages_s: list[float]


class Lesson:
    """One pane of the measuring process, at a relay.

    Args:
        bench: The bench, whose partner has the viewers.
        node: The owner.
        relay: The relay.
        publisher: Shares the pane.
        kernel: Shows the updates.
    """

    def __init__(
        self,
        bench: Workbench,
        node: Node,
        relay: Program,
        publisher: PanePublisher,
        kernel: SpokenKernel,
    ) -> None:
        self._bench = bench
        self._node = node
        self._relay = relay
        self._publisher = publisher
        self._kernel = kernel
        self._number = 0

    async def admit(self, count: int) -> None:
        """Let this number of viewers open the pane."""
        wire = await self._bench.wire()
        invites = [self._node.invite() for _ in range(count)]
        task = asyncio.ensure_future(
            wire.node.hub.request(
                wire.ours.peer_id, WATCH, {"invites": invites}, timeout=10 * PATIENCE_S
            )
        )
        granted: set[str] = set()
        while not task.done():
            for peer in self._node.hub.peers():
                if peer.node_id not in granted:
                    granted.add(peer.node_id)
                    self._publisher.grant(PANE, peer.node_id, "view")
            self._bench.step(f"{len(granted)} of {count} viewers come", len(granted) / count / 2)
            await asyncio.wait({task}, timeout=0.1)
        task.result()

    def display(self) -> None:
        """Show an update in place of the one before."""
        self._number += 1
        said = json.dumps({"number": self._number, "at": time.monotonic()})
        picture = base64.b64encode(os.urandom(PICTURE_BYTES)).decode()
        self._kernel.show(
            "display_data" if self._number == 1 else "update_display_data",
            {
                "data": {"text/plain": said, "image/png": picture},
                "metadata": {},
                "transient": {"display_id": "picture"},
            },
        )

    async def gather(self, count: int) -> None:
        """Wait until this number of viewers share one copy; 0 ends the group."""
        pane_groups.MIN_MEMBERS = _MIN_MEMBERS if count else _NEVER
        deadline = time.monotonic() + PATIENCE_S
        while await self._metric("group_members") != count:
            if time.monotonic() > deadline:
                raise PeerTimeoutError("the viewers do not join the group")
            self.display()
            await asyncio.sleep(EVERY_S)
        self.display()

    async def spend(self, count: int) -> Spent:
        """Show updates at even intervals, and return what they cost."""
        await self._seen()
        process, received = watched(self._relay.pid), await self._metric("bytes_total")
        relay, owner = sum(process.cpu_times()[:2]), time.process_time()
        begun = time.monotonic()
        for number in range(count):
            self._bench.step(f"update {number + 1} of {count}", 0.5 + number / count / 2)
            await asyncio.sleep(begun + number * EVERY_S - time.monotonic())
            self.display()
        ages = await self._seen()
        return Spent(
            (await self._metric("bytes_total") - received) / count,
            (time.process_time() - owner) / count,
            (sum(process.cpu_times()[:2]) - relay) / count,
            ages,
        )

    async def _seen(self) -> list[float]:
        wire = await self._bench.wire()
        answer = await wire.node.hub.request(
            wire.ours.peer_id, SEEN, {"number": self._number}, timeout=2 * PATIENCE_S
        )
        ages: list[float] = answer.data["ages_s"]
        return ages

    async def _metric(self, name: str) -> float:
        url = broker_url(self._relay).replace("ws://", "http://") + "/metrics"
        page = (await AsyncHTTPClient().fetch(url)).body.decode()
        found = re.search(rf"^jupyter_peer_relay_{name} (\S+)$", page, re.MULTILINE)
        assert found is not None
        return float(found[1])


@asynccontextmanager
async def _lesson(bench: Workbench) -> AsyncIterator[tuple[Lesson, Program]]:
    async with AsyncExitStack() as stack:
        relay = await start_broker(stack)
        name = f"teacher-{bench.number()}"
        node = await start_node(bench.folder, name, relay_url=broker_url(relay))
        stack.push_async_callback(node.close)
        kernel = SpokenKernel()
        publisher = PanePublisher(node.hub, kernel.of, max_viewers=VIEWERS)
        stack.push_async_callback(publisher.close)
        await publisher.share(SharePane(PANE, "", KERNEL, {"cell": CELL}))
        lesson = Lesson(bench, node, relay, publisher, kernel)
        lesson.display()
        stack.callback(setattr, pane_groups, "MIN_MEMBERS", _MIN_MEMBERS)
        yield lesson, relay


async def class_on_one_pane(bench: Workbench) -> list[Figure]:
    """N3: 50 KB twice a second to 200 viewers by one relay, in one copy and in a copy for each."""
    viewers, updates = bench.pick(VIEWERS, pane_groups.MIN_MEMBERS), bench.pick(12, 3)
    spent: dict[str, list[Spent]] = {OURS: [], EACH: []}
    async with _lesson(bench) as (lesson, relay):
        await lesson.admit(1)
        lesson.display()
        one = await lesson.spend(updates)
        before = memory_of(relay)
        await lesson.admit(viewers - 1)

        def contender(name: str, members: int) -> Contender:
            async def measure() -> float:
                await lesson.gather(members)
                spent[name].append(await lesson.spend(updates))
                return percentile(spent[name][-1].ages_s, 0.95)

            return measure

        await bench.alternate({OURS: contender(OURS, viewers), EACH: contender(EACH, 0)})
        memory = (memory_of(relay) - before) / (viewers - 1) / _KIB
    return _figures(f"N3 a class of {viewers} viewers", spent, one, memory)


def _figures(title: str, spent: dict[str, list[Spent]], one: Spent, memory: float) -> list[Figure]:
    def ages(name: str) -> float:
        return percentile([age for each in spent[name] for age in each.ages_s], 0.95) * 1e3

    def middle(name: str, of: Callable[[Spent], float]) -> float:
        return median([of(each) for each in spent[name]])

    limit = Goal(300.0, unit="ms")
    uplink = middle(OURS, lambda each: each.uplink) / 1e3
    figures = [
        figure(f"{title}, display() to the viewer, p95", "ms", ages(OURS), ages(EACH), EACH, limit),
        figure(f"{title}, owner's uplink", "KB", uplink, one.uplink / 1e3, "one viewer", Goal(1.2)),
    ]
    costs: dict[str, tuple[str, Callable[[Spent], float]]] = {
        "owner's uplink": ("KB", lambda each: each.uplink / 1e3),
        "owner's CPU an update": ("ms", lambda each: each.owner_s * 1e3),
        "relay's CPU an update": ("ms", lambda each: each.relay_s * 1e3),
    }
    for name, (unit, of) in costs.items():
        figures.append(figure(f"{title}, {name}", unit, middle(OURS, of), middle(EACH, of), EACH))
    goal = Goal(256.0, unit="KiB")
    return [*figures, figure(f"{title}, relay's memory a viewer", "KiB", memory, goal=goal)]
