"""Two people whose agents ask and answer: real servers, real kernels, as in notebooks."""

from __future__ import annotations

import asyncio
import json
import re
import textwrap
from pathlib import Path

import pytest

from tests.e2e.people import Person
from tests.machine.waiting import until

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


def cells_of_the_page(heading: str) -> list[str]:
    """Return the blocks of code in a section of the page, word for word."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```(?:python)?\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def two(tmp_path: Path):
    for name in ("ada", "bob"):
        (tmp_path / name).mkdir()
    people = Person(tmp_path / "ada", "ada"), Person(tmp_path / "bob", "bob", "secret")
    yield people
    for person in people:
        person.server.stop()


def outcomes(person: Person) -> list[str]:
    entries = person.peer_call("GET", "audit?limit=100")["audit"]
    return [e["detail"]["outcome"] for e in entries if e["kind"] == "agent_turn_ended"]


async def test_a_question_is_answered_by_the_reader_and_by_the_agent_that_the_page_shows(two):
    ada, bob = two
    invite = ada.peer_call("POST", "invite", {})["invite"]
    assert bob.peer_call("POST", "pair", {"invite": invite})["ok"]
    async with ada.notebook() as adas, bob.notebook() as bobs:
        assert "not_enabled" in json.dumps(
            bob.peer_call("POST", "ask-peer", {"peer_id": "ada", "prompt": "?"})
        )
        await adas.run("%%peer share progress --with bob\nprint('step 39')")
        await adas.run("%peer agent on")
        answer = await bobs.run("%peer ask ada what's the last step?")
        assert "built-in reader" in answer
        assert "step 39" in answer
        (registers,) = cells_of_the_page("Answer questions")
        (asks,) = cells_of_the_page("Ask")
        await adas.run(registers)
        assert "You may see progress. step 39" in await bobs.run(asks)
        asked = await bobs.run("import jupyter_peer as p; print(p.client().ask('ada', 'well?'))")
        assert "You may see progress. step 39" in asked
        await until(lambda: len(outcomes(ada)) == 3, 15)


async def test_the_guide_answers_from_the_notebook_and_runs_its_cells_only_with_a_yes(two):
    ada, bob = two
    invite = ada.peer_call("POST", "invite", {})["invite"]
    assert bob.peer_call("POST", "pair", {"invite": invite})["ok"]
    async with ada.notebook() as adas, bob.notebook() as bobs:
        await adas.run("import jupyter_peer as peer; me = peer.client(); losses = [0.5, 0.25]")
        cell = "from IPython.display import HTML; print(len(losses)); losses.append(0.125); HTML('<b>')"
        await adas.run("%peer guide --cells --mode ask")
        await adas.run(cell)
        asks = "import jupyter_peer as p; me = p.client(); print(me.ask('ada', '{}').parts)"
        about = await bobs.run(asks.format("what is in losses?"))
        assert "losses: list (3 items)\\n  [0.5, 0.25, 0.125]" in about
        listed = await bobs.run(asks.format("list your cells"))
        number = re.search(r"\[(\d+)\] from IPython.display", listed)[1]
        assert "\\nme: " not in await bobs.run(asks.format("what is there?"))
        await adas.run("me.approvals()")
        asking = asyncio.ensure_future(bobs.run(asks.format(f"run cell {number}")))
        allow = "for each in me.approvals():\n    print(each['tool'], me.approve(each['id'], True))"
        while "run_cell" not in await adas.run(allow):
            pass
        ran = await asking
        assert "3\\n" in ran
        assert "HTML object" in ran
        assert "[0.5, 0.25, 0.125, 0.125]" in await adas.run("losses")


async def test_what_an_agent_draws_reaches_the_asker_and_no_cell_of_its_owner(two):
    ada, bob = two
    invite = ada.peer_call("POST", "invite", {})["invite"]
    assert bob.peer_call("POST", "pair", {"invite": invite})["ok"]
    async with ada.notebook() as adas, bob.notebook() as bobs:
        await adas.run(
            textwrap.dedent("""
            %matplotlib inline
            import matplotlib.pyplot as plt
            import jupyter_peer as peer
            from IPython.display import display
            from threading import Event

            drawn, go_on = Event(), Event()

            @peer.client().agent(name="painter")
            def painter(turn):
                plt.plot([1, 2, 3])
                display("displayed in the turn")
                drawn.set()
                go_on.wait(20)
                yield plt.gcf()

            async def hasty(turn):
                display("displayed in a coroutine")
                return plt.subplots()[0]

            %peer agent on --agent painter
            """)
        )
        await bobs.run(
            textwrap.dedent("""
            import jupyter_peer as peer
            me = peer.client()
            from concurrent.futures import ThreadPoolExecutor
            asking = ThreadPoolExecutor().submit(me.ask, "ada", "draw")
            """)
        )
        # The owner's cells end while a turn's figure is open: they draw their own and no other.
        own = "drawn.wait(20); plt.figure(); plt.title('mine'); print(plt.get_fignums())"
        shown = await adas.run(own)
        assert "[1]" in shown
        assert shown.count("<Figure") == 1
        await adas.run("go_on.set()")
        parts = await bobs.run(
            "print([sorted(getattr(p, 'bundle', {'data': {}})['data']) for p in asking.result().parts])"
        )
        assert "['text/plain'], ['image/png', 'text/plain']" in parts
        after = await adas.run("print(plt.get_fignums())\npeer.client().agent(hasty)")
        assert "[]" in after
        assert "displayed in the turn" not in after
        assert "<Figure" not in after
        parts = await bobs.run("print([str(p) for p in me.ask('ada', '?', agent='hasty').parts])")
        assert "displayed in a coroutine" in parts
        assert "Figure" in parts
        assert "displayed" not in await adas.run("print('quiet')")
