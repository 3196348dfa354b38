"""Two people pair by every door, and share through magics, each on a Jupyter server of their own.

Ada logs in with a token and Bob with a password, under different base URLs.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from jupyter_peer.demo.notebooks import CellError
from tests.e2e.people import Notebook, Person, invite_in
from tests.machine.jupyter_process import at_once
from tests.machine.waiting import until, until_sync

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SHOWN = """
class Shown:
    def __init__(self, bundle):
        self.bundle = bundle

    def _repr_mimebundle_(self, **kwargs):
        return self.bundle
"""


class Two(NamedTuple):
    ada: Person
    bob: Person

    def part(self) -> None:
        """Let both forget each other."""
        for person in self:
            for peer in person.peer_call("GET", "peers")["peers"]:
                person.peer_call("DELETE", f"peers/{peer['node_id']}")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    starts = [
        partial(Person, tmp_path_factory.mktemp("ada"), "ada"),
        partial(Person, tmp_path_factory.mktemp("bob"), "bob", password="open sesame"),
    ]
    people = at_once(starts, Person.stop)
    yield Two(*people)
    for person in people:
        person.stop()


def pair(two: Two) -> None:
    """Let both be each other's peers and nobody else's."""
    two.part()
    invite = two.ada.peer_call("POST", "invite", {})["invite"]
    assert two.bob.peer_call("POST", "pair", {"invite": invite})["ok"]


async def by_rest(two: Two) -> str:
    invite = two.ada.peer_call("POST", "invite", {"ttl_s": 600})["invite"]
    answer = two.bob.peer_call("POST", "pair", {"invite": invite})
    return f"{answer['peer']['node_name']} {answer['peer']['transport']}"


async def by_magics(two: Two) -> str:
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        invite = invite_in(await hers.run("%peer invite --ttl 10m"))
        return await his.run(f"%peer pair {invite}")


async def by_panels(two: Two) -> str:
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        for notebook in (hers, his):
            await notebook.run("panel = get_ipython().run_line_magic('peer', 'panel')")
        await hers.run("panel.invites.mint_button.click()")
        invite = invite_in(await shows(hers, "print(panel.invites.text.value)", "jpeer1:"))
        await his.run(f"panel.pair_text.value = '{invite}'\npanel.pair_button.click()")
        return await shows(his, "print(panel.progress.value)", "Connected with")


async def by_commands(two: Two) -> str:
    invite = two.ada.command("invite", "--ttl=10m")
    two.bob.command("pair", stdin=invite)
    return two.bob.command("list")


async def shows(notebook: Notebook, source: str, text: str) -> str:
    """Run a cell until it shows a text, and return all it shows."""
    shown = ""

    async def look() -> bool:
        nonlocal shown
        shown = await notebook.run(source)
        return text in shown

    await until(look, 30, f"{text!r} from {source!r}")
    return shown


SLIDER = """%%peer share tune --with bob --grant interact
import ipywidgets as w
slider, out = w.IntSlider(description="n", max=1000), w.Output()
def changed(change):
    with out:
        print("now", change.new)
slider.observe(changed, "value")
display(w.VBox([slider, out]))"""
USE = """
view = me.open("ada/tune")
while "n" not in {m["state"].get("description") for m in view.widgets["state"].values()}:
    assert view.wait_for_update(timeout=15)
for number in range(1, 101):
    view.set("n", value=number)
def printed():
    shown = [m["state"].get("outputs") or [] for m in view.widgets["state"].values()]
    return "".join(output["text"] for outputs in shown for output in outputs)
while not printed().endswith("now 100\\n"):
    assert view.wait_for_update(timeout=15)
