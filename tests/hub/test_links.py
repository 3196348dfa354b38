"""Links that break, double, replace each other, and peers that do not behave."""

from __future__ import annotations

import asyncio
import os
from collections import Counter

import pytest

from jupyter_peer.errors import (
    LinkClosedError,
    NotConnectedError,
    OverflowLinkError,
    PeerError,
    PeerTimeoutError,
    UnsealedRefusedError,
    UnsupportedError,
)
from jupyter_peer.hub.message import MAX_RUNNING
from jupyter_peer.primitives.clock import Clock
from jupyter_peer.wire.link.channel import Limits
from tests.machine.waiting import PATIENCE_S, until
from tests.peers.hubs import make_hub, pair, running, two_hubs
from tests.peers.loopback import LoopbackNetwork


async def test_a_request_gets_its_answer_and_an_unknown_one_a_clear_error():
    async with two_hubs() as (ada, bob):
        bob.on("add", lambda message: message.reply("sum", {"is": sum(message.data["of"])}))
        reply = await ada.request(bob.node_id, "add", {"of": [1, 2, 3]})
        assert (reply.type, reply.data) == ("sum", {"is": 6})
        with pytest.raises(UnsupportedError):
            await ada.request(bob.node_id, "dance", {})


async def test_a_handler_that_fails_answers_with_an_error_and_the_hub_lives_on(caplog):
    async with two_hubs() as (ada, bob):

        def refuse(message):
            raise UnsupportedError("not today")

        def crash(message):
            raise RuntimeError("secret path /home/bob")

        async def crash_later(message):
            await asyncio.sleep(0)
            raise KeyError("secret")

        bob.on("refuse", refuse)
        bob.on("crash", crash)
        bob.on("crash_later", crash_later)
        with pytest.raises(UnsupportedError, match="not today"):
            await ada.request(bob.node_id, "refuse", {})
        for kind in ("crash", "crash_later"):
            with pytest.raises(PeerError) as failed:
                await ada.request(bob.node_id, kind, {})
            assert "secret" not in str(failed.value)
        assert await ada.ping(bob.node_id) > 0


async def test_an_answer_that_never_comes_is_a_timeout_and_a_lost_link_ends_the_wait():
    async with two_hubs(backoff_s=30.0) as (ada, bob):
        bob.on("silence", lambda message: None)
        with pytest.raises(PeerTimeoutError):
            await ada.request(bob.node_id, "silence", {}, timeout=0.02)
        asking = asyncio.ensure_future(ada.request(bob.node_id, "silence", {}))
        await asyncio.sleep(0)
        ada.network.cut()
        with pytest.raises(LinkClosedError):
            await asking
        with pytest.raises(NotConnectedError):
            ada.send(bob.node_id, "x", {})
        with pytest.raises(NotConnectedError):
            await ada.request(bob.node_id, "x", {})


async def test_nobody_can_answer_for_the_peer_that_was_asked(tmp_path):
    network = LoopbackNetwork()
    ada, bob, eve = (make_hub(network, tmp_path, name) for name in ("ada", "bob", "eve"))
    async with running(ada, bob, eve):
        await pair(ada, bob)
        await pair(ada, eve)

        def betray(message):
            # eve somehow knows the id of ada's question to bob
            eve.send(ada.node_id, "answer", {"by": "eve"}, re=message.msg_id)

        bob.on("ask", betray)
        with pytest.raises(PeerTimeoutError):
            await ada.request(bob.node_id, "ask", {}, timeout=0.1)


async def test_messages_of_a_stream_arrive_in_order_and_small_ones_overtake_large_ones():
    async with two_hubs() as (ada, bob):
        got: list[tuple[str, int]] = []
        for kind in ("bulk", "chat"):
            bob.on(kind, lambda message: got.append((message.type, message.data["n"])))
        ada.send(bob.node_id, "bulk", {"n": 0}, [os.urandom(3_000_000)], stream="bulk")
        ada.send(bob.node_id, "bulk", {"n": 1}, stream="bulk")
        for n in range(20):
            ada.send(bob.node_id, "chat", {"n": n}, stream="chat")
        await until(lambda: len(got) == 22)
        assert [n for kind, n in got if kind == "bulk"] == [0, 1]
        assert [n for kind, n in got if kind == "chat"] == list(range(20))
        assert got.index(("chat", 0)) < got.index(("bulk", 0))


async def test_slow_handlers_of_one_key_stay_in_order_and_do_not_block_others():
    async with two_hubs() as (ada, bob):
        gate = asyncio.Event()
        done: list[int] = []

        async def slow(message):
            if message.data["n"] == 0:
                await gate.wait()
            done.append(message.data["n"])

        bob.on("pane", slow, order=lambda message: message.data["pane"])
        for n in range(3):
            ada.send(bob.node_id, "pane", {"pane": "a", "n": n})
        ada.send(bob.node_id, "pane", {"pane": "b", "n": 10})
        await until(lambda: done == [10])
        assert await ada.ping(bob.node_id) > 0
        gate.set()
        await until(lambda: done == [10, 0, 1, 2])


