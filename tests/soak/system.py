"""The nodes, the relays and the distant node of a soak, and what is done to them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from benchmarks.processes import Program
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.transports.direct.direct import DirectTransport
from jupyter_peer.transports.relay.relay import RelayTransport
from jupyter_peer.wire.addresses import PATH
from jupyter_peer.wire.link.identity import Identity
from tests.machine.waiting import until
from tests.peers.clock import MovableClock
from tests.peers.hubs import make_hub, pair, running, taking_nothing
from tests.peers.loopback import LoopbackNetwork
from tests.peers.nodes import Node
from tests.relay.nats_server import NatsServer, nats_server
from tests.relay.process import RelayProcess
from tests.soak.distant_node import JOURNAL
from tests.soak.load import AGENTS, PATIENCE_S, Load
from tests.soak.numbered_pane import NAME
from tests.soak.usage import Usage

_HOUR_S = 3600.0
#: A disturbance lasts for some messages.
_DISTURBED_S = 0.5

Fault = Callable[[], Awaitable[None]]


class System:
    """Ada, bob, relays and the distant node; made by :func:`system`.

    Ada and bob reach each other over two relays that NATS joins, the distant node dials ada, and
    guests come to ada by a network in memory.

    Attributes:
        load: What they do.
        faults: What is done to them, by what it is called.
    """

    def __init__(self, folder: Path, relays: list[RelayProcess], nats: NatsServer) -> None:
        self._folder, self._relays, self._nats = folder, relays, nats
        self._clock = MovableClock()
        self._network = LoopbackNetwork()
        self._direct = DirectTransport()
        ((host, port),) = self._direct.listen("127.0.0.1", 0)
        address = f"ws://{host}:{port}{PATH}"
        self.ada = self._hub("ada", [self._network.transport("ada"), self._direct], address)
        self.bob = self._hub("bob", [])
        self.faults: dict[str, Fault] = {
            "direct link cut": self._cut_direct,
            "ada's or bob's connection to a relay cut": self._cut_relay,
            "links of guests cut": self._cut_guests,
            "distant node killed and started": self._kill_eve,
            "one of two relays killed and started": self._kill_relay,
            "NATS killed and started": self._kill_nats,
            "ada's disk full for a while": self._fill_disk,
            "ada's clock an hour ahead for a while": self._move_clock,
        }
        self._nodes: list[Node] = []
        self._eve: Program | None = None
        self._turn = 0

    def _hub(self, name: str, others: list, *addresses: str) -> PeerHub:
        seed = self._folder / f"{name}.seed"
        seed.write_bytes(os.urandom(32))
        # Each has a relay of its own, and the other's when that is away.
        urls = [relay.url for relay in self._relays]
        relay_url = ",".join(urls if name == "ada" else reversed(urls))
        relay = RelayTransport(Identity.from_seed(seed.read_bytes()), relay_url)
        return make_hub(
            self._network,
            self._folder,
            name,
            transports=[*others, relay],
            relay_url=relay_url,
            advertised_addresses=addresses,
            clock=self._clock if name == "ada" else None,
        )

    async def start(self) -> None:
        """Start the distant node, share the pane with everybody, and begin to watch it."""
        ada = Node(self.ada, agents=AGENTS, wall_clock=self._clock.time)
        bob = Node(self.bob, agents=AGENTS)
        self._nodes = [ada, bob]
        await pair(self.ada, self.bob)
        await ada.share(NAME, to=bob)
        # It says that it is up once it sees the pane, which is granted once it has paired.
        async with asyncio.TaskGroup() as both:
            both.create_task(self._start_eve(self.ada.invites.mint().text))
            await until(lambda: len(self.ada.peers()) == 2, PATIENCE_S, "the distant node")
            (eve,) = [peer.node_id for peer in self.ada.peers() if peer.node_id != bob.id]
            ada.publisher.grant(NAME, eve, "view")
        self.load = Load(ada, bob, eve)
        await self.load.watch()

    async def close(self) -> None:
        """End panes, agents and the other processes; the hubs stay."""
        for node in reversed(self._nodes):
            await node.close()
        if self._eve is not None:
            await self._eve.stop()
        for relay in self._relays:
            relay.kill()
            relay.close()

    async def _start_eve(self, invite: str) -> None:
        arguments = ("-m", "tests.soak.distant_node", str(self._folder), invite)
        self._eve = await Program.start(*arguments)

    def read_journal(self) -> None:
        """Tell the tallies what the distant node has carried out, over all its lives."""
        for line in (self._folder / JOURNAL).read_text().splitlines():
            kind, _, number = line.partition(" ")
            self.load.tallies[f"{kind}s ada to eve"].carried_out(int(number))

    def usage(self) -> dict[str, Usage]:
        """Measure every process."""
        assert self._eve is not None
        return {
            "ada and bob": Usage.of(os.getpid(), tasks=len(asyncio.all_tasks())),
            "distant node": Usage.of(self._eve.pid, tasks=self.load.eve_tasks),
            # Together, because nodes move from one to the other.
            "both relays": Usage.of(*(relay.process.pid for relay in self._relays)),
        }

    # Faults.

    async def _cut_direct(self) -> None:
        for link in list(self._direct._links):
            link.cut()

    async def _cut_relay(self) -> None:
        self._turn += 1
        hub = (self.ada, self.bob)[self._turn % 2]
        connection = hub.transports[-1]._own.socket._connection
        if connection is not None:
            connection.abort()

    async def _cut_guests(self) -> None:
        self._network.cut()

    async def _kill_eve(self) -> None:
        assert self._eve is not None
        os.kill(self._eve.pid, signal.SIGKILL)
        await self._eve.stop()
        await self._start_eve("")

    async def _kill_relay(self) -> None:
        which = self.load.pane.written % len(self._relays)
        relay = self._relays[which]
        await asyncio.to_thread(relay.kill)
        relay.close()
        self._relays[which] = await asyncio.to_thread(_relay, self._nats, relay.port)

    async def _kill_nats(self) -> None:
        await asyncio.to_thread(self._nats.kill)
        await asyncio.sleep(_DISTURBED_S)
        await asyncio.to_thread(self._nats.start)

    async def _fill_disk(self) -> None:
        with taking_nothing(self.ada):
            await asyncio.sleep(_DISTURBED_S)
            await self._cut_direct()
            await asyncio.sleep(_DISTURBED_S)

    async def _move_clock(self) -> None:
        self._clock.move(_HOUR_S)
        await asyncio.sleep(_DISTURBED_S)
        self._clock.move(-_HOUR_S)


@contextlib.asynccontextmanager
async def system(folder: Path) -> AsyncIterator[System]:
    """Run all of it."""
    with nats_server() as nats:
        relays = [await asyncio.to_thread(_relay, nats) for _ in range(2)]
        made = System(folder, relays, nats)
        async with running(made.ada, made.bob):
            try:
                await made.start()
                yield made
            finally:
                await made.close()


def _relay(nats: NatsServer, port: int = 0) -> RelayProcess:
    return RelayProcess(f"--nats={nats.url}", port=port)
