"""Links that are cut a thousand times at random moments, under traffic.

What must hold, whatever is cut and whenever: a pane as its viewer sees it only ever grows as its
owner's did, and ends in the newest state; a request is carried out once at most, and once exactly
when it was answered; messages of a stream come in order, none twice, and all of them while a link
holds; and nothing is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_peer.errors import LinkError, PeerError
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.panes.viewer.watch import Watch
from jupyter_peer.transports.direct.direct import DirectTransport
from tests.hub.test_handover import nodes
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackNetwork
from tests.peers.nodes import Node, texts

QUICK = {"backoff_s": 0.001, "max_backoff_s": 0.01, "max_upgrade_s": 0.02}


class Traffic:
    """A pane, a stream of messages and requests from ada to bob, and what came of them."""

    def __init__(self, ada: Node, bob: Node) -> None:
        self._ada, self._bob = ada, bob
        self.written = 0
        self.sent: list[int] = []
        self.arrived: list[int] = []
        self.handled: Counter[int] = Counter()
        self.answered: list[int] = []
        self.failed: Counter[str] = Counter()
        self.paths: set[str | None] = set()
        self.wrong: list[str] = []
        self._seen = (-1, 0)
        self._asking: set[asyncio.Task[None]] = set()
        bob.hub.on("post", lambda message: self.arrived.append(message.data["n"]))
        bob.hub.on("ask", self._handle)

    async def begin(self) -> None:
        """Share the pane, watch it, and begin."""
        await self._ada.share(to=self._bob)
        await until(self._bob.watcher.offered)
        self.watch: Watch = await self._bob.watcher.open(self._ada.id, "loss")
        self.watch.subscribe(self._look)
        self._running = asyncio.ensure_future(self._run())

    def _handle(self, message):
        self.handled[message.data["n"]] += 1
        message.reply("did", {"n": message.data["n"]})

    async def _run(self) -> None:
        n = 0
        while True:
            n += 1
            self._ada.kernel.write(f"{n}\n")
            self.written = n
            self._post(n)
            if len(self._asking) < 20:
                task = asyncio.ensure_future(self._ask(n))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
            self.paths.add(self._ada.hub.peer(self._bob.id).transport)
            await asyncio.sleep(0.002)

    def _post(self, n: int) -> None:
        with contextlib.suppress(LinkError):
            self._ada.hub.send(self._bob.id, "post", {"n": n}, [bytes(n % 3 * 1000)], stream="p")
            self.sent.append(n)

    async def _ask(self, n: int) -> None:
        try:
            reply = await self._ada.hub.request(self._bob.id, "ask", {"n": n}, timeout=20)
            assert reply.data["n"] == n
            self.answered.append(n)
        except PeerError as error:
            self.failed[error.code] += 1

    def _look(self) -> None:
        """Check what the viewer sees at this moment: numbers from 1 on, none missing."""
        text = "".join(texts(self.watch))
        count = text.count("\n")
        rev = self.watch.state.rev
        if text != "".join(
            f"{n}\n" for n in range(self._seen[1] + 1, count + 1)
        ) and not text.endswith("".join(f"{n}\n" for n in range(self._seen[1] + 1, count + 1))):
            self.wrong.append(f"after {self._seen} came {text[-40:]!r}")
        if rev < self._seen[0] or count < self._seen[1]:
            self.wrong.append(f"revision {rev} with {count} lines after {self._seen}")
        self._seen = (rev, count)

    async def progress(self) -> None:
        """Wait until something new has come through."""
        seen = len(self.arrived), self._seen
        await until(lambda: len(self.arrived) > seen[0] and self._seen != seen[1], 15)

    async def end(self) -> None:
        """Stop, with the links whole, and check all that must hold."""
        await self.progress()
        first = len(self.sent)
        await until(lambda: len(self.sent) >= first + 20)
        self._running.cancel()
        await asyncio.gather(self._running, *self._asking, return_exceptions=True)
        await until(lambda: self.arrived[-1:] == self.sent[-1:], 15)
        await until(lambda: self._seen[1] == self.written, 15)
        assert self.wrong == []
        assert "".join(texts(self.watch)) == "".join(f"{n}\n" for n in range(1, self.written + 1))
        # in order, none twice, and all of them since the link holds
        assert self.arrived == sorted(set(self.arrived))
        assert self.arrived[-20:] == self.sent[-20:]
        assert set(self.arrived) <= set(self.sent)
        assert max(self.handled.values()) == 1
        assert set(self.answered) <= set(self.handled)
        assert len(self.answered) == len(set(self.answered))
        assert set(self.failed) <= {"link_closed", "not_connected"}
        await self.watch.close()


@contextlib.asynccontextmanager
async def with_panes(*hubs: PeerHub):
    """Give hubs their panes."""
    parts = [Node(hub) for hub in hubs]
    try:
        yield parts
    finally:
        for node in reversed(parts):
            await node.close()


def open_sockets() -> set[tuple[Any, ...]]:
    """Return the TCP sockets of this process. Those of an earlier test may still close."""
    found = psutil.Process().net_connections("tcp")
    return {(each.fd, each.laddr, each.raddr) for each in found}


@pytest.mark.parametrize("seed", range(4))
async def test_250_cuts_at_random_moments_lose_and_double_nothing(
    seed: int, tmp_path: Path
) -> None:
    before = asyncio.all_tasks()
    rng = random.Random(seed)
    network = LoopbackNetwork()
    ada, bob = nodes(network, tmp_path, **QUICK)
    async with running(ada, bob):
        await pair(ada, bob)
        async with with_panes(ada, bob) as (hers, his):
            traffic = Traffic(hers, his)
            await traffic.begin()
            hidden: dict[str, object] = {}
            cuts = 0
            while cuts < 250:
                if rng.random() < 0.3:
                    await traffic.progress()
                else:
                    await asyncio.sleep(rng.random() * 0.01)
                kind = rng.random()
                if kind < 0.2:
                    # the better path goes, or is there again
                    if hidden:
                        network.transports.update(hidden)
                        hidden = {}
                    else:
                        hidden = {
                            name: network.transports.pop(name)
                            for name in ("quick-ada", "quick-bob")
                        }
                        for link in list(network.links):
                            if link.transport == "loopback" and not link.is_closed:
                                link.abort("cut")
                                cuts += 1
                elif network.links and kind < 0.6:
                    rng.choice(network.links).abort("cut")
                    cuts += 1
                elif network.links:
                    network.cut()
                    cuts += 1
            network.transports.update(hidden)
            await traffic.end()
            assert {"relay", "loopback"} <= traffic.paths
            await until(lambda: ada.peer(bob.node_id).transport == "loopback")
            await until(lambda: len(network.links) == 2)
    await until(lambda: not network.links)
    await until(lambda: not (asyncio.all_tasks() - before))


async def test_cuts_of_real_sockets_lose_and_double_nothing_and_leave_none_open(
    tmp_path: Path,
) -> None:
    before, sockets = asyncio.all_tasks(), open_sockets()
    rng = random.Random(5)
    network = LoopbackNetwork()
    hubs = []
    for name in ("ada", "bob"):
        transport = DirectTransport()
        ((host, port),) = transport.listen("127.0.0.1", 0)
        hubs.append(
            make_hub(
                network,
                tmp_path,
                name,
                transports=[transport],
                advertised_addresses=(f"ws://{host}:{port}/peer-ws",),
                **QUICK,
            )
        )
    ada, bob = hubs
    async with running(ada, bob):
        await pair(ada, bob)
        async with with_panes(ada, bob) as (hers, his):
            traffic = Traffic(hers, his)
            await traffic.begin()
            for _ in range(50):
                await asyncio.sleep(rng.random() * 0.02)
                transport = rng.choice(hubs).transports[0]
                for link in list(transport._links):
                    link.cut()  # as a cable that is pulled: no farewell
                if rng.random() < 0.5:
                    await traffic.progress()
            await traffic.end()
    await until(lambda: not (asyncio.all_tasks() - before))
    await until(lambda: open_sockets() <= sockets)
