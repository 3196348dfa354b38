from __future__ import annotations

import asyncio

import pytest

from jupyter_peer.errors import (
    BadNameError,
    BadRequestError,
    BlockedError,
    BusyError,
    KernelGoneError,
    LinkError,
    NotConnectedError,
    NotGrantedError,
    PaneEndedError,
    PaneExistsError,
    UnknownPaneError,
    UnknownPeerError,
)
from jupyter_peer.panes.kernel.channels.taps import KernelTaps
from jupyter_peer.panes.kernel.source import PaneSource
from jupyter_peer.panes.owner import requests
from jupyter_peer.panes.owner.publish import PaneInfo, SharePane
from jupyter_peer.panes.state import PaneCursor
from tests.machine.waiting import until
from tests.panes.real_kernels import kernel
from tests.peers.nodes import Node, texts, two_nodes


async def test_a_shared_cell_reaches_a_viewer_live() -> None:
    async with two_nodes() as (ada, bob):
        info = await ada.share(to=bob, title="Loss")
        assert (info.name, info.title, info.grants) == ("loss", "Loss", {bob.id: "view"})
        await until(bob.watcher.offered)
        ada.kernel.write("1\n")
        watch = await bob.watcher.open(ada.id, "loss")
        assert texts(watch) == ["1\n"]
        ada.kernel.write("2\n")
        await until(lambda: texts(watch) == ["1\n2\n"])
        assert watch.info["status"] == "live"
        assert watch.info["title"] == "Loss"
        assert watch.info["owner"]["node_id"] == ada.id
        assert watch.info["path"] == "loopback"
        (mine,) = ada.publisher.mine()
        assert mine["viewers"] == [{"node_id": bob.id, "node_name": "bob", "grant": "view"}]
        await watch.close()
        await until(lambda: not ada.publisher.mine()[0]["viewers"])


async def test_an_offer_has_the_shape_of_the_rest_api() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        (offer,) = await until(bob.watcher.offered)
        assert {key: offer[key] for key in ("name", "title", "grant", "peer")} == {
            "name": "loss",
            "title": "loss",
            "grant": "view",
            "peer": {"node_id": ada.id, "node_name": "ada", "alias": None},
        }
        assert ada.watcher.offered() == []


async def test_a_pane_that_is_not_granted_is_neither_offered_nor_opened() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share()
        await ada.share("other", to=bob)
        await until(bob.watcher.offered)
        assert [offer["name"] for offer in bob.watcher.offered()] == ["other"]
        answers = []
        for name in ("loss", "nope"):
            with pytest.raises(NotGrantedError) as refused:
                await bob.watcher.open(ada.id, name)
            answers.append((refused.value.message.replace(name, "*"), refused.value.hint))
        # Which of the two exists is not for Bob to know.
        assert answers[0] == (
            "ada has not shared the pane '*' with you",
            "ask ada to share 'loss' with you",
        )
        assert answers[1][0] == answers[0][0]
        with pytest.raises(UnknownPeerError):
            await bob.watcher.open("a" * 16, "loss")
        with pytest.raises(BadNameError):
            await bob.watcher.open(ada.id, "../loss")
        assert not ada.publisher.mine()[0]["viewers"]


async def test_a_revoked_viewer_gets_no_later_update() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.write("seen")
        await until(lambda: texts(watch) == ["seen"])
        ada.publisher.grant("loss", bob.id, None)
        ada.kernel.write("secret")
        await until(lambda: watch.info["status"] == "withdrawn")
        await bob.hub.ping(ada.id)
        assert texts(watch) == ["seen"]
        assert bob.watcher.offered() == []
        assert not ada.publisher.mine()[0]["grants"]
        with pytest.raises(NotGrantedError):
            await bob.watcher.open(ada.id, "loss")
        assert not ada.hub.store.panes()[0].grants


async def test_a_new_grant_brings_an_open_view_back_to_life() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.publisher.grant("loss", bob.id, "none")
        await until(lambda: watch.info["status"] == "withdrawn")
        ada.kernel.write("meanwhile")
        ada.publisher.grant("loss", bob.id, "view")
        await until(lambda: texts(watch) == ["meanwhile"])
        assert watch.info["status"] == "live"


