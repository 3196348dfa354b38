"""A disk that takes nothing more, or a data directory that became read-only, under a running node."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from jupyter_peer.errors import BusyError, PeerError, StoreError
from jupyter_peer.trust.base import TrustPolicy, Verdict
from tests.machine.waiting import until
from tests.panes.test_guests import minted, opened, who
from tests.peers.hubs import make_hub, running, taking_nothing, two_hubs
from tests.peers.loopback import LoopbackNetwork
from tests.peers.nodes import texts, two_nodes


async def test_links_end_and_come_back_though_nothing_of_it_can_be_stored(caplog):
    async with two_hubs() as (ada, bob):
        told: list[str] = []
        ada.subscribe(lambda event: told.append(event.kind))
        await until(lambda: ada.peer(bob.node_id).addresses == bob.addresses())
        with taking_nothing(ada):
            for _ in range(3):
                since = ada.peer(bob.node_id).since
                ada.network.cut()
                await until(lambda: ada.peer(bob.node_id).status == "connected")
                await until(lambda before=since: ada.peer(bob.node_id).since != before)
                assert await ada.ping(bob.node_id) > 0
            bob.set_node_name("robert")
            await until(lambda: ada.peer(bob.node_id).calls_itself == "robert")
        assert told.count("link_down") == told.count("link_up") == 3
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
        # what changes later is stored as ever
        bob.set_node_name("bobby")
        await until(lambda: ada.store.peer(bob.node_id).node_name == "bobby")


async def test_what_the_user_does_is_refused_with_the_reason_and_changes_nothing():
    async with two_hubs() as (ada, bob):
        with taking_nothing(ada):
            for act in (
                lambda: ada.invites.mint(),
                lambda: ada.set_node_name("new"),
                lambda: ada.set_alias(bob.node_id, "bobby"),
            ):
                with pytest.raises(StoreError, match="readonly"):
                    act()
            with pytest.raises(StoreError):
                await ada.block(bob.node_id)
            with pytest.raises(StoreError):
                await ada.forget(bob.node_id)
            info = ada.peer(bob.node_id)
            assert (info.alias, info.blocked, info.status) == (None, False, "connected")
            assert ada.invites.all()[0].status == "used"
            assert ada.node_name == "ada"
        assert (await ada.block(bob.node_id)).status == "blocked"


async def test_an_invite_is_not_used_up_and_works_later(tmp_path: Path):
    network = LoopbackNetwork()
    ada, eve = (make_hub(network, tmp_path, name) for name in ("ada", "eve"))
    async with running(ada, eve):
        invite = ada.invites.mint().text
        with taking_nothing(ada), pytest.raises(BusyError) as caught:
            await eve.pair(invite)
        assert str(tmp_path) not in str(caught.value)
        assert ada.peers() == eve.peers() == []
        assert (await eve.pair(invite)).status == "connected"


class Anybody(TrustPolicy):
    name = "open-lan"

    def verdict(self, applicant: object, now: float) -> Verdict:
        return Verdict.accept("open-lan", remember=False)


async def test_others_hear_nothing_of_this_nodes_files(tmp_path: Path):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", policy=Anybody())
    eve = make_hub(network, tmp_path, "eve", policy=Anybody())
    async with running(ada, eve):
        ada.on("store_something", lambda message: ada.store.set_setting("x", "y"))
        with taking_nothing(ada), pytest.raises(BusyError) as refused:
            await eve.connect(address=ada.addresses()[0])
        await eve.connect(address=ada.addresses()[0])
        with taking_nothing(ada), pytest.raises(PeerError) as failed:
            await eve.request(ada.node_id, "store_something", {})
        for caught in (refused, failed):
            assert caught.value.code == "busy"
            assert str(tmp_path) not in f"{caught.value} {caught.value.hint}"


async def test_a_guest_is_dropped_though_that_cannot_be_written_down(caplog):
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        link = minted(ada)
        guest = await opened(ada, link)
        with taking_nothing(ada.hub):
            await ada.hub.guests.drop(link.id, guest.id)
        assert (await guest.got("bye")).data == {"reason": "dropped"}
        await until(lambda: who(ada) == [[]])
    assert "the audit log misses an entry guest_dropped" in caplog.text


async def test_a_pane_that_cannot_be_unshared_is_still_shared_and_can_be_later():
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        with taking_nothing(ada.hub), pytest.raises(StoreError):
            ada.publisher.unshare("loss")
        ada.kernel.write("1\n")
        await until(lambda: texts(watch) == ["1\n"])
        ada.publisher.unshare("loss")
        await until(lambda: watch.info["status"] == "withdrawn")
