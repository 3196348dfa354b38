"""Whole nodes over brokers that NATS joins: brokers and NATS itself die under traffic."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator

import pytest
from tornado.httpclient import AsyncHTTPClient

from jupyter_peer.cli import main
from jupyter_peer.errors import PeerError, UnreachableError
from jupyter_peer.relay.backends.base import Backend
from jupyter_peer.relay.backends.nats import NatsBackend
from jupyter_peer.wire.relay.frames import CLOSE
from tests.machine.waiting import until
from tests.peers.hubs import relay_hubs
from tests.peers.nodes import Node, relay_nodes, texts
from tests.relay.nats_server import nats_server
from tests.relay.nodes import LINK, RawNode, relay
from tests.relay.process import RelayProcess, relay_process


@pytest.fixture(scope="module")
def nats():
    with nats_server() as server:
        yield server


@contextlib.contextmanager
def brokers(url: str, prefix: str, count: int = 2) -> Iterator[list[RelayProcess]]:
    """Run so many brokers of one relay as processes."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                relay_process(f"--nats={url}", f"--RelayCommand.nats_prefix={prefix}")
            )
            for _ in range(count)
        ]


class Story:
    """Lines that ada's kernel writes, and bob has to see all of, once each and in order."""

    def __init__(self, ada: Node, bob: Node) -> None:
        self.ada, self.bob = ada, bob
        self.said = ""
        self.count = 0
        self.revisions: list[int] = []

    async def begin(self) -> None:
        await self.ada.share(to=self.bob)
        await until(self.bob.watcher.offered, 15)
        self.watch = await self.bob.watcher.open(self.ada.id, "loss")

    async def tell(self, lines: int) -> None:
        for _ in range(lines):
            line = f"line {self.count}\n"
            self.said += line
            self.count += 1
            self.ada.kernel.write(line)
            self.revisions.append(self.watch.state.rev)
            await asyncio.sleep(0.001)

    async def is_whole(self) -> None:
        await until(lambda: texts(self.watch) == [self.said], 20)
        assert self.revisions == sorted(self.revisions)


async def test_a_pane_goes_on_where_it_was_when_the_owners_broker_is_killed(nats):
    with brokers(nats.url, "owner") as (one, other):
        urls = f"{one.url},{other.url}"
        async with relay_nodes(urls, f"{other.url},{one.url}") as (ada, bob):
            story = Story(ada, bob)
            await story.begin()
            await story.tell(100)
            await story.is_whole()
            await story.tell(50)
            one.process.kill()
            await story.tell(200)
            await story.is_whole()
            assert bob.hub.peer(ada.id).transport == "relay"


async def test_a_pane_goes_on_where_it_was_when_the_viewers_broker_is_killed(nats):
    with brokers(nats.url, "viewer") as (one, other):
        async with relay_nodes(other.url, f"{one.url},{other.url}") as (ada, bob):
            story = Story(ada, bob)
            await story.begin()
            await story.tell(150)
            one.process.kill()
            await story.tell(200)
            await story.is_whole()


async def test_a_pane_goes_on_where_it_was_when_nats_is_killed_and_started_again():
    with nats_server() as nats, brokers(nats.url, "restart") as (one, other):
        # What is in the configuration is one relay, so its brokers talk by NATS.
        urls = f"{one.url},{other.url}", f"{other.url},{one.url}"
        async with relay_nodes(*urls, ping_interval_s=0.5) as (ada, bob):
            story = Story(ada, bob)
            await story.begin()
            await story.tell(150)
            nats.kill()
            await story.tell(100)
            await until(lambda: not bob.hub.peer(ada.id).transport, 15)
            await asyncio.to_thread(nats.start)
            await story.tell(100)
            await story.is_whole()
            response = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{one.port}/health")
            assert response.code == 200


async def test_nodes_that_know_brokers_of_one_relay_by_different_urls_do_not_replace_themselves(
    nats,
):
    with brokers(nats.url, "names") as (one, other):
        async with relay_hubs(one.url, other.url) as (ada, bob):
            await until(lambda: ada.peer(bob.node_id).addresses == [f"relay:{other.url}"])
            await ada.disconnect(bob.node_id)
            info = await ada.connect(bob.node_id)
            assert info.address == f"relay:{other.url}"
            for broker in (one, other):
                page = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{broker.port}/metrics")
                assert b"relay_replaced_total 0\n" in page.body