async def test_a_flood_of_slow_requests_slows_its_own_link_and_holds_no_more_than_allowed(tmp_path):
    network = LoopbackNetwork()
    ada, bob, eve = (make_hub(network, tmp_path, name) for name in ("ada", "bob", "eve"))
    async with running(ada, bob, eve):
        await pair(bob, ada)
        await pair(bob, eve)
        gate = asyncio.Event()
        running_now = most = 0

        async def slow(message):
            nonlocal running_now, most
            running_now += 1
            most = max(most, running_now)
            await gate.wait()
            running_now -= 1

        bob.on("slow", slow)
        for n in range(3000):
            eve.send(bob.node_id, "slow", {"n": n, "text": "x" * 100})
        await until(lambda: running_now >= MAX_RUNNING)
        assert await ada.ping(bob.node_id) > 0
        # what one batch brought is the most that runs beyond the bound
        assert most <= MAX_RUNNING + 60 * 1024 // 200
        gate.set()
        await until(lambda: running_now == 0 and not eve.queued(bob.node_id))


async def test_a_peer_that_stops_reading_costs_a_bounded_queue_and_nobody_else_anything(tmp_path):
    network = LoopbackNetwork()
    limits = Limits(max_queued=200_000)
    ada, bob, eve = (
        make_hub(network, tmp_path, name, limits=limits) for name in ("ada", "bob", "eve")
    )
    async with running(ada, bob, eve):
        await pair(ada, bob)
        await pair(ada, eve)
        for link in network.links:
            if link.address == "loopback:" + eve.transports[0]._own_name and not link.is_dialled:
                link.peer.stop_reading()
        with pytest.raises(OverflowLinkError):
            for _ in range(1000):
                ada.send(eve.node_id, "x", {"text": "x" * 10_000})
                await asyncio.sleep(0)
        assert ada.queued(eve.node_id) <= 2 * 200_000
        assert await ada.ping(bob.node_id) > 0
        drained = asyncio.Event()
        ada.on_drain(eve.node_id, drained.set)
        for link in network.links:
            link.go_on_reading()
        await asyncio.wait_for(drained.wait(), PATIENCE_S)


async def test_a_cut_link_comes_back_by_itself():
    async with two_hubs() as (ada, bob):
        events = []
        ada.subscribe(lambda event: events.append(event.kind))
        for cuts in range(1, 6):
            ada.network.cut()
            await until(lambda cuts=cuts: events.count("link_up") >= cuts)
            await until(lambda: ada.peer(bob.node_id).status == "connected")
            await until(lambda: bob.peer(ada.node_id).status == "connected")
        # every link that came was told, and so was every one that went
        await until(lambda: len(ada.network.links) == 2)
        assert events.count("link_down") == events.count("link_up")
        assert await ada.ping(bob.node_id) > 0


async def test_when_both_dial_at_once_one_link_stays(tmp_path):
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    async with running(ada, bob):
        await pair(ada, bob)
        for _ in range(30):
            await ada.disconnect(bob.node_id)
            await until(lambda: bob.peer(ada.node_id).status == "offline")
            first, second = await asyncio.gather(
                ada.connect(node_id=bob.node_id), bob.connect(node_id=ada.node_id)
            )
            assert first.status == second.status == "connected"
            assert await ada.ping(bob.node_id) > 0
            assert await bob.ping(ada.node_id) > 0
            await until(lambda: len(network.links) == 2)


async def test_disconnect_holds_until_somebody_connects_again():
    async with two_hubs() as (ada, bob):
        await ada.disconnect(bob.node_id)
        await until(lambda: bob.peer(ada.node_id).status == "offline")
        await asyncio.sleep(0.05)  # several pauses of the redialling that must not happen
        assert ada.peer(bob.node_id).status == bob.peer(ada.node_id).status == "offline"
        await bob.connect(node_id=ada.node_id)
        assert ada.peer(bob.node_id).status == "connected"


async def test_a_link_that_answers_no_pings_is_closed_and_replaced():
    async with two_hubs(ping_interval_s=0.05) as (ada, bob):
        first = ada.peer(bob.node_id).since
        for link in ada.network.links:
            link.stop_reading()
        await until(lambda: (ada.peer(bob.node_id).since or first) != first)
        assert await ada.ping(bob.node_id) > 0


class Later(Clock):
    """A wall clock that a test puts forward."""

    offset = 0.0

    def time(self) -> float:
        return super().time() + self.offset


