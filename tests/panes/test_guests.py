"""Guests: what a browser with a guest link can do, and all that it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_peer.errors import (
    BadRequestError,
    LookupFailedError,
    NotGrantedError,
    UnknownPaneError,
)
from jupyter_peer.hub.guests import guests as guests_module
from jupyter_peer.wire.invite import Invite
from tests.machine.waiting import until
from tests.panes.kernel.test_widgets import make, view
from tests.peers.clock import MovableClock
from tests.peers.guests import HandGuest, open_link, shown
from tests.peers.hubs import make_hub, running, two_hubs
from tests.peers.loopback import LoopbackNetwork
from tests.peers.nodes import Node, nodes, texts, two_nodes
from tests.wire.by_hand import HandError


def minted(ada: Node, **options):
    return ada.hub.guests.mint("loss", **options)


def who(ada: Node) -> list[list[str]]:
    return [[guest.id for guest in link.guests] for link in ada.hub.guests.links()]


async def opened(ada: Node, link, **options) -> HandGuest:
    """A guest who has the pane open, and its snapshot in ``snapshot``."""
    guest = await open_link(ada.hub, link, **options)
    offer = await guest.got("pane_offer")
    assert offer.data["pane"] == "loss"
    guest.say("pane_open", {"pane": "loss"})
    guest.snapshot = (await guest.got("pane_snapshot")).data  # type: ignore[attr-defined]
    return guest


async def test_a_guest_sees_the_pane_of_its_link_live() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, title="Loss")
        ada.kernel.write("1\n")
        guest = await opened(ada, minted(ada), name="Grace")
        assert guest.snapshot["title"] == "Loss"  # type: ignore[attr-defined]
        assert guest.snapshot["grant"] == "view"  # type: ignore[attr-defined]
        assert guest.snapshot["outputs"][0]["text"] == "1\n"  # type: ignore[attr-defined]
        ada.kernel.write("2\n")
        update = await guest.got("pane_update")
        assert update.data["messages"][0]["content"]["text"] == "2\n"
        ((info,),) = [link.guests for link in ada.hub.guests.links()]
        assert (info.id, info.name, info.path) == (guest.id, "Grace", "loopback")
        # It is no peer, and no viewer that a peer's place would go to.
        assert [peer.node_id for peer in ada.hub.peers()] == [bob.id]
        assert ada.publisher.mine()[0]["viewers"] == []
        assert ada.hub.store.peer(guest.id) is None
        guest.shut()
        await until(lambda: who(ada) == [[]])


@pytest.mark.parametrize("grant", ["view", "interact"])
async def test_a_guest_uses_widgets_only_where_its_link_says_so(grant: str) -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        make(ada.kernel, "slider", value=0, min=0, max=100, _view_name="View")
        view(ada.kernel, "slider")
        guest = await opened(ada, minted(ada, grant=grant))
        data = {"method": "update", "state": {"value": 3}}
        message = {"msg_type": "comm_msg", "content": {"comm_id": "slider", "data": data}}
        answer = await guest.ask("pane_input", {"pane": "loss", "message": message})
        if grant == "interact":
            assert answer.type == "pane_input"
            await until(lambda: ada.kernel.sent)
        else:
            assert (answer.type, answer.data["code"]) == ("error", "not_granted")
            assert not ada.kernel.sent


REFUSED = [
    ("pane_open", {"pane": "other"}),
    ("pane_open", {"pane": "nope"}),
    ("pane_buffers", {"pane": "loss", "hashes": []}),
    ("pane_offer", {"pane": "x", "title": "", "grant": "view", "epoch": "0" * 16, "since": 0}),
    ("pane_update", {"pane": "loss"}),
    ("pane_withdraw", {"pane": "loss", "reason": "unshared"}),
    ("chat", {"text": "hello"}),
    ("agent_request", {"request_id": "0" * 32, "prompt": "?"}),
    ("addresses", {"addresses": ["ws://evil/peer-ws"], "node_name": "eve"}),
    ("measure", {}),
    ("moved", {}),
    ("nonsense", {}),
]


@pytest.mark.parametrize(("type", "data"), REFUSED)
async def test_a_guest_can_do_nothing_else(type: str, data: dict) -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        await ada.share("other", kernel="k2")
        guest = await opened(ada, minted(ada))
        answer = await guest.ask(type, data)
        assert (answer.type, answer.data["code"]) == ("error", "not_granted")
        assert [peer.node_id for peer in ada.hub.peers()] == [_.id]
        assert guest.id not in ada.publisher._panes["other"].audience.viewers


async def test_names_of_panes_do_not_show_in_what_a_guest_is_told() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        await ada.share("other", kernel="k2")
        guest = await opened(ada, minted(ada))
        answers = [
            (await guest.ask("pane_open", {"pane": name})).data["message"].replace(name, "*")
            for name in ("other", "nopes")
        ]
        assert answers[0] == answers[1]


async def refusal(ada: Node, guest: dict, **options) -> str:
    with pytest.raises(HandError) as refused:
        await HandGuest(guest, **options).dial(ada.hub)
    return str(refused.value)


async def test_a_link_opens_only_with_its_own_secret() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        link, other = minted(ada), minted(ada)
        right = shown(link)
        for wrong in (
            right | {"secret": "A" * 22},
            right | {"secret": shown(other)["secret"]},
            right | {"link": "0" * 16},
            right | {"secret": right["secret"][:-1]},
        ):
            assert await refusal(ada, wrong) == "refused: link_unknown"
        assert who(ada) == [[], []]
        # Only the hash is kept, and the fragment names the key to pin.
        assert right["secret"] not in repr(ada.hub.store.links())
        await opened(ada, link)


async def test_a_link_expires_also_for_those_who_have_it_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = MovableClock()
    # The wall clock moves by itself; timers look at it so often.
    monkeypatch.setattr(guests_module, "_LONGEST_TIMER_S", 0.01)
    async with two_hubs(clock=clock) as (hub, _):
        ada = Node(hub)
        await ada.share()
        link = minted(ada, ttl_s=60)
        guest = await opened(ada, link)
        clock.move(61)
        assert (await guest.got("bye")).data == {"reason": "expired"}
        await until(lambda: guest.is_closed)
        assert await refusal(ada, shown(link)) == "refused: link_expired"
        assert ada.hub.guests.links() == []
        await ada.close()


async def test_a_link_is_for_so_many_guests_at_once() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        link = minted(ada, max_guests=1)
        first = await opened(ada, link)
        assert await refusal(ada, shown(link)) == "refused: busy"
        first.shut()
        await until(lambda: who(ada) == [[]])
        await opened(ada, link)


async def test_a_node_has_so_many_guests_in_all() -> None:
    async with two_hubs(max_guests=1) as (hub, _):
        ada = Node(hub)
        await ada.share()
        link, other = minted(ada), minted(ada)
        await opened(ada, link)
        assert await refusal(ada, shown(other)) == "refused: busy"
        await ada.close()


async def test_guests_take_no_place_of_a_peer() -> None:
    async with two_nodes(max_viewers=1) as (ada, bob):
        await ada.share(to=bob)
        link = minted(ada)
        guests = [await opened(ada, link) for _ in range(3)]
        watch = await bob.watcher.open(ada.id, "loss")
        guests.append(await opened(ada, link))
        # A peer that has a place keeps it when it asks again.
        await bob.hub.request(ada.id, "pane_open", {"pane": "loss"})
        ada.kernel.write("all")
        await until(lambda: texts(watch) == ["all"])
        for guest in guests:
            assert (await guest.got("pane_update")).data["pane"] == "loss"


async def test_stopping_a_link_cuts_its_guests_off_and_nobody_else() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        link, other = minted(ada), minted(ada)
        guest, stays = await opened(ada, link), await opened(ada, other)
        await ada.hub.guests.stop(link.id)
        assert (await guest.got("bye")).data == {"reason": "stopped"}
        await until(lambda: guest.is_closed)
        assert await refusal(ada, shown(link)) == "refused: link_unknown"
        ada.kernel.write("more")
        assert await stays.got("pane_update")
        with pytest.raises(LookupFailedError):
            await ada.hub.guests.stop(link.id)


async def test_one_guest_is_dropped_and_two_stay() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        link = minted(ada)
        first, second, third = [await opened(ada, link) for _ in range(3)]
        await ada.hub.guests.drop(link.id, second.id)
        assert (await second.got("bye")).data == {"reason": "dropped"}
        ada.kernel.write("more")
        for guest in (first, third):
            assert await guest.got("pane_update")
        assert not [m for m in second.hand.inbox if m.type == "pane_update"]
        # By its key it does not come back.
        assert (
            await refusal(ada, shown(link), seed=second.hand._key.private_bytes_raw())
            == "refused: link_unknown"
        )
        other = minted(ada)
        for wrong in ((link, second.id), (link, "a" * 16), (other, first.id)):
            with pytest.raises(NotGrantedError):
                await ada.hub.guests.drop(wrong[0].id, wrong[1])
        assert sorted(who(ada)) == [[], [first.id, third.id]]


async def test_a_guest_is_dropped_from_the_link_that_it_has_open_and_from_no_other() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        other = minted(ada)
        link = minted(ada)
        guest = await opened(ada, link)
        with pytest.raises(NotGrantedError):
            await ada.hub.guests.drop(other.id, guest.id)
        ada.kernel.write("1\n")
        await guest.got("pane_update")
        assert [guest.id] in who(ada)


async def test_unsharing_a_pane_ends_its_links() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        link = minted(ada)
        guest = await opened(ada, link)
        ada.publisher.unshare("loss")
        assert (await guest.got("pane_withdraw")).data["reason"] == "unshared"
        assert (await guest.got("bye")).data == {"reason": "stopped"}
        assert ada.hub.store.links() == []
        await ada.share()
        assert await refusal(ada, shown(link)) == "refused: link_unknown"


async def test_a_guest_hears_that_the_kernel_is_gone_and_when_the_pane_is_shared_again() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        link = minted(ada)
        guest = await opened(ada, link)
        ada.publisher.kernel_ended("k1")
        assert (await guest.got("pane_withdraw")).data["reason"] == "ended"
        late = await open_link(ada.hub, link)
        assert (await late.got("pane_withdraw")).data == {"pane": "loss", "reason": "ended"}
        await ada.share(kernel="k2")
        for each in (guest, late):
            await each.got("pane_offer")
            each.say("pane_open", {"pane": "loss"})
            assert (await each.got("pane_snapshot")).data["ended"] is False


async def test_a_link_opens_the_pane_again_after_a_restart_of_its_owner(tmp_path: Path) -> None:
    network = LoopbackNetwork()
    ada = Node(make_hub(network, tmp_path, "ada"))
    async with running(ada.hub):
        await ada.share()
        link = minted(ada)
        await opened(ada, link)
        await ada.close()
    again = Node(make_hub(network, tmp_path, "ada"))
    async with running(again.hub):
        early = await open_link(again.hub, link)
        await again.share()
        assert (await early.got("pane_offer")).data["pane"] == "loss"
        await opened(again, link)
        await again.close()


async def test_a_second_connection_of_a_guest_replaces_the_first() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        link = minted(ada, max_guests=1)
        first = await opened(ada, link)
        second = await opened(ada, link, seed=first.hand._key.private_bytes_raw())
        assert (await first.got("bye")).data == {"reason": "replaced"}
        await until(lambda: first.is_closed)
        ada.kernel.write("more")
        assert await second.got("pane_update")
        assert who(ada) == [[second.id]]


async def test_frames_of_another_session_are_not_taken_from_a_guest() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        link = minted(ada, max_guests=2)
        first = await opened(ada, link)
        frames = first.hand.send("pane_close", {"pane": "loss"})
        second = await opened(ada, link)
        assert second.link is not None
        second.link.send(frames)
        await until(lambda: second.is_closed)
        assert who(ada) == [[first.id]]
        # Nor a second time on its own.
        assert first.link is not None
        first.link.send(frames)
        first.link.send(frames)
        await until(lambda: first.is_closed)


async def test_a_message_that_a_guest_seals_twice_is_taken_once() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        guest = await opened(ada, minted(ada))
        hand = guest.hand
        sealed_once = hand._envelope_frame(hand._envelope("chat", {"text": "hello"}), [])
        assert guest.link is not None
        for _ in range(2):
            guest.link.send(hand._queue(sealed_once))
        await guest.ask("measure", {})
        assert len([message for message in hand.inbox if message.type == "error"]) == 2


async def test_a_peer_cannot_come_in_as_a_guest_nor_a_guest_where_none_is_admitted() -> None:
    async with nodes("ada", "bob") as (ada, bob):
        await ada.share()
        link = minted(ada)
        seed = bob.hub.identity._secret[:32]
        assert await refusal(ada, shown(link), seed=seed) == "refused: not_trusted"
        ada.hub.network.guests = "never"  # type: ignore[attr-defined]
        assert await refusal(ada, shown(link)) == "refused: not_trusted"


async def test_a_door_for_guests_admits_no_peer() -> None:
    async with two_nodes() as (ada, _):
        ada.hub.network.guests = "only"  # type: ignore[attr-defined]
        token = Invite.from_text(ada.hub.invites.mint().text).t
        with pytest.raises(HandError, match="not_trusted"):
            await HandGuest(None, token=token).dial(ada.hub)
        assert ada.hub.invites.all()[0].status == "open"


async def test_a_guest_that_floods_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests_module, "OPEN_RATE", 0.0)
    monkeypatch.setattr(guests_module, "RATE", 0.0)
    monkeypatch.setattr(guests_module, "BURST", 50)
    async with two_nodes() as (ada, _):
        await ada.share()
        guest = await opened(ada, minted(ada))
        codes = [
            (await guest.ask("pane_open", {"pane": "loss"})).data.get("code")
            for _ in range(guests_module.OPEN_BURST)
        ]
        assert codes[-1] == "busy"
        for _ in range(50):
            if not guest.is_closed:
                guest.say("ping", {})
        await until(lambda: guest.is_closed)
        assert who(ada) == [[]]


async def test_a_link_is_made_only_of_a_pane_that_is_there_and_within_bounds() -> None:
    async with two_nodes() as (ada, _):
        with pytest.raises(UnknownPaneError):
            minted(ada)
        await ada.share()
        for options in ({"ttl_s": 0}, {"ttl_s": 1e9}, {"max_guests": 0}, {"max_guests": 65}):
            with pytest.raises(BadRequestError):
                minted(ada, **options)


async def test_the_audit_log_says_what_became_of_links() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        link = minted(ada)
        guest = await opened(ada, link, name="Grace")
        await refusal(ada, shown(link) | {"secret": "B" * 22})
        await ada.hub.guests.drop(link.id, guest.id)
        await ada.hub.guests.stop(link.id)
        kinds = ("link_made", "guest_joined", "guest_refused", "guest_dropped", "link_stopped")
        entries = ada.log(*kinds)
        assert [kind for kind, _, _ in entries] == list(kinds)
        assert shown(link)["secret"] not in repr(entries)
        assert entries[1][2] == {
            "link": link.id,
            "pane": "loss",
            "guest": guest.id,
            "path": "loopback",
        }
