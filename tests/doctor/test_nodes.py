"""The doctor of hubs that are connected, cut off, blocked and set wrong."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer
from tornado.httputil import format_timestamp
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from jupyter_peer.doctor.checks.clock import check_clock
from jupyter_peer.doctor.checks.reach import check_addresses
from jupyter_peer.doctor.doctor import Doctor
from jupyter_peer.doctor.facts import ServerFacts
from jupyter_peer.doctor.peer import examine_peer
from jupyter_peer.errors import BadSignatureError, OwnNodeError, UnknownPeerError, WrongNodeError
from jupyter_peer.findings import ok
from jupyter_peer.phrase import phrase
from jupyter_peer.transports.direct.direct import DirectTransport
from jupyter_peer.wire.link.handshake import Acceptor
from jupyter_peer.wire.link.identity import Identity
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running, two_hubs
from tests.wire.makers import EVE, an_offer


def facts(**changes) -> ServerFacts:
    return ServerFacts(**{"ip": "127.0.0.1", "port": 8888, "data_dir": Path("/x"), **changes})


@contextlib.asynccontextmanager
async def a_direct_hub(name: str = "ada", **config):
    """A hub that listens on a port of loopback, and its address."""
    direct = DirectTransport()
    [(host, port)] = direct.listen("127.0.0.1", 0)
    address = f"ws://{host}:{port}/peer-ws"
    with tempfile.TemporaryDirectory() as folder:
        hub = make_hub(
            None,
            Path(folder),
            name,
            transports=[direct],
            **{"advertised_addresses": (address,), **config},
        )
        async with running(hub):
            yield hub, address


# Its own addresses


async def test_a_node_proves_that_it_answers_at_its_own_address():
    async with a_direct_hub() as (hub, address):
        [finding, warning] = await check_addresses(hub, facts())
        assert (finding.status, finding.subject) == ("ok", address)
        assert "this machine alone" in finding.text
        assert "No address reaches this node" in warning.text
        [again] = await check_addresses(hub, facts(ways=("relay",)))
        assert again.status == "ok"
        assert hub.peers() == []


async def test_another_node_at_an_own_address_is_found_out():
    async with contextlib.AsyncExitStack() as stack:
        _, elsewhere = await stack.enter_async_context(a_direct_hub("bob"))
        config = {"advertised_addresses": (elsewhere,)}
        hub, _ = await stack.enter_async_context(a_direct_hub(**config))
        finding, *_ = await check_addresses(hub, facts())
        assert finding.status == "failed"
        assert finding.data == {"code": "wrong_node"}
        with pytest.raises(WrongNodeError):
            await hub.probe(elsewhere)


async def test_whoever_has_not_its_key_cannot_pose_as_the_node():
    eve = DirectTransport()

    async def pose(link):
        await link.recv()
        link.send([Acceptor(an_offer(EVE)).refuse(OwnNodeError())])

    [(host, port)] = eve.listen("127.0.0.1", 0)
    await eve.start(pose)
    try:
        async with a_direct_hub() as (hub, _):
            with pytest.raises(BadSignatureError):
                await hub.probe(f"ws://{host}:{port}/peer-ws")
    finally:
        await eve.close()


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("ws://127.0.0.1:9/peer-ws", "failed", "refused"),
        ("ws://nobody.invalid/peer-ws", "failed", "name is not known"),
        ("ws://127.0.0.1:{port}/ada/peer-ws", "failed", "no peer wire at this path"),
    ],
)
async def test_an_address_that_leads_nowhere_is_told(address, status, words):
    async with a_direct_hub() as (_, own):
        port = own.split(":")[2].partition("/")[0]
        wrong = address.format(port=port)
        async with a_direct_hub(advertised_addresses=(wrong,)) as (hub, _):
            finding, *_ = await check_addresses(hub, facts())
            assert (finding.status, finding.subject) == (status, wrong)
            assert words in finding.text
            assert finding.hint


async def test_direct_links_that_are_off_are_not_tried():
    async with a_direct_hub() as (hub, _):
        [finding] = await check_addresses(hub, facts(enable_direct=False))
        assert finding.status == "skipped"


# A peer


def by_check(findings):
    return {finding.check: finding for finding in findings}


async def test_the_paths_to_a_connected_peer_are_tried_without_touching_its_link():
    async with two_hubs() as (ada, bob):
        await until(lambda: ada.peer(bob.node_id).addresses)
        before = ada.peer(bob.node_id).since
        events = []
        ada.subscribe(events.append)
        steps = []
        found = by_check(await examine_peer(ada, bob.node_id, steps.append))
        assert [(step["step"], step["ok"]) for step in steps] == [("dial", None), ("dial", True)]
        assert found["link"].status == found["path"].status == "ok"
        assert found["link"].data["rtt_ms"] > 0
        assert "proves its key" in found["path"].text
        assert "last-attempt" not in found
        assert ada.peer(bob.node_id).since == before
        assert {event.kind for event in events} <= {"peer"}


async def test_each_path_to_a_peer_that_is_away_is_told_with_its_reason():
    async with a_direct_hub("bob") as (bob, address), a_direct_hub() as (ada, own):
        await ada.pair(bob.invites.mint().text)
        await bob.close()
        await until(lambda: ada.peer(bob.node_id).status != "connected")
        ada.store.update_peer(bob.node_id, addresses=[address, own, "relay:wss://r.example"])
        ada._peers.put(ada.store.peer(bob.node_id))
        findings = await examine_peer(ada, bob.node_id)
        paths = {f.subject: f for f in findings if f.check == "path"}
        assert paths[address].data["code"] == "unreachable"
        assert paths[own].data["code"] == "bad_signature"
        assert "does not have the key of bob" in paths[own].text
        assert paths["relay:wss://r.example"].status == "skipped"
        assert by_check(findings)["link"].status == "failed"
        await until(lambda: ada.peer(bob.node_id).last_error)
        assert "last-attempt" in by_check(await examine_peer(ada, bob.node_id))


async def test_a_peer_whose_identity_changed_is_found_out(tmp_path):
    async with two_hubs() as (ada, bob):
        await until(lambda: ada.peer(bob.node_id).addresses)
        with pytest.raises(WrongNodeError):
            await ada._connector.probe(
                bob.addresses()[0],
                ada._peers.known(bob.node_id)
                .target()
                .__class__(addresses=(), node_id=Identity.from_seed(b"x" * 32).node_id),
            )


async def test_a_blocked_peer_is_not_dialled():
    async with two_hubs() as (ada, bob):
        await until(lambda: ada.peer(bob.node_id).addresses)
        await ada.block(bob.node_id)
        found = by_check(await examine_peer(ada, bob.node_id))
        assert found["trust"].status == "failed"
        assert found["path"].status == "skipped"


async def test_nobody_of_this_id_is_an_error():
    async with two_hubs() as (ada, _):
        with pytest.raises(UnknownPeerError):
            await examine_peer(ada, "a" * 16)
        with pytest.raises(UnknownPeerError):
            await ada.probe("ws://127.0.0.1:9/peer-ws", "a" * 16)


# The clock


async def test_clocks_that_agree():
    async with two_hubs() as (ada, _):
        [finding] = await check_clock(ada)
        assert finding.status == "ok"
        assert abs(finding.data["skew_s"]) < 5


@pytest.mark.parametrize(
    ("off", "word"), [(3600.0, "behind"), (-3600.0, "ahead"), (1e300, "behind")]
)
async def test_clocks_that_do_not_agree(off, word):
    async with two_hubs() as (ada, bob):
        bob._messenger._clock = type(
            "Off", (type(bob._messenger._clock),), {"time": lambda self: time.time() + off}
        )()
        [finding] = await check_clock(ada)
        assert finding.status == "warning"
        assert word in finding.text
        assert len(finding.text) < 300
        found = by_check(await examine_peer(ada, bob.node_id))
        assert found["clock"].status == "warning"


async def test_without_peers_there_is_nothing_to_compare_with():
    async with two_hubs() as (ada, bob):
        await ada.disconnect(bob.node_id)
        [finding] = await check_clock(ada)
        assert finding.status == "skipped"


class _Health(RequestHandler):
    def get(self, off):
        if off == "none":
            self.clear_header("Date")
        elif off == "rubbish":
            self.set_header("Date", "Thu, 99 Foo 99999 25:61:61 GMT")
        else:
            self.set_header("Date", format_timestamp(time.time() + float(off)))


@pytest.mark.parametrize(
    ("off", "status"),
    [("0", "ok"), ("3600", "warning"), ("none", "skipped"), ("rubbish", "skipped")],
)
async def test_the_relays_answer_says_its_time(off, status):
    sock, port = bind_unused_port()
    server = HTTPServer(Application([(r"/(.+)/health", _Health)]))
    server.add_sockets([sock])
    try:
        async with two_hubs() as (ada, bob):
            await ada.disconnect(bob.node_id)
            [finding] = await check_clock(ada, [f"http://127.0.0.1:{port}/{off}"])
            assert finding.status == status
            assert ("relay" in finding.text) or status == "skipped"
            [nobody] = await check_clock(ada, ["http://127.0.0.1:9", "http://nobody.invalid"])
            assert nobody.status == "skipped"
    finally:
        server.stop()
        await server.close_all_connections()


# The whole


async def test_the_doctor_looks_at_everything_and_changes_nothing(tmp_path):
    async def more():
        return [ok("lobby", phrase("It is."))]

    async with two_hubs() as (ada, bob):
        transport = ada.transports[0]

        async def diagnose():
            return [ok("relay", phrase("It works."))]

        transport.diagnose = diagnose
        doctor = Doctor(
            ada,
            lambda: facts(data_dir=tmp_path, ways=("relay", "lobby"), wanted=("webrtc",)),
            more=lambda: {"lobby": more},
            labextensions=[tmp_path],
        )
        findings = await doctor.examine()
        found = by_check(findings)
        assert {
            *("versions", "sidebar", "data-dir", "disk", "store", "trust", "jupyter"),
            *("peer-listen", "host-check", "base-url", "proxy", "address", "relay", "lobby"),
            *("lan", "webrtc", "nat", "clock", "peers"),
        } == set(found)
        assert found["relay"].text == "It works."
        assert found["webrtc"].status == "warning"
        assert "lobby_url" in found["webrtc"].hint
        assert found["lan"].status == "skipped"
        assert found["peers"].text.startswith("Connected: 1, connecting: 0,")
        assert ada.peer(bob.node_id).status == "connected"
        ada.found("lan", "b" * 16, "bea", ["lan:ws://10.0.0.2/peer-ws"])
        assert by_check(await doctor.examine())["found"].text == "Nodes found by lan: 1."
        assert by_check(await doctor.examine(bob.node_id)).keys() == {
            *("trust", "link", "speed", "path")
        }


async def test_peers_that_cannot_be_reached_are_pointed_at(tmp_path):
    async with two_hubs() as (ada, bob):
        doctor = Doctor(ada, lambda: facts(data_dir=tmp_path))
        await bob.close()
        await until(lambda: ada.peer(bob.node_id).last_error, 10)
        [peers] = [f for f in await doctor.examine() if f.check == "peers"]
        assert peers.status == "warning"
        assert bob.node_id in peers.hint


async def test_a_probe_of_itself_leaves_no_peer_and_no_link(tmp_path):
    async with a_direct_hub() as (hub, address):
        await hub.probe(address)
        assert hub.peers() == []
        with pytest.raises(OwnNodeError):
            await hub.connect(address=address)


async def test_pairing_goes_on_while_the_doctor_looks(tmp_path):
    async with a_direct_hub("bob") as (bob, _), a_direct_hub() as (ada, _):
        await pair(bob, ada)
        await until(lambda: bob.peer(ada.node_id).status == "connected")
        assert by_check(await examine_peer(bob, ada.node_id))["link"].status == "ok"
