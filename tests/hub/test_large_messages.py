"""A large message is read beside the event loop: its own link waits, and nobody else does."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.wire.link import channel
from jupyter_peer.wire.link.json_bounds import HEAVY
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackNetwork

LARGE = {"numbers": [0.5] * (HEAVY // 3)}


class SlowReader:
    """Holds whoever reads a large envelope until it is released."""

    def __init__(self) -> None:
        self.held = threading.Event()
        self.go_on = threading.Event()

    @contextlib.contextmanager
    def __call__(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowReader]:
        read = channel.from_canonical

        def slowly(canonical: bytes, *args: object, **kwargs: object) -> object:
            if len(canonical) > HEAVY:
                self.held.set()
                assert self.go_on.wait(30)
            return read(canonical, *args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(channel, "from_canonical", slowly)
        try:
            yield self
        finally:
            self.go_on.set()


@contextlib.asynccontextmanager
async def three_hubs(path: Path):
    network = LoopbackNetwork()
    hubs = [make_hub(network, path, name) for name in ("ada", "bob", "cy")]
    async with running(*hubs):
        for other in hubs[1:]:
            await pair(hubs[0], other)
        yield hubs


def kept(hub: PeerHub) -> list[object]:
    got: list[object] = []
    hub.on("data", lambda message: got.append(message.data))
    return got


async def test_while_it_is_read_others_are_answered_and_what_follows_comes_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with three_hubs(tmp_path) as (ada, bob, cy):
        got = kept(ada)
        with SlowReader()(monkeypatch) as reader:
            bob.send(ada.node_id, "data", LARGE, stream="s")
            bob.send(ada.node_id, "data", {"small": 1}, stream="s")
            await until(reader.held.is_set)
            assert await cy.ping(ada.node_id) > 0
            assert got == []
        await until(lambda: len(got) == 2)
        assert got == [LARGE, {"small": 1}]


async def test_nothing_comes_of_it_when_its_sender_is_blocked_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with three_hubs(tmp_path) as (ada, bob, cy):
        got = kept(ada)
        with SlowReader()(monkeypatch) as reader:
            bob.send(ada.node_id, "data", LARGE)
            await until(reader.held.is_set)
            await ada.block(bob.node_id)
        assert await cy.ping(ada.node_id) > 0
        await until(lambda: ada.peer(bob.node_id).status != "connected")
        assert got == []


async def test_one_that_breaks_the_protocol_ends_its_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with three_hubs(tmp_path) as (ada, bob, _):
        got = kept(ada)
        since = ada.peer(bob.node_id).since
        monkeypatch.setattr("jupyter_peer.wire.link.json_bounds.MAX_VALUES", 1000)
        monkeypatch.setattr("jupyter_peer.wire.link.envelope.check_depth", lambda text: None)
        bob.send(ada.node_id, "data", LARGE)
        monkeypatch.undo()
        monkeypatch.setattr("jupyter_peer.wire.link.json_bounds.MAX_VALUES", 1000)
        await until(lambda: "closing the link: the payload has too many values" in caplog.text)
        monkeypatch.undo()
        await until(lambda: ada.peer(bob.node_id).since not in (None, since))
        assert got == []
