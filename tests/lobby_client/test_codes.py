"""An invite handed over by a code: between two nodes, past wrong guesses, and past a hostile lobby."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable

import pytest

from jupyter_peer.errors import (
    CodeUnknownError,
    CodeWrongError,
    LinkError,
    PeerError,
    PeerTimeoutError,
    UnreachableError,
)
from jupyter_peer.lobby_client import codes
from jupyter_peer.lobby_client.codes import LobbyMailbox, at_lobby, hand_over, receive
from jupyter_peer.wire.codes.code import Code, CodeGuest, CodeOwner
from jupyter_peer.wire.relay import lobby as wire
from tests.lobby_client.test_lobby import a_lobby, free_port
from tests.machine.waiting import PATIENCE_S

INVITE = "jpeer1:" + "x" * 700
WORDS = bytes(2)
Change = Callable[[bytes], bytes]


@contextlib.asynccontextmanager
async def two(url: str) -> AsyncIterator[tuple[LobbyMailbox, LobbyMailbox]]:
    async with at_lobby([url], os.urandom(32)) as one, at_lobby([url], os.urandom(32)) as other:
        yield one, other


async def handing(owner: LobbyMailbox) -> tuple[Code, asyncio.Task[None]]:
    life_s = await owner.open()
    code = Code.of(owner.number, WORDS)
    return code, asyncio.create_task(hand_over(owner, code, INVITE, os.urandom, life_s))


async def test_who_was_told_the_code_gets_the_invite() -> None:
    async with a_lobby() as url, two(url) as (ada, bob):
        code, task = await handing(ada)
        assert await receive(bob, code, os.urandom) == INVITE
        await task


async def test_a_wrong_code_is_used_up_and_both_sides_hear_of_it() -> None:
    async with a_lobby() as url, two(url) as (ada, eve):
        code, task = await handing(ada)
        wrong = Code.of(code.number, b"\x00\x01")
        with pytest.raises(CodeWrongError):
            await receive(eve, wrong, os.urandom)
        with pytest.raises(CodeWrongError):
            await task
        async with at_lobby([url], os.urandom(32)) as bob:
            with pytest.raises(CodeUnknownError):
                await receive(bob, code, os.urandom)


async def test_a_guesser_that_says_nothing_about_its_guess_uses_the_code_up_too() -> None:
    async with a_lobby() as url, two(url) as (ada, eve):
        code, task = await handing(ada)
        guess = CodeGuest(Code.of(code.number, b"\x00\x01"), os.urandom(64))
        await eve.claim(code.number, guess.share)
        await eve.hear(5)
        await eve.leave()
        with pytest.raises(CodeUnknownError):
            await task
        async with at_lobby([url], os.urandom(32)) as bob:
            with pytest.raises(CodeUnknownError):
                await receive(bob, code, os.urandom)


async def test_ten_thousand_wrong_codes_open_nothing() -> None:
    limits = {"rate": 1e9}
    async with a_lobby(limits=limits) as url, two(url) as (ada, eve):
        code, task = await handing(ada)
        got: list[str] = []
        for guess in range(1, 10_001):
            try:
                if guess == 1:
                    wrong = Code.of(code.number, guess.to_bytes(2, "big"))
                    got.append(await receive(eve, wrong, os.urandom))
                else:
                    # Only the claim matters from here on; the share is never looked at.
                    await eve.claim(code.number, bytes(32))
                    got.append("claimed")
            except (CodeWrongError, CodeUnknownError):
                pass
        assert got == []
        with pytest.raises(CodeWrongError):
            await task


async def test_without_a_lobby_nothing_is_handed_over() -> None:
    with pytest.raises(UnreachableError):
        async with at_lobby([f"ws://127.0.0.1:{free_port()}/lobby-ws"], os.urandom(32)):
            pass


async def test_a_lobby_that_ends_ends_the_code() -> None:
    async with a_lobby() as url:
        connecting = at_lobby([url], os.urandom(32))
        ada = await connecting.__aenter__()
        _, task = await handing(ada)
    with pytest.raises(LinkError):
        await task
    await connecting.__aexit__(None, None, None)


# A lobby in the middle: it has both ends of what two people say to each other.


class End:
    """One side's mailbox at a lobby that does as it likes with what it carries."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes | wire.CodeEnd] = asyncio.Queue()
        self.said: asyncio.Queue[bytes | wire.CodeEnd] = asyncio.Queue()

    async def claim(self, number: int, body: bytes) -> None:
        await self.say(body)

    async def say(self, body: bytes) -> None:
        self.said.put_nowait(body)

    async def hear(self, timeout: float) -> bytes:
        heard = await self.heard.get()
        if isinstance(heard, bytes):
            return heard
        raise CodeWrongError if heard == "wrong" else CodeUnknownError

    async def close(self, reason: wire.CodeEnd) -> None:
        self.said.put_nowait(reason)


