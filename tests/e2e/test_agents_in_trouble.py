"""Agents over a relay, in a circle, and while servers and kernels are killed and restarted in mid-turn.

Ada and Cy can be dialled, Bob is reached by a relay alone; all are real servers, with real kernels.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, NamedTuple

import psutil
import pytest

from jupyter_peer.demo.notebooks import CellError
from tests.e2e.people import Notebook, Person
from tests.machine.jupyter_process import at_once
from tests.machine.waiting import until
from tests.relay.process import relay_process

# Longer than anything here takes on a busy machine, and much less than a question's minute.
BOUND_S = 20.0

#: Writes a piece and goes on until nobody wants the rest.
WATCHMAN = """
import threading, time
import jupyter_peer as peer
me = peer.client()
ended = threading.Event()

@me.agent(name="watchman")
def watchman(turn):
    yield "so far"
    if "stay" in turn.prompt:
        try:
            while not turn.is_over:
                time.sleep(0.01)
        finally:
            ended.set()
    yield f", and all for {turn.peer.label}"
"""
PASSES_ON = """
import jupyter_peer as peer
me = peer.client()

@me.agent(name="passes-on")
def passes_on(turn):
    return me.ask("{}", turn.prompt)
"""

DRAWS = """
%matplotlib inline
import jupyter_peer as peer

@peer.client().agent(name="draws")
def draws(turn):
    import matplotlib.pyplot as plt
    plt.plot([1, 2, 3])
    return plt.gcf()
"""


class Three(NamedTuple):
    ada: Person
    bob: Person
    cy: Person


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    with relay_process() as relay:
        by_relay = (f"--PeerExtension.relay_url={relay.url}",)
        alone = (*by_relay, "--PeerExtension.enable_direct=False")
        starts = [
            partial(Person, tmp_path_factory.mktemp(name), name, options=options)
            for name, options in (("ada", by_relay), ("bob", alone), ("cy", by_relay))
        ]
        people = Three(*at_once(starts, Person.stop))
        try:
            for one, other in ((0, 1), (0, 2), (1, 2)):
                invite = people[one].peer_call("POST", "invite", {})["invite"]
                answer = people[other].peer_call("POST", "pair", {"invite": invite})
                assert answer["ok"], answer
            yield people
        finally:
            for person in people:
                person.stop()


def path(person: Person, other: str) -> str | None:
    """By which path somebody is connected with another, None for not at all."""
    (peer,) = [p for p in person.peer_call("GET", "peers")["peers"] if p["node_name"] == other]
    return peer["transport"] if peer["status"] == "connected" else None


def noted(person: Person, kind: str, **detail: Any) -> list[dict[str, Any]]:
    """The entries of a kind in somebody's audit log that have these details, oldest first."""
    log = person.peer_call("GET", "audit?limit=500")["audit"]
    found = [e["detail"] for e in reversed(log) if e["kind"] == kind]
    return [each for each in found if detail.items() <= each.items()]


@contextlib.asynccontextmanager
async def in_mid_turn(
    asker: Notebook, seconds: float = 2 * BOUND_S
) -> AsyncIterator[asyncio.Task[str]]:
    """Ask, and go on as soon as the first words of the answer stand in the asker's notebook."""
    asking = asyncio.ensure_future(
        asker.run(f"%peer ask --timeout {seconds} ada stay with me", 2 * BOUND_S)
    )
    try:
        await until(lambda: asking.done() or "so far" in asker.newest, BOUND_S)
        assert not asking.done(), asking.result()
        yield asking
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def code_of(asking: asyncio.Task[str]) -> str:
    """Return the code with which a question ends, which it does within the bound."""
    with pytest.raises(CellError) as failed:
        await asyncio.wait_for(asyncio.shield(asking), BOUND_S)
    code = re.search(r"%peer ask: .*\[(\w+)\]", str(failed.value))
    assert code is not None, failed.value
    return code[1]


async def answers(asker: Notebook) -> bool:
    """Whether two questions at once are answered: as many as one peer may have under way."""
    ask = "print(*await asyncio.gather(*(me.aio.ask('ada', '?') for _ in range(2))), sep=chr(10))"
    told = await asker.run(f"import asyncio, jupyter_peer\nme = jupyter_peer.client()\n{ask}")
    return told.count("so far, and all for ") == 2


async def test_over_a_relay_a_question_is_answered_and_who_stops_waiting_ends_it(three: Three):
    ada, bob, _ = three
    assert path(bob, "ada") == "relay"
    async with ada.notebook() as adas, bob.notebook() as bobs:
        await adas.run(WATCHMAN)
        await adas.run("%peer agent on")
        assert "so far, and all for bob" in await bobs.run("%peer ask ada well?")
        async with in_mid_turn(bobs) as asking:
            bob.call("POST", f"api/kernels/{bobs.kernel_id}/interrupt", {})
            with pytest.raises(CellError, match="interrupted"):
                await asyncio.wait_for(asking, BOUND_S)
        assert "True" in await adas.run(f"print(ended.wait({BOUND_S}))")
        assert await answers(bobs)


