"""Hubs of one process for tests, paired over loopback."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.hub.local_node import HubConfig
from jupyter_peer.store.store import Store
from jupyter_peer.transports.relay.relay import RelayTransport
from jupyter_peer.trust.invites import InvitePolicy
from jupyter_peer.wire.link.identity import Identity
from tests.machine.waiting import until
from tests.peers.loopback import LoopbackNetwork

_count = itertools.count(1)


def make_hub(network: LoopbackNetwork, path: Path, name: str, **config: Any) -> PeerHub:
    """Return a hub on a loopback network, not started; its store is at ``path``."""
    transports = config.pop("transports", None) or [network.transport(f"{name}-{next(_count)}")]
    store = Store.open(path / f"{name}.sqlite")
    key = path / f"{name}.seed"
    if not key.exists():
        key.write_bytes(os.urandom(32))
    hub = PeerHub(
        identity=Identity.from_seed(key.read_bytes()),
        store=store,
        transports=transports,
        policy=config.pop("policy", None) or InvitePolicy(store),
        clock=config.pop("clock", None),
        config=HubConfig(node_name=name, **{"backoff_s": 0.01, "max_backoff_s": 0.1, **config}),
    )
    hub.network = network  # type: ignore[attr-defined] - a test cuts its links there
    return hub


@contextlib.asynccontextmanager
async def running(*hubs: PeerHub) -> AsyncIterator[None]:
    """Start hubs and close them, stores included."""
    try:
        for hub in hubs:
            await hub.start()
        yield
    finally:
        for hub in hubs:
            await hub.close()
            hub.store.close()


async def pair(inviter: PeerHub, guest: PeerHub) -> None:
    """Let ``guest`` redeem an invite of ``inviter``, and wait until both know the other's addresses."""
    await guest.pair(inviter.invites.mint().text)
    # They come just after the pairing: at once on Python 3.11, some turns of the loop later on 3.12.
    await until(lambda: _knows(inviter, guest) and _knows(guest, inviter))


def _knows(hub: PeerHub, other: PeerHub) -> bool:
    return bool(hub.peer(other.node_id).addresses) or not other.addresses()


@contextlib.contextmanager
def taking_nothing(hub: PeerHub) -> Iterator[None]:
    """Let a hub's database refuse every write for a while."""
    database = hub.store._database
    database.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        database.execute("PRAGMA query_only = OFF")


@contextlib.asynccontextmanager
async def two_hubs(**config: Any) -> AsyncIterator[tuple[PeerHub, PeerHub]]:
    """Yield two started hubs, ada and bob, paired; ``ada.network`` can cut the link."""
    network = LoopbackNetwork()
    with tempfile.TemporaryDirectory() as folder:
        ada = make_hub(network, Path(folder), "ada", **config)
        bob = make_hub(network, Path(folder), "bob", **config)
        async with running(ada, bob):
            await pair(ada, bob)
            yield ada, bob


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