CODE = Code.of(7, WORDS)
GUESS = Code.of(7, b"\x00\x01")


async def carried(changes: dict[int, Change]) -> tuple[object, object, list[bytes]]:
    """Let two people exchange an invite; change the n-th message. Return results and messages."""
    ada, bob, seen = End(), End(), list[bytes]()
    tasks = [
        asyncio.create_task(hand_over(ada, CODE, INVITE, os.urandom)),
        asyncio.create_task(receive(bob, CODE, os.urandom)),
    ]

    async def carry(source: End, target: End) -> None:
        while True:
            said = await source.said.get()
            if isinstance(said, bytes):
                seen.append(said)
                said = changes.get(len(seen) - 1, lambda body: body)(said)
            target.heard.put_nowait(said)

    carrying = [asyncio.create_task(carry(ada, bob)), asyncio.create_task(carry(bob, ada))]
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE_S)
    for task in carrying:
        task.cancel()
    return results[0], results[1], seen


async def test_a_lobby_that_carries_faithfully_reads_nothing() -> None:
    handed, got, seen = await carried({})
    assert (handed, got) == (None, INVITE)
    assert len(seen) == 4
    assert INVITE.encode() not in b"".join(seen)
    # What it has seen does not tell it later which words were right.
    share, answer, _, sealed = seen
    for words in (CODE, GUESS):
        later = CodeGuest(words, os.urandom(64))
        with pytest.raises(PeerError):
            later.on_answer(answer)
        with pytest.raises(PeerError):
            later.on_invite(sealed)
        with pytest.raises(PeerError):
            CodeOwner(words, os.urandom(64)).on_confirmation(share, INVITE)


@pytest.mark.parametrize("number", range(4), ids=["share", "answer", "confirmation", "invite"])
@pytest.mark.parametrize("at", [0, -1], ids=["first byte", "last byte"])
async def test_a_lobby_that_changes_a_byte_gets_nothing_through(number: int, at: int) -> None:
    def flipped(body: bytes) -> bytes:
        changed = bytearray(body)
        changed[at] ^= 1
        return bytes(changed)

    _, got, _ = await carried({number: flipped})
    assert isinstance(got, CodeWrongError)


async def test_a_lobby_that_plays_both_sides_has_one_guess_at_each() -> None:
    to_bob, to_ada = CodeOwner(GUESS, os.urandom(64)), CodeGuest(GUESS, os.urandom(64))
    ada, bob = End(), End()
    handing = asyncio.create_task(hand_over(ada, CODE, INVITE, os.urandom))
    receiving = asyncio.create_task(receive(bob, CODE, os.urandom))
    share = await bob.said.get()
    assert isinstance(share, bytes)
    bob.heard.put_nowait(to_bob.on_share(share))
    ada.heard.put_nowait(to_ada.share)
    answer = await ada.said.get()
    assert isinstance(answer, bytes)
    with pytest.raises(CodeWrongError):
        to_ada.on_answer(answer)
    assert to_ada._keys is not None
    ada.heard.put_nowait(to_ada._keys.confirm_b)
    with pytest.raises(CodeWrongError):
        await handing
    with pytest.raises(CodeWrongError):
        await receiving
    assert ada.said.get_nowait() == bob.said.get_nowait() == "wrong"


async def test_a_lobby_that_is_silent_in_the_middle_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codes, "STEP_S", 0.05)
    async with a_lobby() as url, two(url) as (ada, bob):
        code, task = await handing(ada)
        await bob.claim(code.number, CodeGuest(code, os.urandom(64)).share)
        with pytest.raises(PeerTimeoutError):
            await task
