"""The measured speed of the connection to a peer, and the bounds of the node that answers."""

from __future__ import annotations

import pytest

from jupyter_peer.doctor.peer import examine_peer
from jupyter_peer.doctor.speed import (
    CHUNK,
    CHUNKS,
    MEASURE,
    Responder,
    Speed,
    check_speed,
    expectation,
    measure,
    rate_text,
)
from jupyter_peer.errors import BusyError, MalformedError, NotConnectedError
from tests.peers.hubs import two_hubs


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


async def test_the_same_volume_goes_there_and_back_and_gives_a_speed():
    async with two_hubs() as (ada, bob):
        Responder(bob)
        speed = await measure(ada, bob.node_id)
        assert speed.volume == CHUNKS * CHUNK
        assert speed.rtt_s > 0
        assert speed.bytes_s > 0


async def test_a_slow_path_carries_one_chunk_and_no_more():
    async with two_hubs() as (ada, bob):
        time = Time()
        asked = []

        def slow(message):
            asked.append(len(message.buffers[0]))
            time.s += 4.0
            message.reply("measured", {}, message.buffers)

        bob.on(MEASURE, slow)
        speed = await measure(ada, bob.node_id, time)
        assert asked == [CHUNK]
        assert speed.bytes_s == pytest.approx(CHUNK / 4.0, rel=0.1)


async def test_the_allowance_of_a_peer_ends_and_comes_back_with_time():
    async with two_hubs() as (ada, bob):
        time = Time()
        Responder(bob, time)
        for _ in range(2 * CHUNKS):
            await ada.request(bob.node_id, MEASURE, {}, (b"x",))
        with pytest.raises(BusyError):
            await ada.request(bob.node_id, MEASURE, {}, (b"x",))
        finding = await check_speed(ada, bob.node_id)
        assert (finding.status, finding.hint) == ("skipped", "retry in 10 seconds")
        time.s += 0.5
        await ada.request(bob.node_id, MEASURE, {}, (b"x",))


@pytest.mark.parametrize("buffers", [(), (b"x", b"y"), (b"x" * (CHUNK + 1),)])
async def test_what_is_no_measurement_is_refused(buffers):
    async with two_hubs() as (ada, bob):
        Responder(bob)
        with pytest.raises(MalformedError):
            await ada.request(bob.node_id, MEASURE, {}, buffers)


async def test_a_peer_that_returns_something_else_is_no_measurement():
    async with two_hubs() as (ada, bob):
        bob.on(MEASURE, lambda message: message.reply("measured", {}, (b"x" * 1_000_000,)))
        finding = await check_speed(ada, bob.node_id)
        assert (finding.status, finding.data) == ("failed", {"code": "malformed"})


async def test_an_older_peer_is_told_apart_from_a_slow_one():
    async with two_hubs() as (ada, bob):
        finding = await check_speed(ada, bob.node_id)
        assert finding.status == "skipped"
        assert finding.hint == "ask bob to update jupyter-peer"


async def test_a_peer_that_is_gone_meanwhile_is_a_failure():
    async with two_hubs() as (ada, bob):
        await ada.disconnect(bob.node_id)
        with pytest.raises(NotConnectedError):
            await measure(ada, bob.node_id)
        assert (await check_speed(ada, bob.node_id)).status == "failed"


async def test_the_doctor_says_what_to_expect_of_the_connection_and_of_each_path():
    async with two_hubs() as (ada, bob):
        Responder(bob)
        findings = {finding.check: finding for finding in await examine_peer(ada, bob.node_id)}
        speed = findings["speed"]
        assert "measured with 1 MiB each way" in speed.text
        assert "A plot of 100 KB arrives in about " in speed.text
        assert set(speed.data) == {"rtt_ms", "bytes_s", "volume"}
        assert findings["path"].data["rtt_ms"] > 0


@pytest.mark.parametrize(
    ("rtt_s", "bytes_s", "words"),
    [
        (0.001, 100e6, "about 2 ms: live plots and sliders feel immediate"),
        (0.2, 1e6, "about 200 ms: live plots are fluent, sliders lag a little"),
        (0.3, 100e3, "about 1.1 s: live plots lag, sliders feel slow"),
        (0.6, 10e3, "about 10 s: share small outputs, and update them seldom"),
    ],
)
def test_the_expectation_follows_the_speed(rtt_s, bytes_s, words):
    assert words in str(expectation(Speed(rtt_s, bytes_s, 1)))


@pytest.mark.parametrize(
    ("bytes_s", "words"),
    [
        (200 * 2**20, "200 MiB/s"),
        (3.25 * 2**20, "3.2 MiB/s"),
        (500 * 2**10, "500 KiB/s"),
        (12.4 * 2**10, "12 KiB/s"),
    ],
)
def test_a_rate_has_two_digits(bytes_s, words):
    assert rate_text(bytes_s) == words
