"""Whole nodes that reach each other over relays only."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.transports.relay.relay import RelayTransport
from jupyter_peer.wire.link.identity import Identity
from tests.hubs import make_hub, pair, running
from tests.loopback import LoopbackNetwork
from tests.panes.nodes import Node


def relay_hub(path: Path, name: str, relay_url: str | None, **config: Any) -> PeerHub:
    """Return a hub whose only transport is a relay, not started."""
    seed = path / f"{name}.seed"
    seed.write_bytes(os.urandom(32))
    transport = RelayTransport(Identity.from_seed(seed.read_bytes()), relay_url)
    return make_hub(
        LoopbackNetwork(), path, name, transports=[transport], relay_url=relay_url, **config
    )


@contextlib.asynccontextmanager
async def relay_hubs(
    ada_url: str | None, bob_url: str | None, **config: Any
) -> AsyncIterator[tuple[PeerHub, PeerHub]]:
    """Yield ada and bob, each with a relay of its own or none, paired by an invite of ada's."""
    with tempfile.TemporaryDirectory() as folder:
        ada = relay_hub(Path(folder), "ada", ada_url, **config)
        bob = relay_hub(Path(folder), "bob", bob_url, **config)
        async with running(ada, bob):
            await pair(ada, bob)
            yield ada, bob


@contextlib.asynccontextmanager
async def relay_nodes(
    ada_url: str | None, bob_url: str | None, **config: Any
) -> AsyncIterator[tuple[Node, Node]]:
    """Yield ada and bob with panes."""
    async with relay_hubs(ada_url, bob_url, **config) as (ada_hub, bob_hub):
        ada, bob = Node(ada_hub), Node(bob_hub)
        try:
            yield ada, bob
        finally:
            await bob.close()
            await ada.close()