async def test_names_of_panes_cannot_be_tried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "TRIES_A_SECOND", 0.0)
    async with two_nodes() as (ada, bob):
        await ada.share()
        await ada.share("other", to=bob)
        for number in range(requests.TRIES):
            with pytest.raises(NotGrantedError):
                await bob.hub.request(ada.id, "pane_open", {"pane": f"try-{number}"})
        for name in ("loss", "nope"):
            for kind in ("pane_open", "pane_buffers", "pane_input"):
                with pytest.raises(BusyError):
                    await bob.hub.request(ada.id, kind, {"pane": name, "hashes": []})
        # What is shared with Bob he opens as ever.
        assert (await bob.watcher.open(ada.id, "other")).info["status"] == "live"


async def test_unsharing_withdraws_from_everybody_and_forgets_the_grants() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.publisher.unshare("loss")
        await until(lambda: watch.info["status"] == "withdrawn")
        assert ada.publisher.mine() == []
        assert ada.hub.store.panes() == []
        assert ada.kernel.listeners == []
        with pytest.raises(UnknownPaneError):
            ada.publisher.unshare("loss")
        with pytest.raises(UnknownPaneError):
            ada.publisher.grant("loss", bob.id, "view")


async def test_sharing_again_replaces_the_content_and_viewers_stay() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.write("old")
        await until(lambda: texts(watch) == ["old"])
        epoch = watch.state.epoch
        info = await ada.share(cell="cell 2", title="again")
        assert info.grants == {bob.id: "view"}
        ada.kernel.write("stale", parent="cell")
        ada.kernel.write("new", parent="cell 2")
        await until(lambda: texts(watch) == ["new"])
        assert watch.state.epoch != epoch
        assert watch.info["status"] == "live"
        await until(lambda: watch.info["title"] == "again")
        assert sum(isinstance(each, PaneSource) for each in ada.kernel.listeners) == 1


async def test_another_kernel_cannot_take_the_name_of_a_live_pane() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        with pytest.raises(PaneExistsError):
            await ada.share(kernel="k2")
        ada.kernel.end()
        await ada.share(kernel="k2")
        assert ada.publisher.mine()[0]["kernel_id"] == "k2"
        assert ada.publisher.mine()[0]["grants"] == {bob.id: "view"}


async def test_a_pane_ends_with_its_kernel_and_keeps_what_it_showed() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.write("last words")
        ada.kernel.end()
        await until(lambda: watch.info["status"] == "ended" and texts(watch) == ["last words"])
        await until(lambda: not bob.watcher.offered())
        assert ada.publisher.mine()[0]["status"] == "ended"
        await ada.share(cell="again")
        ada.kernel.write("alive", parent="again")
        await until(lambda: texts(watch) == ["alive"])
        assert watch.info["status"] == "live"


async def test_a_kernel_that_is_shut_down_ends_its_panes() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.publisher.kernel_ended("k1")
        await until(lambda: watch.info["status"] == "ended")


async def test_an_ended_pane_can_still_be_opened() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        ada.kernel.write("done")
        ada.kernel.end()
        watch = await bob.watcher.open(ada.id, "loss")
        assert texts(watch) == ["done"]
        assert watch.info["status"] == "ended"


async def test_there_are_no_grants_but_view_and_interact() -> None:
    async with two_nodes() as (ada, bob):
        with pytest.raises(BadRequestError):
            await ada.publisher.share(
                SharePane("loss", "", "k1", {"cell": "c"}), with_=[bob.id], grant="run"
            )
        assert ada.publisher.mine() == []
        await ada.share()
        with pytest.raises(BadRequestError):
            ada.publisher.grant("loss", bob.id, "everything")
        assert ada.publisher.mine()[0]["grants"] == {}
        assert bob.watcher.offered() == []


async def test_input_from_a_viewer_is_refused() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        await bob.watcher.open(ada.id, "loss")
        with pytest.raises(NotGrantedError):
            await bob.hub.request(ada.id, "pane_input", {"pane": "loss", "messages": []})


@pytest.mark.parametrize(
    "name", ["", "a" * 65, ".hidden", "-x", "a/b", "a b", "é", "a\n", "..", "a\x00"]
)
async def test_bad_names_are_refused(name: str) -> None:
    async with two_nodes() as (ada, _):
        with pytest.raises(BadNameError):
            await ada.share(name)