print("seen", view.outputs[0]["data"]["text/plain"][:4])
"""


async def test_bob_moves_adas_slider_until_she_takes_it_back(two: Two) -> None:
    pair(two)
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        await his.run("import jupyter_peer as peer; me = peer.client()")
        await hers.run(SLIDER)
        assert "seen VBox" in await his.run(USE)
        assert "100" in await hers.run("print(slider.value)")
        await hers.run("%peer grant tune bob view")
        with pytest.raises(CellError, match="NotGrantedError"):
            await his.run("view.set('n', value=5)")
        two.ada.command("grant", "tune", "bob", "interact")
        await his.run("view.set('n', value=7)")
        await shows(hers, "print('value', slider.value)", "value 7")
        bob = two.bob.peer_call("GET", "identity")["node_id"]
        (pane,) = two.ada.peer_call("GET", "panes")["mine"]
        assert pane["grants"] == {bob: "interact"}
        two.ada.peer_call("PATCH", "panes/tune", {"peer": "bob", "grant": "none"})
        with pytest.raises(CellError):
            await his.run("view.set('n', value=8)")
        assert "value 7" in await hers.run("print('value', slider.value)")


async def test_the_five_minutes_of_the_readme_run_as_they_are_written(two: Two) -> None:
    minutes = README.partition("## Five minutes")[2].partition("## Two commands")[0]
    cells = re.findall(r"^```python\n(.*?)^```$", minutes, re.MULTILINE | re.DOTALL)
    make, redeem, switch, share, watch, ask = cells
    two.part()
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        # Both are at one machine, and nobody waits for the whole run.
        made = await hers.run(re.sub(r"%peer reach network.*\n", "", make))
        pasted = re.sub(r"jpeer1:\S+", invite_in(made), redeem)
        assert "ada" in await his.run(pasted)
        await hers.run(switch)
        running = asyncio.ensure_future(hers.run(share.replace("range(40)", "range(8)")))
        await shows(his, "%peer list", "progress")
        await shows(his, watch, "step")
        assert "step" in await his.run(ask)
        await running
        for command in re.findall(r"`(%peer (?:grant|unshare) [^`]+)`", minutes):
            await hers.run(command)
        mine = two.ada.peer_call("GET", "panes")["mine"]
        assert "progress" not in [pane["name"] for pane in mine]
        await hers.run("%peer agent off")


@pytest.mark.parametrize("door", [by_rest, by_magics, by_panels, by_commands])
async def test_a_token_and_a_password_server_under_other_base_urls_pair(
    two: Two, door: Callable[[Two], Awaitable[str]]
) -> None:
    two.part()
    told = await door(two)
    assert "ada" in told
    assert "direct" in told
    for person, other in ((two.ada, two.bob), (two.bob, two.ada)):
        (peer,) = person.peer_call("GET", "peers")["peers"]
        assert peer["node_id"] == other.server.node_id
        assert peer["node_name"] == other.name
        assert peer["status"] == "connected"
        assert peer["trusted"]


async def test_the_doctor_answers_in_a_notebook_and_a_terminal(two: Two) -> None:
    pair(two)
    async with two.bob.notebook() as his:
        text = await his.run("%peer doctor")
        assert "ok       Base URL\n         The path for peers is /bob/peer-ws" in text
        assert "ok       Clock\n" in text
        assert "failed" not in text
        text = await his.run("%peer doctor ada")
        assert "proves its key" in text
        assert text.rstrip().endswith("4 ok")
        same = "import jupyter_peer as peer\nfound = await peer.aio.doctor('ada')\n"
        text = await his.run(same + "print(found.is_well, peer.client().doctor('ada').summary())")
        # The peer answers only so many measurements a second, so the second may be skipped.
        assert text.split("\n")[0] in ("True 4 ok", "True 3 ok, 1 skipped")
    assert "Connected (direct, sealed)" in two.bob.command("doctor", "ada")


async def test_path_and_round_trip_of_a_peer_stand_on_every_surface(two: Two) -> None:
    pair(two)
    way = r"direct\D+[\d.]+ ms"
    async with two.bob.notebook() as his:
        await his.run("import jupyter_peer as peer\nme, told = peer.client(), []")
        await his.run("end = me.on_event('peers', lambda data: told.extend(data['peers']))")
        await his.run("%peer disconnect ada")
        assert re.search(way, await his.run("%peer connect ada"))
        last = "print([(p['transport'], bool(p['rtt_ms'])) for p in told][-1])"
        await shows(his, last, "('direct', True)")
        assert re.search(way, await his.run("%peer list"))
        await his.run("panel = get_ipython().run_line_magic('peer', 'panel')")
        assert re.search(way, await his.run("print(panel.peers.children[0].text.value)"))
    assert re.search(way, two.bob.command("list"))
    (seen,) = two.bob.peer_call("GET", "peers")["peers"]
    assert seen["transport"] == "direct"
    assert seen["rtt_ms"] > 0
    (figures,) = two.bob.peer_call("GET", "metrics")["peers"].values()
    assert figures["transport"] == "direct"
    assert figures["rtt_ms"] > 0


async def test_people_write_to_each_other_by_magics_python_and_command_line(two: Two) -> None:
    pair(two)
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        await his.run("import jupyter_peer as peer\nheard = []")
        await his.run("me = peer.client()\nend = me.on_event('chat', heard.append)")
        assert "you to bob: it's <b>done</b>" in await hers.run("%peer chat bob it's <b>done</b>")
        await shows(his, "print(heard[-1]['lines'][-1]['text'])", "it's <b>done</b>")
        assert "ada: it's <b>done</b>" in await his.run("%peer chat ada")
        await his.run("sent = me.chat('ada', 'thanks')")
        assert "True thanks" in await his.run("print(sent.mine, (await peer.aio.chats())[-1].text)")
        assert "you to bob: it's <b>done</b>" in two.ada.command("chat")
        assert "bob: thanks" in two.ada.command("chat", "bob")
        two.ada.command("chat", "bob", "-", stdin="from a terminal\n")
        await shows(his, "%peer chat ada", "ada: from a terminal")
        await hers.run("%peer disconnect bob")
        with pytest.raises(CellError, match="not_connected"):
            await hers.run("%peer chat bob hello")


async def test_a_pane_is_shared_watched_refused_granted_again_and_withdrawn_by_magics(
    two: Two,
) -> None:
    pair(two)
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        await hers.run("%%peer share steps --with bob --title Steps\nprint('step one')")
        await shows(his, "%peer panes", "steps")
        shown = await his.run("view = get_ipython().run_line_magic('peer', 'open ada/steps')\nview")
        assert "step one" in shown
        assert "ada/steps (live) · Steps" in shown
        assert "connected directly" in shown
        assert "bob" in await shows(hers, "%peer panes", "bob")

        await hers.run("%peer grant steps bob none")
        await shows(his, "print(view.status)", "withdrawn")
        with pytest.raises(CellError, match=r"\[not_granted\] - ask ada to share"):
            await his.run("%peer open ada/steps")

        await hers.run("%peer grant steps bob view")
        await shows(his, "%peer panes", "steps")
        assert "step one" in await his.run("%peer open ada/steps")

        await hers.run("%peer unshare steps")
        await shows(his, "%peer panes", "No pane is shared with you")
        log = await hers.run("%peer log")
        assert "pane shared" in log
        assert "bob" in log


async def test_a_pane_ends_with_its_kernel_and_says_so(two: Two) -> None:
    pair(two)
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        await hers.run("%%peer share life --with bob\nprint('alive')")
        await shows(his, "%peer panes", "life")
        await his.run("view = get_ipython().run_line_magic('peer', 'open ada/life')")
        hers.restart()
        await shows(his, "print(view.status)", "ended")
        assert "alive" in await his.run("view")  # what was shown stays


async def test_without_a_link_a_pane_is_last_seen_and_with_it_it_goes_on(two: Two) -> None:
    pair(two)
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        await hers.run(
            "import jupyter_peer\npane = jupyter_peer.client().share('n', with_=['bob'])"
        )
        await hers.run("pane.display(1111)")
        await shows(his, "%peer panes", "n ")
        await his.run("view = get_ipython().run_line_magic('peer', 'open ada/n')")
        await shows(his, "view", "1111")
        await his.run("%peer disconnect ada")
        await shows(his, "view", "last seen")
        await hers.run("pane.display(2222)")
        assert "1111" in await his.run("view")
        await his.run("%peer connect ada")
        shown = await shows(his, "view", "2222")
        assert "(live)" in shown


async def test_a_kernel_that_is_killed_in_the_middle_of_a_word_ends_its_pane(two: Two) -> None:
    pair(two)
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        talk = "import os, itertools\nprint(os.getpid())\nfor n in itertools.count(): print(n)"
        talking = asyncio.ensure_future(hers.run(f"%%peer share talk --with bob\n{talk}"))
        await shows(his, "%peer panes", "talk")
        await his.run("view = get_ipython().run_line_magic('peer', 'open ada/talk')")
        seen = await shows(
            his, "print(view.outputs[0]['text'][:20] if view.outputs else '')", "\n1"
        )
        os.kill(int(seen.split()[0]), signal.SIGKILL)
        await shows(his, "print(view.status)", "ended")
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        assert two.bob.peer_call("GET", "peers")["peers"][0]["status"] == "connected"


async def test_an_output_of_30_mb_arrives_whole_while_pings_stay_quick(two: Two) -> None:
    pair(two)
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        await hers.run(
            SHOWN + "import hashlib, os, jupyter_peer\n"
            "pane = jupyter_peer.client().share('big', with_=['bob'])\n"
            "tree = {'rate': 1, 'layers': {'z': 1, 'a': 2}, '10': 0, '9': 0}\n"
            "big = os.urandom(15_000_000).hex()"
        )
        await shows(his, "%peer panes", "big")
        await his.run(
            "import hashlib, statistics, time, jupyter_peer\n"
            "me = jupyter_peer.client()\n"
            "view = me.open('ada/big')"
        )
        waiting = asyncio.ensure_future(
            his.run(
                "pings = []\n"
                "while not view.outputs:\n"
                "    pings.append(me.ping('ada'))\n"
                "    time.sleep(0.01)\n"
                "data = view.outputs[0]['data']['text/x-big']\n"
                "print(len(data), hashlib.sha256(data.encode()).hexdigest())\n"
                "print(len(pings), statistics.median(pings))\n"
                "print(list(view.outputs[0]['data']), view.outputs[0]['data']['application/json'])"
            )
        )
        await hers.run(
            "pane.display(Shown({'text/x-big': big, 'application/json': tree, 'text/plain': 'big'}))"
        )
        digest = await hers.run("print(len(big), hashlib.sha256(big.encode()).hexdigest())")
        arrived, pings, order = (await waiting).strip().splitlines()
        assert arrived == digest.strip()
        # What holds it has its keys as their owner wrote them.
        kinds = "['text/x-big', 'application/json', 'text/plain']"
        assert order == f"{kinds} {{'rate': 1, 'layers': {{'z': 1, 'a': 2}}, '10': 0, '9': 0}}"
        assert float(pings.split()[1]) < 250, pings


async def test_a_thousand_updates_a_second_end_in_the_newest_at_a_viewer_that_stood_still(
    two: Two,
) -> None:
    pair(two)
    servers = [psutil.Process(person.server.pid) for person in two]
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        await hers.run(
            SHOWN + "import time, jupyter_peer\npane = jupyter_peer.client().share('n', ['bob'])"
        )
        await shows(his, "%peer panes", "n ")
        await his.run("view = get_ipython().run_line_magic('peer', 'open ada/n')")
        pid = int(await his.run("import os; print(os.getpid())"))
        before = [process.memory_info().rss for process in servers]
        os.kill(pid, signal.SIGSTOP)
        try:
            # 20 MB of text in all, of which the last 20 KB matter
            await hers.run(
                "begun = time.monotonic()\n"
                "for n in range(1000):\n"
                "    pane.display(Shown({'text/plain': f'{n} ' + 'x' * 20_000}))\n"
                "    time.sleep(max(0, begun + n / 1000 - time.monotonic()))",
                timeout=90,
            )
        finally:
            os.kill(pid, signal.SIGCONT)
        await shows(his, "print(view.outputs[0]['data']['text/plain'][:4])", "999 ")
        for process, rss in zip(servers, before, strict=True):
            assert process.memory_info().rss - rss < 100e6


async def test_a_server_that_is_killed_comes_back_with_its_peers_and_the_other_finds_it(
    two: Two,
) -> None:
    pair(two)
    node_id = two.ada.server.node_id
    async with two.bob.notebook() as his, two.ada.notebook() as hers:
        await hers.run("%%peer share fate --with bob\nprint('before')")
        await shows(his, "%peer panes", "fate")
        await his.run("view = get_ipython().run_line_magic('peer', 'open ada/fate')")
        two.ada.server.kill()
        await shows(his, "view", "last seen")
        two.ada.restart()
        assert two.ada.server.node_id == node_id

        def is_back() -> bool:
            (peer,) = two.bob.peer_call("GET", "peers")["peers"]
            return bool(peer["status"] == "connected")

        until_sync(is_back, 40)
        (known,) = two.ada.peer_call("GET", "peers")["peers"]
        assert known["node_name"] == "bob"
        # the kernel died with its server, so there is nothing more to come
        await shows(his, "print(view.status in ('ended', 'withdrawn'))", "True")
        assert "before" in await his.run("view")