async def test_an_answering_kernel_that_ends_in_mid_turn_is_told_and_can_be_asked_anew(
    three: Three,
):
    ada, bob, _ = three
    async with bob.notebook() as bobs:
        for how in ("killed", "restarted"):
            async with ada.notebook() as adas:
                await adas.run(WATCHMAN)
                await adas.run("%peer agent on")
                assert await answers(bobs)
                pid = await adas.pid()
                async with in_mid_turn(bobs) as asking:
                    if how == "killed":
                        os.kill(pid, signal.SIGKILL)
                    else:
                        adas.restart()
                    assert await code_of(asking) == "agent_gone"
        await until(lambda: len(noted(ada, "agent_turn_ended", outcome="agent_gone")) == 2, BOUND_S)
        async with ada.notebook() as again:
            await again.run(WATCHMAN)
            assert await answers(bobs)


async def test_an_asking_kernel_that_is_restarted_ends_the_turn_of_the_peer(three: Three):
    ada, _, cy = three
    async with ada.notebook() as adas, cy.notebook() as cys:
        await adas.run(WATCHMAN)
        await adas.run("%peer agent on")
        before = len(noted(ada, "agent_turn_ended", outcome="turn_cancelled"))
        async with in_mid_turn(cys):
            cys.restart()
            assert "True" in await adas.run(f"print(ended.wait({BOUND_S}))")
        await until(
            lambda: len(noted(ada, "agent_turn_ended", outcome="turn_cancelled")) == before + 1,
            BOUND_S,
        )
        assert ada.peer_call("GET", "agents")["turns"] == 0


async def test_three_agents_that_ask_each_other_in_a_circle_are_stopped_by_the_chain(three: Three):
    ada, bob, cy = three
    ring = list(zip(three, (bob, cy, ada), strict=True))
    before = {person.name: len(noted(person, "agent_turn")) for person in three}
    async with contextlib.AsyncExitStack() as opened:
        notebooks = []
        for person, other in ring:
            notebook = await opened.enter_async_context(person.notebook())
            await notebook.run(PASSES_ON.format(other.name))
            await notebook.run("%peer agent on")
            notebooks.append(notebook)
        asking = asyncio.ensure_future(notebooks[0].run("%peer ask bob who knows?"))
        assert await code_of(asking) == "agent_loop"
    ids = [person.server.node_id for person in three]
    # The question went to Bob and to Cy, who asks Ada no more: it began with her.
    for person, chain in ((bob, ids[:1]), (cy, ids[:2])):
        (turn,) = noted(person, "agent_turn")[before[person.name] :]
        assert turn["chain"] == chain
        await until(partial(noted, person, "agent_turn_ended", turn=turn["turn"]), BOUND_S)
        (end,) = noted(person, "agent_turn_ended", turn=turn["turn"])
        assert end["outcome"] == "agent_loop"
    assert len(noted(ada, "agent_turn")) == before["ada"]
    # All three logs name the same question, and the chain as far as it had come there.
    for person in three:
        await until(partial(noted, person, "agent_asked", outcome="agent_loop"), BOUND_S)
    asked = [noted(person, "agent_asked", outcome="agent_loop")[-1] for person in three]
    assert [each["chain"] for each in asked] == [ids[:1], ids[:2], ids]
    assert len({each["question"] for each in asked}) == 1
    assert turn["question"] == asked[0]["question"]


async def test_a_figure_comes_through_a_chain_of_agents_to_who_asked_first(three: Three):
    ada, bob, cy = three
    async with ada.notebook() as adas, bob.notebook() as bobs, cy.notebook() as cys:
        await cys.run(DRAWS)
        await bobs.run(PASSES_ON.format("cy"))
        for notebook in (bobs, cys):
            await notebook.run("%peer agent on")
        asks = "import jupyter_peer\nanswer = jupyter_peer.client().ask('bob', 'draw')"
        shows = "print([sorted(getattr(p, 'bundle', {'data': p})['data']) for p in answer.parts])"
        assert "image/png" in await adas.run(f"{asks}\n{shows}")
        assert noted(cy, "agent_turn")[-1]["chain"] == [ada.server.node_id, bob.server.node_id]


# Last of all, since nobody else's links are to be mended by the tests before.
async def test_a_server_killed_in_mid_turn_is_noticed_by_all_who_ask_and_answers_again_later(
    three: Three,
):
    ada, bob, cy = three
    async with bob.notebook() as bobs, cy.notebook() as cys:
        async with ada.notebook() as adas:
            await adas.run(WATCHMAN)
            await adas.run("%peer agent on")
            kernel = psutil.Process(await adas.pid())
            async with in_mid_turn(bobs, 10.0) as by_relay, in_mid_turn(cys) as directly:
                begun = time.monotonic()
                ada.server.kill()
                codes = await asyncio.gather(code_of(by_relay), code_of(directly))
                # A relay waits for a node that is away, which may come back: here the deadline ends it.
                assert codes == ["timeout", "link_closed"]
                assert time.monotonic() - begun < BOUND_S
        for person, code in zip((bob, cy), codes, strict=True):
            await until(partial(noted, person, "agent_asked", outcome=code), BOUND_S)
        # Nothing of the killed server stays behind: its kernel ends by itself.
        _, alive = psutil.wait_procs([kernel], timeout=BOUND_S)
        assert alive == []
        ada.restart()
        async with ada.notebook() as again:
            await again.run(WATCHMAN)
            await again.run("%peer agent on")
            for person, way in ((bob, "relay"), (cy, "direct")):
                await until(lambda p=person, way=way: path(p, "ada") == way, BOUND_S)
            assert await answers(bobs)
            assert await answers(cys)
