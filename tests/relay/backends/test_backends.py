"""What broker and lobby stand on, alone and joined by NATS: one suite over both backends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Callable

import pytest

from jupyter_peer.relay.backends.base import Backend, ConflictError
from jupyter_peer.relay.backends.memory import MemoryBackend
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay.frames import CLOSE, Undeliverable, read_notice
from tests.machine.waiting import until
from tests.relay.nats_server import nats_server
from tests.relay.nodes import LINK, RawNode, relay

_prefixes = itertools.count(1)


@pytest.fixture(scope="module")
def nats():
    with nats_server() as server:
        yield server


@pytest.fixture(params=["memory", "nats"])
def make(request) -> Callable[[], Backend]:
    """Return what makes the backends of one relay: the very same, or two that share a server."""
    if request.param == "memory":
        backend = MemoryBackend()
        return lambda: backend
    server = request.getfixturevalue("nats")
    from jupyter_peer.relay.backends.nats import NatsBackend

    prefix = f"test-{next(_prefixes)}"
    return lambda: NatsBackend([server.url], prefix=prefix)


class Sink:
    """Notes what a backend tells."""

    def __init__(self) -> None:
        self.delivered: list[bytes] = []
        self.there: list[bytes] = []
        self.missed: list[bytes] = []
        self.gone: list[bytes] = []
        self.deliver = self.delivered.append
        self.appeared = self.there.append
        self.lost = self.missed.append
        self.moved = self.gone.append


@contextlib.asynccontextmanager
async def two(make: Callable[[], Backend]) -> AsyncIterator[tuple[Backend, Backend]]:
    """Yield two started backends of one relay."""
    one, other = make(), make()
    try:
        await one.start(Sink())
        await other.start(Sink())
        yield one, other
    finally:
        await one.close()
        await other.close()


@contextlib.asynccontextmanager
async def two_brokers(make: Callable[[], Backend], **limits: float) -> AsyncIterator[list[str]]:
    """Yield the URLs of both brokers of a relay, or twice that of the only one."""
    async with contextlib.AsyncExitStack() as stack:
        one = make()
        urls = [await stack.enter_async_context(relay(one, **limits))]
        other = make()
        if other is not one:
            urls.append(await stack.enter_async_context(relay(other, **limits)))
        yield [urls[0], urls[-1]]


# The table.


async def test_what_one_writes_all_read_and_the_writer_at_once(make):
    async with two(make) as (one, other):
        seen: list[tuple[str, bytes | None, bytes | None]] = []
        other.table.watch(lambda *change: seen.append(change))
        revision = await one.table.put("room.a", b"1")
        assert one.table.get("room.a") == (b"1", revision)
        await until(lambda: other.table.get("room.a") == (b"1", revision))
        later = await one.table.update("room.a", b"2", revision)
        assert later > revision
        await until(lambda: other.table.get("room.a") == (b"2", later))
        await other.table.delete("room.a", later)
        assert other.table.get("room.a") is None
        await until(lambda: one.table.get("room.a") is None)
        assert seen == [
            ("room.a", None, b"1"),
            ("room.a", b"1", b"2"),
            ("room.a", b"2", None),
        ]


async def test_a_change_that_names_an_older_revision_is_a_conflict(make):
    async with two(make) as (one, _):
        first = await one.table.update("room.b", b"1", 0)
        with pytest.raises(ConflictError):
            await one.table.update("room.b", b"2", 0)
        second = await one.table.update("room.b", b"2", first)
        for change in (
            one.table.update("room.b", b"3", first),
            one.table.delete("room.b", first),
        ):
            with pytest.raises(ConflictError):
                await change
        await one.table.delete("room.b", second)
        assert await one.table.update("room.b", b"again", 0) > second


async def test_of_many_writers_each_change_counts_once(make):
    async with two(make) as both:

        async def add(backend: Backend) -> None:
            while True:
                entry = backend.table.get("room.count")
                number = int(entry.value) if entry else 0
                try:
                    await backend.table.update(
                        "room.count", b"%d" % (number + 1), entry.revision if entry else 0
                    )
                except ConflictError:
                    await asyncio.sleep(0.01)
                else:
                    return

        await asyncio.gather(*(add(backend) for backend in both for _ in range(10)))
        await until(lambda: all(each.table.get("room.count").value == b"20" for each in both))


async def test_who_comes_later_finds_what_is_there(make):
    async with two(make) as (one, _):
        await one.table.put("room.x", b"x")
        await one.table.put("node.y", b"y")
        gone = await one.table.put("node.z", b"z")
        await one.table.delete("node.z", gone)
        late = make()
        if late is not one:
            await late.start(Sink())
        assert [key for key, _ in late.table.items("room.")] == ["room.x"]
        assert [entry.value for _, entry in late.table.items("node.")] == [b"y"]
        if late is not one:
            await late.close()


# Mail.


async def test_mail_reaches_the_mailbox_wherever_it_is(make):
    async with two(make) as (one, other):
        got: list[str] = []

        def take(text: str) -> bool:
            got.append(text)
            return text != "refused"

        assert not await one.post("a" * 16, "nobody is there")
        await other.open_mailbox("a" * 16, take)
        assert await one.post("a" * 16, "hello äö")
        assert await other.post("a" * 16, "from here")
        assert not await one.post("a" * 16, "refused")
        await other.close_mailbox("a" * 16, lambda text: True)  # somebody else's
        assert await one.post("a" * 16, "still")
        await other.close_mailbox("a" * 16, take)
        assert not await one.post("a" * 16, "gone")
        assert [text for text in got if text != "refused"] == ["hello äö", "from here", "still"]


async def test_brokers_know_of_each_other(make):
    async with two(make) as (one, other):
        assert one.is_broker_alive(one.broker_id)
        assert one.is_broker_alive(other.broker_id)
        assert one.is_healthy


# Frames.


async def test_nodes_of_any_two_brokers_reach_each_other_in_order(make):
    async with two_brokers(make) as urls:
        ada, bob = await RawNode.connect(urls[0]), await RawNode.connect(urls[1])
        payloads = [b"%d" % n * 1000 for n in range(200)]
        for payload in payloads:
            ada.send(bob, payload)
        assert [bytes((await bob.frame()).payload) for _ in payloads] == payloads
        bob.send(ada, b"back")
        assert bytes((await ada.frame()).payload) == b"back"
        ada.close()
        bob.close()


async def test_frames_for_an_absent_node_come_in_order_at_whichever_broker_it_appears(make):
    absent = Identity.from_seed(os.urandom(32))
    async with two_brokers(make) as urls:
        ada = await RawNode.connect(urls[0])
        for number in range(50):
            ada.send(absent.node_id, b"%d" % number)
        bob = await RawNode.connect(urls[1], absent)
        for number in range(50, 100):
            ada.send(bob, b"%d" % number)
        assert [int(bytes((await bob.frame()).payload)) for _ in range(100)] == list(range(100))
        # away and back at the other one
        bob.close()
        ada.send(bob, b"to nobody", link=b"8 bytes!")

        again = await RawNode.connect(urls[0], absent)
        ada.send(again, b"to somebody")
        while bytes((await again.frame()).payload) != b"to somebody":
            pass
        again.close()
        ada.close()


async def test_what_is_held_too_long_is_undeliverable(make):
    async with two_brokers(make, hold_s=0.1) as urls:
        ada = await RawNode.connect(urls[0])
        ada.send("a" * 16, b"x")
        assert read_notice(str(await ada.read())) == Undeliverable("a" * 16, LINK)
        ada.close()


async def test_a_second_proof_replaces_the_first_on_whichever_broker_it_is(make):
    async with two_brokers(make) as urls:
        ada, bob = await RawNode.connect(urls[0]), await RawNode.connect(urls[0])
        again = await RawNode.connect(urls[1], bob.identity)
        assert await bob.read() is None
        assert bob.socket.connection.close_reason == "replaced"
        bob.close()
        ada.send(again, b"to whom")
        assert bytes((await again.frame()).payload) == b"to whom"
        back = await RawNode.connect(urls[0], bob.identity)
        assert await again.read() is None
        again.close()
        ada.send(back, b"and now")
        assert bytes((await back.frame()).payload) == b"and now"
        back.close()
        ada.close()


async def test_a_slow_node_loses_its_link_and_stalls_nobody_across_brokers(make):
    async with two_brokers(make, max_link_queue=256 * 1024) as urls:
        ada = await RawNode.connect(urls[0])
        bob, eve = await RawNode.connect(urls[1]), await RawNode.connect(urls[1])
        ended = asyncio.ensure_future(ada.frame())
        sent = 0
        while not ended.done():
            ada.send(eve, bytes(60_000))
            ada.send(bob, b"%d" % sent, link=b"8 bytes!")
            assert bytes((await bob.frame()).payload) == b"%d" % sent
            sent += 1
            assert sent < 2_000, "the queue never overflows"
        frame = ended.result()
        assert (frame.kind, frame.src, frame.reason) == (CLOSE, eve.id, "overflow")
        for node in (ada, bob, eve):
            node.close()