async def test_what_cannot_be_shared_leaves_nothing_behind() -> None:
    async with two_nodes(max_panes=2) as (ada, bob):
        with pytest.raises(UnknownPeerError):
            await ada.publisher.share(SharePane("x", "", "k1", {"cell": "c"}), with_=["a" * 16])
        with pytest.raises(KernelGoneError):
            await ada.share("x", to=bob, kernel="gone")
        for source in ({}, {"cell": "a", "display": "b"}, {"file": "x"}, {"cell": ""}):
            with pytest.raises(BadRequestError):
                await ada.publisher.share(SharePane("x", "", "k1", source))
        ada.kernel.error = KernelGoneError()
        with pytest.raises(KernelGoneError):
            await ada.share("x", to=bob)
        ada.kernel.error = None
        assert ada.publisher.mine() == []
        assert ada.hub.store.panes() == []
        assert ada.kernel.listeners == []
        await ada.share("one")
        await ada.share("two")
        with pytest.raises(BusyError):
            await ada.share("three")
        ada.publisher.unshare("one")
        await ada.share("three")


async def test_grants_outlive_the_server() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        await ada.publisher.close()
        (mine,) = ada.publisher.mine()
        assert (mine["name"], mine["status"], mine["grants"]) == (
            "loss",
            "ended",
            {bob.id: "view"},
        )
        with pytest.raises(PaneEndedError):
            await bob.watcher.open(ada.id, "loss")


async def test_a_blocked_viewer_is_cut_off_at_once() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        await ada.hub.block(bob.id)
        ada.kernel.write("secret")
        assert ada.publisher.mine()[0]["viewers"] == []
        await until(lambda: watch.info["status"] != "live")
        assert texts(watch) == []
        with pytest.raises(BlockedError):
            ada.publisher.grant("loss", bob.id, "view")
        with pytest.raises(NotConnectedError):
            await bob.watcher.open(ada.id, "other")


async def test_a_forgotten_viewer_loses_its_grants() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        await bob.watcher.open(ada.id, "loss")
        await ada.hub.forget(bob.id)
        assert ada.publisher.mine()[0]["grants"] == {}
        assert ada.publisher.mine()[0]["viewers"] == []


async def test_too_many_viewers_are_refused() -> None:
    async with two_nodes(max_viewers=0) as (ada, bob):
        await ada.share(to=bob)
        with pytest.raises(BusyError):
            await bob.watcher.open(ada.id, "loss")


async def test_a_pane_stays_live_when_discovery_sees_the_other_side_too() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        for one, other in ((bob, ada), (ada, bob)):
            one.hub.found("lan", other.id, other.hub.node_name, ["ws://127.0.0.1:9"])
            one.hub.lost("lan", other.id)
        ada.kernel.write("still here")
        await until(lambda: texts(watch) == ["still here"])
        assert watch.info["status"] == "live"
        assert [offer["name"] for offer in bob.watcher.offered()] == ["loss"]


async def test_a_cut_link_freezes_the_pane_and_resumes_it_by_revision() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.write("before ")
        await until(lambda: texts(watch) == ["before "])
        seen: list[str] = []
        watch.subscribe(lambda: seen.append(watch.info["status"]))
        asked: list[dict] = []
        ada.hub._messenger.handlers._handlers["pane_open"] = (
            _listening(ada, asked),
            None,
        )
        ada.cut()
        ada.kernel.write("meanwhile")
        await until(lambda: "last seen" in seen)
        await until(lambda: texts(watch) == ["before meanwhile"])
        assert watch.info["status"] == "live"
        assert asked[0]["epoch"] == watch.state.epoch
        assert asked[0]["rev"] == 1
        await until(bob.watcher.offered)


def _listening(node: Node, asked: list[dict]):
    def handler(message):
        asked.append(dict(message.data))
        return node.publisher._requests._on_open(message)

    return handler


async def test_what_a_peer_offers_is_known_again_after_the_link_was_cut() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share("kept", to=bob)
        await ada.share("dropped", to=bob)
        await until(lambda: len(bob.watcher.offered()) == 2)
        ada.cut()
        ada.publisher.unshare("dropped")
        await until(lambda: [each["name"] for each in bob.watcher.offered()] == ["kept"])
        assert bob.watcher.offered()[0]["status"] == "live"