async def test_a_peer_was_last_seen_when_it_last_said_something(tmp_path):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", backoff_s=30.0)
    bob = make_hub(network, tmp_path, "bob", backoff_s=30.0)
    ada._local.clock = clock = Later()
    async with running(ada, bob):
        await pair(ada, bob)
        assert await ada.ping(bob.node_id) > 0
        heard = ada.peer(bob.node_id).last_seen
        clock.offset = 30.0  # in which nothing comes
        assert ada.peer(bob.node_id).last_seen == heard
        network.cut()
        await until(lambda: ada.peer(bob.node_id).status != "connected")
        assert ada.peer(bob.node_id).last_seen == heard


class Unsealed(Clock):
    """Makes offers without a sealing key, as a node of the original system does."""

    def random_bytes(self, count: int) -> bytes:
        return b"" if count == 32 else super().random_bytes(count)


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_peer_that_does_not_seal_is_let_in_only_when_allowed(allowed, tmp_path):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", allow_unsealed_peers=allowed)
    bob = make_hub(network, tmp_path, "bob", allow_unsealed_peers=True)
    bob._local.clock = Unsealed()
    async with running(ada, bob):
        text = ada.invites.mint().text
        if not allowed:
            with pytest.raises(UnsealedRefusedError):
                await bob.pair(text)
            assert ada.peers() == []
            return
        info = await bob.pair(text)
        assert info.sealed is False
        ada.on("echo", lambda message: message.reply("echo", message.data, message.buffers))
        reply = await bob.request(ada.node_id, "echo", {"a": 1.5}, [b"raw", b""])
        assert [bytes(buffer) for buffer in reply.buffers] == [b"raw", b""]


async def test_half_open_handshakes_are_bounded_and_end(tmp_path):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", max_handshakes=4, handshake_timeout_s=0.2)
    bob = make_hub(network, tmp_path, "bob")
    dialler = network.transport("mallory")
    async with running(ada, bob):
        links = [await dialler.dial(ada.addresses()[0], None) for _ in range(20)]
        await until(lambda: all(link.is_closed for link in links))
        assert Counter(link.close_reason for link in links) == {"busy": 19, "timeout": 1}
        assert (await bob.pair(ada.invites.mint().text)).status == "connected"


async def test_rubbish_before_the_handshake_closes_that_link_only(tmp_path):
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    dialler = network.transport("mallory")
    async with running(ada, bob):
        for rubbish in (
            "",
            "{}",
            "[" * 5000,
            "\x00",
            b"\x00" * 100,
            "x" * 16_000,
            '{"type": "hello"}',
        ):
            link = await dialler.dial(ada.addresses()[0], None)
            link.send([rubbish])
            await until(lambda link=link: link.is_closed)
        assert (await bob.pair(ada.invites.mint().text)).status == "connected"
        assert len(ada.peers()) == 1


async def test_closing_a_hub_leaves_no_task_and_no_link():
    before = asyncio.all_tasks()
    async with two_hubs() as (ada, bob):
        network = ada.network
        asking = asyncio.ensure_future(ada.request(bob.node_id, "ping", {}))
        await asking
    await until(lambda: not network.links)
    await until(lambda: not (asyncio.all_tasks() - before))


async def test_metrics_count_what_goes_over_each_link():
    async with two_hubs() as (ada, bob):
        await ada.ping(bob.node_id)
        metrics = ada.metrics()[bob.node_id]
        assert metrics["transport"] == "loopback"
        assert metrics["bytes_out"] > 0 < metrics["bytes_in"]
        assert metrics["rtt_ms"] > 0
        assert metrics["queue"] == 0
        assert set(metrics) == {
            "rtt_ms",
            "bytes_in",
            "bytes_out",
            "messages_in",
            "messages_out",
            "transport",
            "queue",
            "since",
        }


async def test_on_a_quick_link_little_is_under_way_and_a_slow_moment_does_not_change_that():
    async with two_hubs() as (ada, bob):
        bob.on("bulk", lambda message: None)
        await until(lambda: ada.peer(bob.node_id).rtt_ms is not None)
        session = ada._peers.known(bob.node_id).session
        session.measured(0.0005)
        session.measured(0.5)
        assert session.rtt_s == 0.5
        for link in ada.network.links:
            link.max_backlog = 64 * 1024 * 1024
            link.stop_reading()
        before = session.sent_bytes
        ada.send(bob.node_id, "bulk", {}, [os.urandom(8 * 1024 * 1024)])
        await until(lambda: session.sent_bytes - before > 700_000)
        for _ in range(50):
            await asyncio.sleep(0)
        assert session.sent_bytes - before <= 1024 * 1024 + 20_000
        for link in ada.network.links:
            link.go_on_reading()
        await until(lambda: not session.queued)
