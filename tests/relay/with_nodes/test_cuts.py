"""Links over a relay that are cut at random moments, under traffic: link by link, and sockets whole."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from jupyter_peer.transports.relay import socket as relay_socket
from tests.hub.test_cuts import QUICK, Traffic, open_sockets, with_panes
from tests.machine.waiting import until
from tests.peers.hubs import pair, relay_hub, running
from tests.relay.nodes import relay


async def test_cuts_over_a_relay_lose_and_double_nothing_and_leave_nothing_open(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(relay_socket, "_FIRST_PAUSE_S", 0.005)
    monkeypatch.setattr(relay_socket, "_LONGEST_PAUSE_S", 0.02)
    before, sockets = asyncio.all_tasks(), open_sockets()
    rng = random.Random(7)
    async with relay() as url:
        ada, bob = (relay_hub(tmp_path, name, url, **QUICK) for name in ("ada", "bob"))
        async with running(ada, bob):
            await pair(ada, bob)
            async with with_panes(ada, bob) as (hers, his):
                traffic = Traffic(hers, his)
                await traffic.begin()
                for _ in range(100):
                    await asyncio.sleep(rng.random() * 0.02)
                    kind = rng.random()
                    hub = rng.choice([ada, bob])
                    multiplexer = hub.transports[0]._own
                    connection = multiplexer.socket._connection
                    if kind < 0.6:
                        for link in list(multiplexer._links.values()):
                            link.abort("cut")
                    elif connection is not None:
                        connection.abort()  # as a cable that is pulled
                    if rng.random() < 0.3:
                        await traffic.progress()
                await traffic.end()
                assert traffic.paths <= {"relay", None}
    await until(lambda: not (asyncio.all_tasks() - before))
    await until(lambda: open_sockets() <= sockets)