async def test_several_watches_of_one_node_cost_the_link_one() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        first = await bob.watcher.open(ada.id, "loss")
        second = await bob.watcher.open(ada.id, "loss")
        assert first.state is second.state
        assert len(ada.publisher.mine()[0]["viewers"]) == 1
        await first.close()
        await first.close()
        ada.kernel.write("x")
        await until(lambda: texts(second) == ["x"])
        assert first.info["status"] == "closed"
        await second.close()
        await until(lambda: not ada.publisher.mine()[0]["viewers"])


async def test_large_strings_travel_beside_the_json_once_a_link() -> None:
    async with two_nodes() as (ada, bob):
        sent: list[tuple[str, int]] = []
        send = ada.hub.send

        def spy(node_id, type, data, buffers=(), **options):
            sent.append((type, len(buffers)))
            return send(node_id, type, data, buffers, **options)

        ada.hub.send = spy
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        picture = "ä" * 100_000
        ada.kernel.show(picture)
        await until(lambda: texts(watch) == [picture])
        ada.kernel.show(picture)
        await until(lambda: texts(watch) == [picture, picture])
        updates = [count for kind, count in sent if kind == "pane_update"]
        assert updates == [1, 0]


async def test_a_string_that_was_not_kept_is_asked_for() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.show("x" * 10_000)
        await until(lambda: len(texts(watch)) == 1)
        bob.watcher._caches.clear()
        ada.kernel.show("x" * 10_000)
        ada.kernel.write("after")
        await until(lambda: texts(watch) == ["x" * 10_000, "x" * 10_000, "after"])
        bob.watcher._caches.clear()
        ada.kernel.say("clear_output", {"wait": True})
        ada.kernel.show("x" * 10_000)
        await until(lambda: texts(watch) == ["x" * 10_000])


async def test_a_50_mb_output_passes_and_a_larger_one_is_left_out_with_a_note() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        text = "0123456789abcde\n" * (50 * 1024 * 1024 // 16)
        ada.kernel.show(text)
        await until(lambda: len(texts(watch)) == 1, timeout=20)
        assert texts(watch)[0] == text
        ada.kernel.show("y" * (80 * 1024 * 1024))
        await until(lambda: len(texts(watch)) == 2)
        assert "left out" in texts(watch)[1]
        late = await ada.share("late", display="d")
        assert late.name == "late"


async def test_a_display_is_one_output_that_is_replaced() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, display="plot")
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.write("not part of it")
        ada.kernel.show("other", "another")
        ada.kernel.say("update_display_data", _display("first", "plot"), parent="any")
        await until(lambda: texts(watch) == ["first"])
        ada.kernel.show("second", "plot", parent="elsewhere")
        await until(lambda: texts(watch) == ["second"])


async def test_updates_of_a_cells_displays_count_from_any_cell() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.show("a", "d")
        ada.kernel.say("update_display_data", _display("b", "d"), parent="other")
        ada.kernel.say("update_display_data", _display("x", "unknown"), parent="other")
        await until(lambda: texts(watch) == ["b"])


@pytest.mark.parametrize("msg_type", ["display_data", "execute_result"])
async def test_the_same_display_id_in_another_cell_changes_the_pane(msg_type: str) -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.show("before")
        ada.kernel.show("first shown", "d")
        count = {"execution_count": 7} if msg_type == "execute_result" else {}
        ada.kernel.say(msg_type, _display("shown again elsewhere", "d") | count, parent="other")
        ada.kernel.say(msg_type, _display("of another pane", "e") | count, parent="other")
        ada.kernel.show("after")
        await until(lambda: texts(watch) == ["before", "shown again elsewhere", "after"])
        # In its own cell it also stands a second time, as nbclient has it.
        ada.kernel.show("both", "d")
        await until(lambda: texts(watch) == ["before", "both", "after", "both"])


def _display(text: str, display_id: str) -> dict:
    from tests.panes.kernels import display

    return display(text, display_id)


async def test_a_local_consumer_follows_at_its_own_pace() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        cursor = PaneCursor(watch.state)
        assert cursor.next().snapshot["outputs"] == []
        for number in range(500):
            ada.kernel.write(f"{number}\n")
        await until(lambda: watch.state.rev == 500)
        delta = cursor.next()
        assert delta.rev == 500
        assert cursor.next() is None


async def test_two_kernels_that_share_one_name_at_once_do_not_both_get_it() -> None:
    async with two_nodes() as (ada, _):
        results = await asyncio.gather(
            ada.share(kernel="k1"), ada.share(kernel="k2"), return_exceptions=True
        )
        assert [type(result) for result in results] == [PaneInfo, PaneExistsError]
        assert not ada.taps.taps["k2"].listeners