async def test_a_broker_that_ends_in_good_order_sends_its_nodes_to_the_other(nats):
    with brokers(nats.url, "term") as (one, other):
        async with relay_hubs(f"{one.url},{other.url}", other.url) as (ada, bob):
            await ada.ping(bob.node_id)
            code, said = await asyncio.to_thread(one.terminate)
            assert code == 0
            assert "Traceback" not in said

            async def answers() -> bool:
                # At first Bob may not have heard of the end of the link over the old broker.
                with contextlib.suppress(PeerError):
                    await bob.ping(ada.node_id)
                    return True
                return False

            await until(answers, 15)
            assert bob.peer(ada.node_id).transport == "relay"


async def test_frames_to_a_node_whose_broker_died_end_their_link_at_once_and_later_ones_wait(nats):
    with brokers(nats.url, "dead") as (one, other):
        ada, bob = await RawNode.connect(one.url), await RawNode.connect(other.url)
        ada.send(bob, b"x")
        await bob.frame()
        other.process.kill()
        assert await bob.read() is None
        bob.close()
        frame = None
        while frame is None or frame.kind != CLOSE:
            ada.send(bob, b"lost")
            with contextlib.suppress(TimeoutError):
                frame = await asyncio.wait_for(ada.frame(), 0.2)
        assert (frame.src, frame.link, frame.reason) == (bob.id, LINK, "link_closed")
        ada.send(bob, b"held", link=b"8 bytes!")
        back = await RawNode.connect(one.url, bob.identity)
        got = [await back.frame()]
        while bytes(got[-1].payload) != b"held":
            got.append(await back.frame())
        ada.close()
        back.close()


async def test_a_node_that_registers_while_nats_is_away_is_refused_and_those_here_go_on():
    with nats_server() as nats:
        backend = NatsBackend([nats.url])
        async with relay(backend) as url:
            ada, bob = await RawNode.connect(url), await RawNode.connect(url)
            nats.kill()
            await until(lambda: not backend.is_healthy)
            with pytest.raises(UnreachableError):
                await RawNode.connect(url)
            ada.send(bob, b"still here")
            assert bytes((await bob.frame()).payload) == b"still here"
            await asyncio.to_thread(nats.start)
            await until(lambda: backend.is_healthy, 15)
            eve = await RawNode.connect(url)
            ada.send(eve, b"and you")
            assert bytes((await eve.frame()).payload) == b"and you"
            for node in (ada, bob, eve):
                node.close()


async def test_a_bucket_that_was_lost_is_made_again_with_the_nodes_that_are_here():
    with nats_server() as nats:
        backends: list[Backend] = [NatsBackend([nats.url]) for _ in range(2)]
        async with relay(backends[0]) as one, relay(backends[1]) as other:
            ada, bob = await RawNode.connect(one), await RawNode.connect(other)
            nats.kill()
            await until(lambda: not any(each.is_healthy for each in backends))
            nats.forget()
            await asyncio.to_thread(nats.start)
            await until(lambda: all(each.is_healthy for each in backends), 15)
            ada.send(bob, b"found again")
            assert bytes((await bob.frame()).payload) == b"found again"
            ada.close()
            bob.close()


async def test_nats_that_is_not_there_or_has_no_jetstream_is_said_so(monkeypatch):
    monkeypatch.setattr("jupyter_peer.relay.backends.nats.CONNECT_S", 1.0)
    with pytest.raises(UnreachableError, match="NATS does not answer"):
        async with relay(NatsBackend(["nats://127.0.0.1:9"])):
            raise AssertionError("it started")
    with nats_server(has_jetstream=False) as nats:
        with pytest.raises(UnreachableError, match="JetStream") as caught:
            async with relay(NatsBackend([nats.url])):
                raise AssertionError("it started")
        assert "-js" in caught.value.hint


def test_the_program_says_what_is_wrong_with_nats_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr("jupyter_peer.relay.backends.nats.CONNECT_S", 0.5)
    assert main(["relay", "--port=0", "--nats=nats://127.0.0.1:9"]) == 1
    assert re.match("unreachable: NATS does not answer", capsys.readouterr().err.splitlines()[-1])


async def test_deleted_keys_leave_nothing_behind_and_what_was_stored_again_stays(nats):
    backend = NatsBackend([nats.url], prefix="tidy")
    async with relay(backend):
        table = backend.table
        for key in ("test.a", "test.b"):
            await table.delete(key, await table.put(key, b"x"))
        again = await table.put("test.b", b"again")
        stream = backend._client.jetstream()

        async def messages() -> int:
            return (await stream.stream_info("KV_tidy-table")).state.messages

        assert await messages() == 3  # one mark, one value, the relay's name
        await table.tidy(60)
        assert await messages() == 3
        await table.tidy(0)
        assert await messages() == 2
        assert (await table.fetch("test.b")) == (b"again", again)
        assert await table.update("test.a", b"new", 0)
