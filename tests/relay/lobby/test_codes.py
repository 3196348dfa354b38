"""Mailboxes for codes at lobbies: who has one, for how long, and what others can do with it."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_peer.relay.lobby.lobby import Lobby
from jupyter_peer.wire.relay import lobby as wire
from tests.machine.waiting import until
from tests.relay.lobby.lobbies import Clock, LobbyNode, lobbies, node


def code(answer: Any) -> str:
    assert isinstance(answer, wire.Refusal), answer
    assert answer.message
    assert answer.hint
    return answer.code


async def opened(owner: LobbyNode) -> int:
    answer = await owner.ask(wire.OpenCode())
    assert isinstance(answer, wire.CodeOpened), answer
    return answer.number


async def entered(lobby: Lobby, letter: str) -> LobbyNode:
    made = node(letter)
    await made.enter(lobby, listed=False)
    return made


@pytest.mark.parametrize("count", [1, 2], ids=["one broker", "two brokers"])
async def test_two_nodes_meet_by_a_number_and_talk(count: int) -> None:
    async with lobbies(count) as made:
        ada, bob = await entered(made[0], "a"), await entered(made[-1], "b")
        number = await opened(ada)
        assert 0 < number < 10
        await until(lambda: len(made[-1]._codes) == 1)
        assert isinstance(await bob.ask(wire.ClaimCode(number=number, body="one")), wire.Done)
        assert (await ada.hears(wire.CodeSaid)).body == "one"
        await ada.ask(wire.SayCode(number=number, body="two"))
        said = await bob.hears(wire.CodeSaid)
        assert (said.number, said.body) == (number, "two")
        await bob.ask(wire.CloseCode(number=number))
        assert (await ada.hears(wire.CodeClosed)).reason == "over"
        await until(lambda: not len(made[0]._codes))
        assert code(await ada.ask(wire.SayCode(number=number, body="x"))) == "code_unknown"


async def test_a_mailbox_is_for_the_first_who_comes() -> None:
    async with lobbies(2) as [lobby, other]:
        ada, bob, eve = (
            await entered(lobby, "a"),
            await entered(lobby, "b"),
            await entered(other, "e"),
        )
        number = await opened(ada)
        await until(lambda: len(other._codes) == 1)
        await bob.ask(wire.ClaimCode(number=number, body="one"))
        for asked in (
            wire.ClaimCode(number=number, body="mine"),
            wire.SayCode(number=number, body="mine"),
            wire.CloseCode(number=number, reason="wrong"),
            wire.ClaimCode(number=number % 999 + 1, body="mine"),
        ):
            assert code(await eve.ask(asked)) == "code_unknown"
        assert (await ada.hears(wire.CodeSaid)).body == "one"
        assert ada.hears_nothing()


@pytest.mark.parametrize("who", ["owner", "other"])
async def test_who_goes_away_ends_the_mailbox(who: str) -> None:
    async with lobbies() as [lobby]:
        ada, bob = await entered(lobby, "a"), await entered(lobby, "b")
        number = await opened(ada)
        await bob.ask(wire.ClaimCode(number=number, body="one"))
        goes, stays = (ada, bob) if who == "owner" else (bob, ada)
        await goes.leave()
        assert (await stays.hears(wire.CodeClosed)).reason == "gone"
        assert code(await stays.ask(wire.SayCode(number=number, body="x"))) == "code_unknown"


async def test_a_mailbox_ends_after_ten_minutes() -> None:
    clock = Clock()
    async with lobbies(clock=clock) as [lobby]:
        ada, bob = await entered(lobby, "a"), await entered(lobby, "b")
        number = await opened(ada)
        clock.now += 599
        await lobby.sweep()
        assert ada.hears_nothing()
        clock.now += 2
        await lobby.sweep()
        assert (await ada.hears(wire.CodeClosed)).reason == "expired"
        assert code(await bob.ask(wire.ClaimCode(number=number, body="x"))) == "code_unknown"


async def test_mailboxes_of_a_broker_that_ended_are_swept_by_another() -> None:
    async with lobbies(2) as [lobby, other]:
        ada, bob = await entered(lobby, "a"), await entered(other, "b")
        number = await opened(ada)
        await until(lambda: len(other._codes) == 1)
        lobby.world.kill(lobby._backend)  # type: ignore[attr-defined]
        await other.sweep()
        assert code(await bob.ask(wire.ClaimCode(number=number, body="x"))) == "code_unknown"


async def test_a_node_has_few_mailboxes_and_numbers_get_longer_when_short_ones_are_taken() -> None:
    async with lobbies(rate=1e9, max_codes_of_node=5) as [lobby]:
        nodes = [await entered(lobby, letter) for letter in "abc"]
        numbers = [await opened(owner) for owner in nodes for _ in range(5)]
        assert len(set(numbers)) == 15
        assert sum(number < 10 for number in numbers) == 9
        assert all(number < 100 for number in numbers)
        assert code(await nodes[0].ask(wire.OpenCode())) == "busy"


async def test_of_ten_thousand_guesses_one_comes_to_the_owner() -> None:
    async with lobbies(rate=1e9) as [lobby]:
        ada, eve = await entered(lobby, "a"), await entered(lobby, "e")
        number = await opened(ada)
        answers = [
            await eve.ask(wire.ClaimCode(number=number, body=str(guess))) for guess in range(10_000)
        ]
        assert isinstance(answers[0], wire.Done)
        assert {code(answer) for answer in answers[1:]} == {"code_unknown"}
        assert (await ada.hears(wire.CodeSaid)).body == "0"
        assert ada.hears_nothing()


async def test_guessing_is_slowed_down_to_one_a_second() -> None:
    async with lobbies() as [lobby]:
        eve = await entered(lobby, "e")
        asked = wire.ClaimCode(number=1, body="x")
        cost = lobby._cost(lobby._guests[eve.node_id], asked)
        assert cost == lobby._limits.rate