async def test_a_kernel_that_is_slow_to_answer_holds_up_no_other() -> None:
    async with two_nodes(max_panes=2) as (ada, _):
        ada.kernel.gate = asyncio.Event()
        slow = asyncio.ensure_future(ada.share("slow"))
        await until(lambda: ada.kernel.starts)
        await ada.share("quick", kernel="k2")
        with pytest.raises(BusyError):
            await ada.share("third", kernel="k2")
        ada.kernel.gate.set()
        await slow
        assert {pane["name"] for pane in ada.publisher.mine()} == {"slow", "quick"}
        assert not ada.publisher._sharing


async def test_a_kernel_that_ends_while_its_pane_is_being_shared_shares_nothing() -> None:
    async with two_nodes() as (ada, bob):
        ada.kernel.gate = asyncio.Event()
        sharing = asyncio.ensure_future(ada.share(to=bob))
        await until(lambda: ada.kernel.starts)
        ada.kernel.end()
        ada.kernel.gate.set()
        with pytest.raises(KernelGoneError):
            await sharing
        assert ada.publisher.mine() == []


async def test_listeners_hear_of_what_is_shared_and_offered() -> None:
    async with two_nodes() as (ada, bob):
        heard: list[str] = []
        end = ada.publisher.subscribe(lambda: heard.append("mine"))
        bob.watcher.subscribe(lambda: heard.append("offered"))
        await ada.share(to=bob)
        await until(lambda: set(heard) == {"mine", "offered"})
        heard.clear()
        ada.kernel.write("x")
        await bob.hub.ping(ada.id)
        assert heard == []
        await bob.watcher.open(ada.id, "loss")
        assert heard == ["mine"]
        end()
        end()
        ada.publisher.unshare("loss")
        await until(lambda: heard == ["mine", "offered"])


async def test_a_stored_grant_stands_when_the_pane_is_shared_again() -> None:
    async with two_nodes() as (ada, bob):
        ada.hub.store.put_pane("loss", "loss", 1.0)
        ada.hub.store.set_grant("loss", bob.id, "interact")
        await ada.share()
        assert ada.publisher.mine()[0]["grants"] == {bob.id: "interact"}
        watch = await bob.watcher.open(ada.id, "loss")
        assert watch.info["grant"] == "interact"


async def test_names_of_kernels_long_gone_are_not_kept_for_ever() -> None:
    async with two_nodes(max_panes=3) as (ada, _):
        for number in range(20):
            await ada.share(f"p{number}")
            ada.kernel.end()
        assert len(ada.publisher.mine()) <= 6
        assert len(ada.hub.store.panes()) <= 6
        assert "p19" in {pane["name"] for pane in ada.publisher.mine()}


async def test_opening_is_given_up_when_the_link_is_lost() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        for link in ada.hub.network.links:
            link.stop_reading()
        opening = asyncio.ensure_future(bob.watcher.open(ada.id, "loss"))
        await until(lambda: bob.watcher._replicas)
        ada.cut()
        with pytest.raises(LinkError):
            await opening
        assert not bob.watcher._replicas


async def test_a_real_cell_is_watched_from_its_first_output_to_its_kernels_end() -> None:
    async with two_nodes() as (ada, bob), kernel() as (manager, client):
        taps = KernelTaps(lambda kernel_id: manager if kernel_id == "real" else None)
        ada.publisher.kernels.tap = taps
        # The id of a request is known before it is sent.
        request = client.session.msg(
            "execute_request",
            {"code": "for i in range(3): print(i)\nh = display('a', display_id=True)"},
        )
        await ada.share(to=bob, kernel="real", cell=request["header"]["msg_id"])
        client.shell_channel.send(request)
        watch = await bob.watcher.open(ada.id, "loss")
        await until(lambda: texts(watch) == ["0\n1\n2\n", "'a'"], timeout=20)
        client.execute("h.update('b')")
        await until(lambda: texts(watch) == ["0\n1\n2\n", "'b'"], timeout=20)
        await manager.restart_kernel(now=True)
        await until(lambda: watch.info["status"] == "ended", timeout=20)
        assert texts(watch) == ["0\n1\n2\n", "'b'"]
