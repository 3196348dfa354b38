"""The lobby's own logic: who sees what, who may enter, and who is gone."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from jupyter_peer.errors import BusyError
from jupyter_peer.wire.directory import Directory, Member
from jupyter_peer.wire.relay import lobby as wire
from tests.machine.waiting import PATIENCE_S, until
from tests.relay.lobby.lobbies import ADDRESS, Clock, LobbyNode, lobbies, node, proof_of
from tests.wire.makers import json_objects


def code(answer: Any) -> str:
    assert isinstance(answer, wire.Refusal), answer
    assert answer.message
    return answer.code


async def who(node: LobbyNode) -> list[str]:
    answer = await node.ask(wire.Who())
    return [card.node_name for card in answer.nodes]


async def rooms(node: LobbyNode) -> dict[str, int]:
    answer = await node.ask(wire.ListRooms())
    return {card.name: card.members for card in answer.rooms}


def members(info: Any) -> list[str]:
    assert isinstance(info, wire.RoomInfo), info
    return [card.node_name for card in info.members]


# Who sees what.


async def test_who_is_listed_is_seen_by_everybody_but_not_where_to_dial_it() -> None:
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby, name="ada")
        await bob.enter(lobby, name="bob", listed=False)
        answer = await bob.ask(wire.Who())
        assert [(card.node_id, card.node_name) for card in answer.nodes] == [(ada.node_id, "ada")]
        assert answer.nodes[0].addresses == []
        await ada.enter(lobby, name="ada", listed=False)
        assert await who(bob) == []


async def test_members_of_a_room_see_each_other_with_addresses() -> None:
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby, name="ada", listed=False)
        await bob.enter(lobby, name="bob", listed=False)
        await ada.create("class")
        info = await bob.join("Class")
        assert members(info) == ["ada", "bob"]
        assert [card.addresses for card in info.members] == [[ADDRESS], [ADDRESS]]
        joining = await ada.hears(wire.PeerJoining)
        assert (joining.room, joining.peer.node_id) == ("class", bob.node_id)
        assert joining.peer.addresses == [ADDRESS]


async def test_others_see_of_a_public_room_how_many_are_in_it_and_of_an_unlisted_one_nothing() -> (
    None
):
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby)
        await bob.enter(lobby)
        await ada.create("open-house")
        await ada.create("study", visibility="unlisted")
        assert await rooms(ada) == {"open-house": 1, "study": 1}
        assert await rooms(bob) == {"open-house": 1}
        assert members(await bob.join("study"))
        assert await rooms(bob) == {"open-house": 1, "study": 2}


async def test_news_of_a_member_reach_its_rooms_and_nobody_else() -> None:
    async with lobbies() as [lobby]:
        ada, bob, eve = node("a"), node("b"), node("e")
        for each in (ada, bob, eve):
            await each.enter(lobby)
        await ada.create("class")
        await bob.join("class")
        changed = wire.Register(addresses=["ws://198.51.100.1:1/peer-ws"], node_name="Robert")
        await bob.ask(changed)
        news = await ada.hears(wire.Presence)
        assert [(card.node_name, card.addresses) for card in news.nodes] == [
            ("Robert", ["ws://198.51.100.1:1/peer-ws"])
        ]
        await eve.ask(wire.Who())
        assert eve.hears_nothing()


# Entering and leaving.


async def test_a_room_with_a_token_lets_in_who_has_it() -> None:
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby)
        await bob.enter(lobby)
        made = await ada.create("class", "token")
        assert made.token
        assert made.token not in str(dict(lobby.world.truth))
        assert code(await bob.join("class")) == "room_refused"
        assert code(await bob.join("class", made.token + "x")) == "room_refused"
        assert code(await bob.join("class", "\N{GRINNING FACE}")) == "room_refused"
        told = await bob.join("class", made.token)
        assert len(told.members) == 2
        # It is told once, to the one who made the room.
        assert told.token is None
        assert (await ada.join("class")).token is None


async def test_a_node_may_bring_the_hash_of_a_token_that_the_lobby_never_sees() -> None:
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby)
        await bob.enter(lobby)
        made = await ada.create("class", "token", token_sha256=wire.token_hash("secret"))
        assert made.token is None
        assert code(await bob.join("class", "Secret")) == "room_refused"
        assert len((await bob.join("class", "secret")).members) == 2


async def test_a_room_with_a_directory_lets_in_who_is_in_it_and_in_its_group() -> None:
    ada, bob, carol, eve = (node(letter) for letter in "abce")
    directory = Directory(
        serial=1,
        expires=2000.0,
        members=[
            Member(id=ada.node_id, pk=ada.identity.public_key_b64, groups=("staff",)),
            Member(id=bob.node_id, pk=bob.identity.public_key_b64),
            Member(id=carol.node_id, pk=carol.identity.public_key_b64, expires=999.0),
        ],
    )
    async with lobbies(directory=directory) as [lobby]:
        for each in (ada, bob, carol, eve):
            await each.enter(lobby)
        assert code(await eve.create("class", "directory")) == "room_refused"
        await ada.create("class", "directory")
        await ada.create("staff", "directory", group="staff")
        assert len((await bob.join("class")).members) == 2
        assert code(await bob.join("staff")) == "room_refused"
        assert code(await carol.join("class")) == "room_refused"
        assert code(await eve.join("class")) == "room_refused"


async def test_who_is_taken_from_the_directory_is_out_of_its_rooms_at_the_next_sweep() -> None:
    ada, bob = node("a"), node("b")
    both = [Member(id=each.node_id, pk=each.identity.public_key_b64) for each in (ada, bob)]
    directory = Directory(serial=1, expires=2000.0, members=both)

    class Changing:
        def is_member(self, *asked: Any) -> bool:
            return directory.is_member(*asked)

    async with lobbies(directory=Changing()) as [lobby]:
        await ada.enter(lobby)
        await bob.enter(lobby)
        await ada.create("class", "directory")
        await bob.join("class")
        await lobby.sweep()
        directory = Directory(serial=2, expires=2000.0, members=both[:1])
        await lobby.sweep()
        out = await bob.hears(wire.Left)
        assert (out.room, out.reason) == ("class", "room_refused")
        assert (await ada.hears(wire.PeerLeaving)).node_id == bob.node_id
        assert await rooms(bob) == {"class": 1}


async def test_without_a_directory_no_room_can_ask_for_it() -> None:
    async with lobbies() as [lobby]:
        ada = node("a")
        await ada.enter(lobby)
        assert code(await ada.create("class", "directory")) == "not_enabled"


async def test_a_name_is_taken_while_the_room_lasts_and_free_when_the_last_one_has_left() -> None:
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby)
        await bob.enter(lobby)
        await ada.create("class")
        assert code(await bob.create("CLASS")) == "room_exists"
        await bob.join("class")
        left = await ada.ask(wire.LeaveRoom(name="class"))
        assert (left.room, left.reason) == ("class", None)
        assert (await bob.hears(wire.PeerLeaving)).node_id == ada.node_id
        assert code(await ada.ask(wire.LeaveRoom(name="class"))) == "unknown_room"
        await bob.ask(wire.LeaveRoom(name="class"))
        assert code(await ada.join("class")) == "unknown_room"
        assert members(await ada.create("class"))
        # Nobody was told of an end that was their own will.
        assert not [news for news in ada.news + bob.news if isinstance(news, wire.Left)]


async def test_leaving_clears_the_listing_and_all_rooms_but_signals_still_arrive() -> None:
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby, name="ada")
        await bob.enter(lobby, name="bob")
        for name in ("one", "two"):
            await ada.create(name)
            await bob.join(name)
        assert (await bob.ask(wire.Leave())).room is None
        assert await who(ada) == ["ada"]
        assert await rooms(ada) == {"one": 1, "two": 1}
        await ada.ask(wire.Signal(to=bob.node_id, kind="offer", sdp="v=0"))
        assert (await bob.hears(wire.Signalled)).sdp == "v=0"


async def test_closing_with_code_1000_clears_everything_at_once() -> None:
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby, name="ada")
        await bob.enter(lobby, name="bob")
        await ada.create("class")
        await bob.join("class")
        await bob.leave(code=1000)
        assert (await ada.hears(wire.PeerLeaving)).node_id == bob.node_id
        assert await who(ada) == ["ada"]
        assert bob.node_id not in str(lobby.world.truth)


# Being away.


async def test_a_node_whose_connection_broke_is_shown_as_away_and_comes_back_to_its_rooms() -> None:
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby)
        await bob.enter(lobby)
        await ada.create("class")
        await bob.join("class")
        await bob.leave()
        assert (await ada.hears(wire.Presence)).nodes[0].away
        registered = await bob.enter(lobby)
        assert registered.rooms == ["class"]
        assert [card.node_id for card in (await bob.hears(wire.RoomInfo)).members] == [
            ada.node_id,
            bob.node_id,
        ]
        assert not (await ada.hears(wire.Presence)).nodes[0].away


async def test_a_node_that_is_away_longer_than_the_grace_is_gone() -> None:
    clock = Clock()
    async with lobbies(clock=clock, grace_s=30.0) as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby, name="ada")
        await bob.enter(lobby, name="bob")
        await ada.create("class")
        await bob.join("class")
        await bob.leave()
        await lobby.sweep()
        clock.now += 29
        await lobby.sweep()
        assert await who(ada) == ["ada", "bob"]
        clock.now += 2
        await lobby.sweep()
        assert (await ada.hears(wire.PeerLeaving)).node_id == bob.node_id
        assert await who(ada) == ["ada"]
        assert (await bob.enter(lobby)).rooms == []


async def test_coming_back_starts_the_grace_anew() -> None:
    clock = Clock()
    async with lobbies(clock=clock, grace_s=30.0) as [lobby]:
        bob = node("b")
        await bob.enter(lobby)
        for _ in range(3):
            await bob.leave()
            await lobby.sweep()
            clock.now += 29
            await bob.enter(lobby)
            await lobby.sweep()
        assert await who(bob) == [""]


async def test_a_second_connection_of_a_node_takes_the_place_of_the_first() -> None:
    async with lobbies() as [lobby]:
        bob = node("b")
        await bob.enter(lobby)
        await bob.create("class")
        first, task = bob.socket, bob.task
        assert (await bob.enter(lobby)).rooms == ["class"]
        assert first.end_reason == "replaced"
        assert task is not None
        await asyncio.wait_for(task, PATIENCE_S)
        assert await rooms(bob) == {"class": 1}
        assert not lobby.world.truth[f"node.{bob.node_id}"].value.count(b'"away":true')


async def test_a_node_that_is_silent_is_pinged_and_then_let_go() -> None:
    clock = Clock()
    async with lobbies(clock=clock, idle_s=30.0) as [lobby]:
        bob = node("b")
        await bob.enter(lobby)
        bob.socket.read_at = clock.now
        clock.now += 31
        await lobby.sweep()
        assert bob.socket.is_pinged
        clock.now += 30
        await lobby.sweep()
        assert bob.socket.end_reason == "idle"


async def test_a_lobby_that_ends_sends_its_nodes_elsewhere_and_leaves_them_in_their_rooms() -> None:
    async with lobbies(2) as [first, second]:
        bob = node("b")
        await bob.enter(first)
        await bob.create("class")
        await first.close()
        assert bob.socket.end_reason == "restart"
        assert (await bob.enter(second)).rooms == ["class"]
        eve = node("e")
        with pytest.raises(BusyError):
            await first.serve(eve.socket, proof_of(eve.identity))


# Several brokers.


async def test_nodes_at_two_brokers_meet_in_a_room_and_signal_to_each_other() -> None:
    async with lobbies(2) as [first, second]:
        ada, bob = node("a"), node("b")
        await ada.enter(first, name="ada")
        await bob.enter(second, name="bob")
        await ada.create("class")
        info = await until(lambda: _joined(bob, "class"), what="bob's join")
        assert members(info) == ["ada", "bob"]
        assert (await ada.hears(wire.PeerJoining)).peer.addresses == [ADDRESS]
        done = await bob.ask(wire.Signal(to=ada.node_id, kind="offer", sdp="v=0"))
        assert isinstance(done, wire.Done)
        signal = await ada.hears(wire.Signalled)
        assert (signal.sender, signal.kind, signal.sdp) == (bob.node_id, "offer", "v=0")


async def _joined(node: LobbyNode, name: str) -> Any:
    answer = await node.join(name)
    return answer if isinstance(answer, wire.RoomInfo) else None


async def test_rooms_and_nodes_outlive_a_broker_that_dies() -> None:
    clock = Clock()
    async with lobbies(2, clock=clock, grace_s=30.0) as [first, second]:
        ada, bob, carol = node("a"), node("b"), node("c")
        await ada.enter(first)
        await bob.enter(second)
        await carol.enter(first)
        await ada.create("class")
        await until(lambda: _joined(bob, "class"))
        await carol.join("class")
        assert (await bob.hears(wire.PeerJoining)).peer.node_id == carol.node_id
        world = first.world  # type: ignore[attr-defined]
        world.kill(world.backends["broker1"])
        await second.sweep()
        gone = {(await bob.hears(wire.Presence)).nodes[0].node_id for _ in range(2)}
        assert gone == {ada.node_id, carol.node_id}
        # Ada finds the other broker in time; Carol does not.
        assert (await ada.enter(second)).rooms == ["class"]
        clock.now += 31
        await second.sweep()
        assert (await bob.hears(wire.PeerLeaving)).node_id == carol.node_id
        assert len((await bob.join("class")).members) == 2


async def test_many_nodes_that_enter_one_room_by_two_brokers_at_once_are_all_in_it() -> None:
    async with lobbies(2) as both:
        nodes = [node(letter) for letter in "abcdefghijkl"]
        for each, lobby in zip(nodes, both * 6, strict=True):
            await each.enter(lobby)
        await nodes[0].create("class")
        await until(lambda: _joined(nodes[1], "class"))
        for answer in await asyncio.gather(*(each.join("class") for each in nodes)):
            assert isinstance(answer, wire.RoomInfo), answer
        # What one broker writes the other one has a moment later.
        await until(lambda: _has_all(nodes))


async def _has_all(nodes: list[LobbyNode]) -> bool:
    info = await nodes[0].join("class")
    return {card.node_id for card in info.members} == {each.node_id for each in nodes}


async def test_a_node_that_moves_to_another_broker_leaves_no_ghost_at_the_first() -> None:
    async with lobbies(2) as [first, second]:
        bob = node("b")
        await bob.enter(first)
        socket = bob.socket
        await bob.enter(second)
        await until(lambda: socket.end_reason == "replaced")


# Hostile nodes.


async def test_the_first_message_is_a_registration() -> None:
    async with lobbies() as [lobby]:
        eve = node("e")
        eve.task = asyncio.get_running_loop().create_task(eve._serve(lobby, eve.socket))
        assert code(await eve.ask(wire.Who(id=1))) == "protocol"


async def test_limits_on_rooms_and_members_are_kept() -> None:
    async with lobbies(max_rooms=2, max_rooms_of_node=2, max_members=1, max_nodes=2) as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby)
        await bob.enter(lobby)
        await ada.create("one")
        assert code(await bob.join("one")) == "busy"
        await ada.create("two")
        assert code(await ada.create("three")) == "busy"
        assert code(await bob.create("three")) == "busy"
        assert code(await bob.create("..")) == "bad_name"


async def test_a_node_is_in_so_many_rooms_though_the_lobby_has_room_for_more() -> None:
    async with lobbies(max_rooms_of_node=2) as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby)
        await bob.enter(lobby)
        for name in ("one", "two"):
            await ada.create(name)
        assert code(await ada.create("three")) == "busy"
        await bob.create("three")
        assert code(await ada.join("three")) == "busy"
        await ada.ask(wire.LeaveRoom(name="one"))
        assert len(members(await ada.join("three"))) == 2
        assert code(await ada.ask(wire.LeaveRoom(name="nowhere"))) == "unknown_room"


async def test_a_message_costs_what_it_makes_the_lobby_do() -> None:
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby)

        def costs(*requests: Any) -> list[float]:
            return [lobby._cost(lobby._guests[ada.node_id], request) for request in requests]

        before = costs(wire.Who(), wire.ListRooms())
        await bob.enter(lobby)
        await bob.create("class")
        after = costs(wire.Who(), wire.ListRooms())
        assert all(more > less for more, less in zip(after, before, strict=True))
        signal = wire.Signal(to=bob.node_id, kind="offer", sdp="x")
        small, large = costs(signal, wire.LeaveRoom(name="class"))
        assert small < large


async def test_a_full_lobby_refuses_another_node_and_lets_one_of_its_own_come_again() -> None:
    async with lobbies(max_nodes=1) as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby)
        bob.socket.hang_up()
        with pytest.raises(BusyError):
            await bob._serve(lobby, bob.socket)
        await ada.enter(lobby)


async def test_who_asks_too_much_waits() -> None:
    clock = Clock()
    async with lobbies(clock=clock, rate=10.0, burst_s=1.0) as [lobby]:
        eve = node("e")
        await eve.enter(lobby)
        for _ in range(12):
            eve.socket.incoming.put_nowait(wire.Who().to_text())
        await until(lambda: eve.socket.incoming.qsize() < 4)
        # The clock stands still, so the account stays overdrawn by the last message.
        assert lobby._guests[eve.node_id].charge(0, clock.now) > 0
        assert eve.socket.incoming.qsize() > 0


async def test_a_node_that_does_not_read_is_let_go_and_a_flood_of_signals_is_dropped() -> None:
    async with lobbies(max_queue=4096) as [lobby]:
        ada, eve = node("a"), node("e")
        await ada.enter(lobby)
        await eve.enter(lobby)
        await ada.create("class")
        await eve.join("class")
        ada.socket.is_stuck = True
        answers = [
            await eve.ask(wire.Signal(to=ada.node_id, kind="offer", sdp="x" * 1000))
            for _ in range(6)
        ]
        assert code(answers[-1]) == "not_connected"
        assert ada.socket.end_reason is None
        for number in range(8):
            await eve.ask(wire.Register(addresses=[f"ws://h:{number}/peer-ws"] * 8))
            await eve.ask(wire.Register(addresses=["a" * 500] * 4))
        assert ada.socket.end_reason == "overflow"


async def test_a_signal_to_nobody_is_refused() -> None:
    async with lobbies() as [lobby]:
        ada, bob = node("a"), node("b")
        await ada.enter(lobby)
        signal = wire.Signal(to=bob.node_id, kind="offer", sdp="v=0")
        assert code(await ada.ask(signal)) == "not_connected"


@settings(max_examples=60)
@given(st.lists(json_objects | st.text(max_size=40), max_size=6))
def test_whatever_a_node_sends_it_is_answered_and_the_others_are_well(sent: Any) -> None:
    async def scene() -> None:
        async with lobbies() as [lobby]:
            ada, eve = node("a"), node("e")
            await ada.enter(lobby, name="ada")
            await eve.enter(lobby, name="eve")
            for value in sent:
                text = value if isinstance(value, str) else json.dumps(value)
                eve.socket.incoming.put_nowait(text)
            assert await who(eve) == ["ada", "eve"]
            assert await who(ada) == ["ada", "eve"]

    asyncio.run(scene())
