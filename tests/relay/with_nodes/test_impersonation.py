"""A hostile relay or lobby that a node dials cannot register in that node's name anywhere else."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator

import pytest

from jupyter_peer.errors import PeerError
from jupyter_peer.lobby_client.lobby import AboutMe, LobbyClient
from jupyter_peer.relay.broker.limits import Limits
from jupyter_peer.relay.broker.metrics import Metrics
from jupyter_peer.relay.connection import Connection
from jupyter_peer.relay.proof import Proof
from jupyter_peer.relay.server import RelayServer
from jupyter_peer.transports.relay.relay import RelayTransport
from jupyter_peer.wire.addresses import LOBBY_PATH, RELAY_PATH, lobby_urls
from jupyter_peer.wire.link.identity import Identity
from tests.machine.waiting import until
from tests.relay.nodes import RawSocket, relay


class PosingRelay(RelayServer):
    """Has the challenge of an honest door signed by each node that registers here.

    Attributes:
        url: Where it listens.
        registered_as: The node ids under which the honest door has registered it.
        attempts: How many nodes it has tried to pose as.
    """

    def __init__(self, honest_door: str) -> None:
        super().__init__(
            Limits(),
            Metrics(),
            dict.fromkeys((RELAY_PATH, LOBBY_PATH), _unused),
            lambda: {"ok": True},
            lambda: "posing",
        )
        self.url = ""
        self.registered_as: list[str] = []
        self.attempts = 0
        self._honest_door = honest_door

    async def _serve(self, connection: Connection, *args: object) -> None:
        with contextlib.suppress(ConnectionError, PeerError):
            await self._pose(connection)
        self.attempts += 1
        await connection.close()

    async def _pose(self, connection: Connection) -> None:
        honest = await RawSocket.open(self._honest_door)
        try:
            while True:
                honest.send(await connection.read_text())
                answer = json.loads(str(await honest.read()))
                if "registered" in answer:
                    self.registered_as.append(answer["registered"])
                answer.pop("relay", None)  # or a node that is registered there would notice
                connection.send_text(json.dumps(answer))
        finally:
            honest.close()


async def _unused(connection: Connection, proof: Proof) -> None:
    raise AssertionError("it asks for no proof of its own")


@contextlib.asynccontextmanager
async def posing_relay(honest_door: str) -> AsyncIterator[PosingRelay]:
    """Run a relay that poses at another's door as those that dial it."""
    posing = PosingRelay(honest_door)
    ((host, port),) = posing.listen("127.0.0.1", 0)
    posing.url = f"ws://{host}:{port}"
    try:
        yield posing
    finally:
        posing.stop_listening()
        await posing.close()


@contextlib.asynccontextmanager
async def victim(relay_url: str | None = None) -> AsyncIterator[tuple[str, RelayTransport]]:
    identity = Identity.from_seed(os.urandom(32))
    transport = RelayTransport(identity, relay_url)

    async def accept(link: object) -> None:
        raise AssertionError("nobody dials the victim")

    await transport.start(accept)
    try:
        yield identity.node_id, transport
    finally:
        await transport.close()


async def test_a_relay_that_a_peer_announced_cannot_register_elsewhere_as_the_node_that_dials_it():
    for door in (RELAY_PATH, LOBBY_PATH):
        async with (
            relay() as honest,
            posing_relay(honest + door) as posing,
            victim(honest) as (victim_id, transport),
        ):
            await until(lambda: transport.is_registered)
            with contextlib.suppress(PeerError):
                await transport.dial(f"relay:{posing.url}", "a" * 16)
            await until(lambda: posing.attempts or posing.registered_as)
            assert victim_id not in posing.registered_as
            assert transport.is_registered  # nobody has taken its place


async def test_a_relay_that_the_user_chose_cannot_register_at_a_lobby_as_its_nodes():
    async with (
        relay() as honest,
        posing_relay(honest + LOBBY_PATH) as posing,
        victim(posing.url),
    ):
        await until(lambda: posing.attempts or posing.registered_as)
        assert posing.registered_as == []


async def test_a_lobby_that_the_user_chose_cannot_register_at_a_relay_as_its_nodes():
    async with relay() as honest, posing_relay(honest + RELAY_PATH) as posing:
        client = LobbyClient(
            lobby_urls(posing.url),
            Identity.from_seed(os.urandom(32)),
            lambda: AboutMe([], "victim", []),
        )
        client.start()
        with pytest.raises(PeerError):
            await client.who()
        await client.close()
        assert posing.registered_as == []
