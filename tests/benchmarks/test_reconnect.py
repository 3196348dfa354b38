"""What U5 cuts is what carries a link, and real servers come back by the same transport."""

from __future__ import annotations

import asyncio
import io
import logging
import os

import pytest

from benchmarks import reconnect
from benchmarks.catalogue import choose
from benchmarks.fault_injection import cut
from benchmarks.reconnect import BESIDE, WAYS, Way
from benchmarks.report import Progress
from benchmarks.run import run
from jupyter_peer.errors import NotConnectedError, NotEnabledError
from jupyter_peer.relay.program import Options, serving
from jupyter_peer.transports.base import PeerLink
from jupyter_peer.transports.direct.direct import DirectTransport
from jupyter_peer.transports.lan.interfaces import Interfaces
from jupyter_peer.transports.relay.relay import RelayTransport
from jupyter_peer.wire.link.identity import Identity
from tests.machine.needs import needs_module
from tests.machine.waiting import PATIENCE_S, until
from tests.transports.lan.lan_nodes import LanNode
from tests.transports.webrtc.webrtc_nodes import (
    ADDRESS,
    ENGINES,
    MemoryLobby,
    WebRtcNode,
    on_loopback,
)


@pytest.fixture
def parties():
    """Transports that take every link, and the links they took."""
    taken = []

    async def accept(link):
        link.attach(lambda frame: None, lambda reason: None)
        taken.append(link)

    return accept, taken


async def _cut_and_see(dialler, address, node_id, taken):
    link = await dialler.dial(address, node_id)
    link.attach(lambda frame: None, lambda reason: None)
    (there,) = await until(lambda: taken)
    await cut(link)
    await until(lambda: link.is_closed and there.is_closed, 10)
    # Neither side was told a reason.
    assert (link.close_reason, there.close_reason) == ("lost", "lost")
    return link


async def test_a_direct_link_and_one_in_the_local_network_are_cut_below_their_websocket(parties):
    accept, taken = parties
    there, here = DirectTransport(), LanNode()
    port = there.listen("127.0.0.1", 0)[0][1]
    await there.start(accept)
    await here.start(accept)
    try:
        for address in (f"ws://127.0.0.1:{port}/peer-ws", f"lan:ws://127.0.0.1:{port}/peer-ws"):
            dialler = here if address.startswith("lan") else here.direct
            link = await _cut_and_see(dialler, address, None, taken)
            assert link.transport == address.partition(":")[0].replace("ws", "direct")
            taken.clear()
        with pytest.raises(NotConnectedError):
            await cut(link)
    finally:
        await here.close()
        await there.close()


async def test_a_link_over_a_relay_is_cut_by_losing_the_relay(parties):
    accept, taken = parties
    async with serving(Options(port=0)) as (url, *_):
        nodes = [Identity.from_seed(os.urandom(32)) for _ in range(2)]
        here, there = (RelayTransport(node, url) for node in nodes)
        await here.start(accept)
        await there.start(accept)
        try:
            await until(lambda: there.is_registered)
            link = await here.dial(f"relay:{url}", nodes[1].node_id)
            link.attach(lambda frame: None, lambda reason: None)
            (other,) = await until(lambda: taken)
            await cut(link)
            await until(lambda: link.is_closed and other.is_closed, 10)
            assert link.close_reason == "lost"
        finally:
            await here.close()
            await there.close()


@pytest.mark.parametrize("engine", ["python", "native"])
async def test_a_link_by_webrtc_is_cut_by_aborting_its_association(parties, caplog, engine):
    accept, taken = parties
    lobby = MemoryLobby()
    for module in ENGINES[engine].needs:
        needs_module(module, "webrtc-fast")
    here, there = (WebRtcNode(lobby, engine=ENGINES[engine]) for _ in range(2))
    await here.start(accept)
    await there.start(accept)
    try:
        with on_loopback(), caplog.at_level(logging.DEBUG, "aiortc.rtcsctptransport"):
            await _cut_and_see(here, ADDRESS, there.node_id, taken)
        if engine == "python":
            assert "Association was aborted by remote party" in caplog.text
        assert "StreamReset" not in caplog.text
    finally:
        await here.close()
        await there.close()


async def test_what_nobody_knows_how_to_cut_is_said_so():
    class Odd(PeerLink):
        send = is_backed_up = on_writable = _shut = None

    with pytest.raises(TypeError, match="Odd"):
        await cut(Odd("nowhere", is_dialled=True))


def test_without_its_packages_or_a_network_webrtc_is_not_measured(monkeypatch):
    webrtc = next(way for way in WAYS if way.name == "webrtc")
    alone = Interfaces(((1, "127.0.0.1", 8), (1, "::1", 128), (2, "fe80::1", 64)))
    monkeypatch.setattr(Interfaces, "now", lambda: alone)
    with pytest.raises(NotEnabledError, match="network interface"):
        webrtc.check()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotEnabledError, match="the extra webrtc is not installed"):
        webrtc.check()
    for way in WAYS:
        if way is not webrtc:
            way.check()


@pytest.mark.timeout(240)
async def test_servers_come_back_by_what_was_cut_and_a_row_says_what_cannot_be_measured(
    monkeypatch,
):
    # The other two are one setting each, and their cuts are above; servers take long to start.
    ways = [way for way in WAYS if way.name in ("lan", "webrtc")]
    monkeypatch.setattr(reconnect, "WAYS", (*ways, Away("pigeon")))
    outcome = await run(choose("U5"), quick=True, progress=Progress(1, io.StringIO()))
    assert outcome.failures == {}
    title = "U5 cut link to first fresh update"
    rows = {each.name.removeprefix(f"{title}, "): each for each in outcome.figures}
    assert list(rows) == ["lan", "webrtc", "pigeon"]
    for way in ways:
        row = rows[way.name]
        assert row.ours is not None, row.baseline_name
        assert (row.unit, row.baseline_name, row.goal) == ("ms", BESIDE, "1x")
        assert row.baseline > 250
    assert (rows["pigeon"].ours, rows["pigeon"].baseline_name) == (None, "it has flown")


class Away(Way, frozen=True):
    """A transport that is not there."""

    def check(self):
        raise NotEnabledError("it has flown")


async def test_a_link_by_another_transport_is_not_waited_for_for_ever(monkeypatch):
    class Lab:
        async def get(self, path):
            return {"peers": [{"transport": "relay"}]}

    class Person:
        lab = Lab()

    monkeypatch.setattr(reconnect, "PATIENCE_S", 0.1)
    both = reconnect.Jupyters(Person(), Person())
    with pytest.raises(reconnect.PeerTimeoutError, match="no link by lan"):
        await asyncio.wait_for(reconnect._until_by(both, "lan"), PATIENCE_S)
