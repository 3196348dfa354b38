"""Rooms at two brokers that a real NATS joins, each a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from jupyter_peer.lobby_client.limits import Pace
from jupyter_peer.lobby_client.lobby import AboutMe, LobbyClient
from jupyter_peer.wire.link.identity import Identity
from tests.machine.waiting import until
from tests.relay.nats_server import NatsServer, nats_server
from tests.relay.process import RelayProcess, relay_process
from tests.wire.makers import ADA, BOB, EVE

PACE = Pace(backoff_s=0.05, max_backoff_s=0.5, wait_s=15.0, look_s=0.2)
WAIT_S = 20.0


@pytest.fixture(scope="module")
def nats() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@contextlib.contextmanager
def brokers(nats: NatsServer, prefix: str) -> Iterator[list[RelayProcess]]:
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                relay_process(f"--nats={nats.url}", f"--RelayCommand.nats_prefix={prefix}")
            )
            for _ in range(2)
        ]


@contextlib.asynccontextmanager
async def person(
    identity: Identity, name: str, *brokers: RelayProcess
) -> AsyncIterator[LobbyClient]:
    """Somebody who uses the first of these brokers that answers."""
    urls = [f"{broker.url}/lobby-ws" for broker in brokers]
    me = AboutMe([f"ws://{name}.example/peer-ws"], name, [])
    client = LobbyClient(urls, identity, lambda: me, pace=PACE)
    client.start()
    try:
        yield client
    finally:
        await client.close()


def fellows(client: LobbyClient) -> set[str]:
    """Return the names of those who are in a room with somebody, and not away."""
    return {card.node_name for card in client.rooms.fellows().values() if not card.away}


async def _joins(client: LobbyClient, name: str) -> bool:
    return name in [room.name for room in await client.list_rooms()]


async def test_people_at_two_brokers_are_in_one_room_and_signal_to_each_other(
    nats: NatsServer,
) -> None:
    with brokers(nats, "rooms") as (one, other):
        async with person(ADA, "ada", one) as ada, person(BOB, "bob", other) as bob:
            made = await ada.create_room("class", "public", "token")
            await until(lambda: _joins(bob, "class"), WAIT_S)
            await bob.join_room("class", made.token)
            await until(lambda: fellows(ada) == {"bob"} and fellows(bob) == {"ada"}, WAIT_S)
            signals: list[tuple[str, str, str]] = []
            bob.on_signal(lambda *signal: signals.append(signal))
            await ada.signal(BOB.node_id, "offer", "v=0")
            await until(lambda: signals, WAIT_S)
            assert signals == [(ADA.node_id, "offer", "v=0")]
            await ada.set_listed(True)
            await until(lambda: _sees(bob, "ada"), WAIT_S)
            await bob.leave_room("class")
            await until(lambda: fellows(ada) == set(), WAIT_S)


async def _sees(client: LobbyClient, name: str) -> bool:
    return name in [card.node_name for card in await client.who()]


async def test_a_broker_that_is_killed_takes_no_room_and_no_member_with_it(
    nats: NatsServer,
) -> None:
    with brokers(nats, "killed") as (one, other):
        async with (
            person(ADA, "ada", one, other) as ada,
            person(BOB, "bob", other) as bob,
            person(EVE, "eve", other) as eve,
        ):
            made = await ada.create_room("class", "unlisted", "token")
            await ada.set_listed(True)
            await until(lambda: _sees(bob, "ada"), WAIT_S)
            await bob.join_room("class", made.token)
            await until(lambda: fellows(ada) == {"bob"}, WAIT_S)
            gone: list[bool] = []
            bob.subscribe(lambda: gone.append(ADA.node_id not in bob.rooms.fellows()))
            one.kill()
            # Ada comes back at the other broker: nobody has left, and the old token still opens.
            await until(
                lambda: ada.status == "connected" and ada._urls[0].startswith(other.url), WAIT_S
            )
            await until(lambda: fellows(ada) == {"bob"} and fellows(bob) == {"ada"}, WAIT_S)
            assert not any(gone)
            await eve.join_room("class", made.token)
            await until(lambda: fellows(ada) == {"bob", "eve"}, WAIT_S)
            assert await _sees(eve, "ada")
