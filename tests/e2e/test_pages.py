"""Two people type what the pages of the documentation show, and see what the pages say.

Each block is run as it stands on the page. What stands for something of the reader's own is replaced:
the address of a relay, a token, a path, a language model, and runs that nobody waits for.
Blocks of the README and of *Answer questions*, *Ask*, the proxies, the Hub and MCP run in tests of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from traitlets.config import Config

from tests.agents.model_server import model_server
from tests.e2e.people import Notebook, Person, invite_in
from tests.e2e.test_two_people import shows
from tests.machine.certificates import make_certificate
from tests.machine.jupyter_process import at_once
from tests.machine.ports import free_port
from tests.machine.waiting import until
from tests.relay.process import relay_process

DOCS = Path(__file__).parents[2] / "docs"


class Two(NamedTuple):
    ada: Person
    bob: Person
    relay: str


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with relay_process() as relay:
        starts = [partial(Person, tmp_path_factory.mktemp(name), name) for name in ("ada", "bob")]
        ada, bob = at_once(starts, Person.stop)
        invite = ada.peer_call("POST", "invite", {})["invite"]
        assert bob.peer_call("POST", "pair", {"invite": invite})["ok"]
        yield Two(ada, bob, relay.url)
        for person in (ada, bob):
            person.stop()


def blocks(page: str, heading: str, after: str = "\n## ") -> list[str]:
    """Return the blocks of code in a section of a page and in its subsections."""
    text = (DOCS / page).read_text(encoding="utf-8")
    section = text.partition(f"{after}{heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no block below {heading!r}"
    return found


async def test_what_the_page_of_sharing_shows_is_seen_by_bob(two: Two) -> None:
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        (progress,) = blocks("sharing.md", "Share a cell from its code")
        await hers.run(progress.replace("range(40)", "range(2)"))
        assert re.search(r"progress .*Training run", await shows(his, "%peer panes", "progress"))
        tune, use = blocks("sharing.md", "Let a peer use widgets")
        await hers.run(tune)
        await his.run("import jupyter_peer; me = jupyter_peer.client()")
        await his.run(use)
        await shows(his, "print(view.widgets)", "loss at 0.3: 0.000")
        (both,) = blocks("sharing.md", "Share from Python")
        share, watch = both.split("\nview = ")
        await hers.run("figure = 'the figure of Ada'")
        await hers.run(share)
        watch = watch.replace("timeout=60", "timeout=8")
        watching = asyncio.ensure_future(his.run(f"view = {watch}"))
        await shows(
            hers,
            "print([pane['viewers'] for pane in me.panes().mine if pane['name'] == 'loss'])",
            "bob",
        )
        await hers.run("loss.display('another figure')")
        await until(lambda: "another figure" in his.newest, 15)
        await watching
        await hers.run("%peer unshare loss")
        await hers.run("%peer grant progress bob none")
        await hers.run("%peer chat bob the run is done")
        assert "the run is done" in await his.run("%peer chat ada")


async def test_what_the_page_of_guest_links_shows_makes_and_ends_links(two: Two) -> None:
    async with two.ada.notebook() as hers:
        await hers.run("%%peer share progress\nprint('step 39')")
        in_notebook, make, end = blocks("guest-links.md", "Make a link")
        told = await hers.run(in_notebook)
        assert len(set(re.findall(r"http://127\.0\.0\.1:\S+#\S+", told))) == 2
        assert "0 of 20" in told
        assert "#" in await hers.run(make)
        assert "is stopped" in await hers.run(end)
        listed = await hers.run("%peer links")
        assert listed.count("progress") == 2
        (lecture,) = blocks("guest-links.md", "A class on one notebook")
        assert "#" in await hers.run(lecture)
        assert "Week 3" in await hers.run("%peer panes")
        for name in ("lecture", "progress"):
            await hers.run(f"%peer unshare {name}")
        assert "progress" not in await hers.run("%peer links")


async def test_what_the_page_of_agents_shows_answers_bob(two: Two, tmp_path: Path) -> None:
    async with two.ada.notebook() as hers, two.bob.notebook() as his, model_server() as model:
        await hers.run("import jupyter_peer as peer; me = peer.client(); losses = [0.5, 0.25]")
        await hers.run(
            f"import os; os.environ |= {{'OPENAI_BASE_URL': {model.url!r}, 'OPENAI_API_KEY': 'k'}}"
        )
        await hers.run("%%peer share progress --with bob\nprint('step 39')")
        await hers.run("%peer guide")
        (asks,) = blocks("agents.md", "The notebook guide")
        answer = await his.run(asks)
        assert "[0.5, 0.25]" in answer
        assert "step 39" in answer
        await his.run(f"import os; os.chdir({str(tmp_path)!r})")
        await his.run("import jupyter_peer; me = jupyter_peer.client()")
        (verify,) = blocks("agents.md", "Who said what")
        await his.run(verify)
        assert two.ada.server.node_id in two.bob.command(
            "verify", str(tmp_path / "final-loss.proof")
        )
        (with_openai,) = blocks("agents.md", "A turn")
        await hers.run(with_openai)
        assert "you said" in await his.run("%peer ask ada --agent helper well?")
        (with_pydantic_ai,) = blocks("agents.md", "Agents of pydantic-ai")
        # The stand-in for a model speaks the older of OpenAI's two interfaces.
        await hers.run(with_pydantic_ai.replace("openai:", "openai-chat:"))
        assert "you said" in await his.run("%peer ask ada --agent helper well?")
        (allow,) = blocks("agents.md", "Who may ask which agent")
        assert "bob" in await hers.run(allow.replace("bob,cy", "bob"))
        await hers.run("%peer agent off")


async def over(relay: str, notebook: Notebook, text: str) -> str:
    return await notebook.run(text.replace("wss://relay.example", relay))


async def test_what_the_page_of_reach_shows_opens_ways_and_rooms(two: Two) -> None:
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        (switch,) = blocks("reach.md", "The switch")
        # This way would open a port to the network that this machine is in; `tests/nat` takes it.
        switch = re.sub(r"%peer reach network.*\n", "", switch)
        told = await over(two.relay, hers, switch)
        assert two.relay in told
        for notebook in (hers, his):
            await notebook.run(f"%peer reach relay {two.relay}")
        _, code = blocks("reach.md", "Over a relay")
        make, redeem = code.splitlines()
        said = re.search(r"\d+(-[a-z]+)+", await hers.run(make))
        assert said is not None
        assert "ada" in await his.run(re.sub(r"\d+(-[a-z]+)+", said[0], redeem))
        create, join = blocks("reach.md", "Lobby and rooms")
        token = re.search(r"--token (\S+)", await hers.run(create))
        assert token is not None
        assert "ada" in await his.run(join.replace("Jx1OqC...", token[1]))
        for command in ("lobby on", "lobby who", "lobby off"):
            await hers.run(f"%peer {command}")
        for notebook in (hers, his):
            await notebook.run("%peer reach local")


def words_of(block: str, program: str, places: dict[str, str]) -> list[list[str]]:
    """Return the words after a program's name in each of its lines, with the reader's own places."""
    for example, own in places.items():
        block = block.replace(example, own)
    lines = block.replace("\\\n", "").splitlines()
    found = [shlex.split(line, comments=True) for line in lines]
    return [words[len(program.split()) :] for words in found if " ".join(words).startswith(program)]


@contextlib.contextmanager
def served(office: Path, *words: str) -> Iterator[None]:
    """Serve a directory with the command of the page, until it has said where."""
    program = [sys.executable, "-m", "jupyter", "peer", "directory", *words]
    serving = subprocess.Popen(program, cwd=office, stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout is not None
        assert serving.stdout.readline().startswith("https://127.0.0.1:")
        yield
    finally:
        serving.terminate()
        serving.communicate(timeout=20)


def test_the_command_lines_of_relays_and_reach_start_a_relay_a_directory_and_a_node(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make_certificate(tmp_path, "127.0.0.1")
    port, https = str(free_port()), str(free_port())
    files = {"relay-key.pem": str(key), "relay.pem": str(certificate)}
    at_home = {"0.0.0.0": "127.0.0.1", "relay.example:9000": f"127.0.0.1:{port}"}
    (of_relay,) = words_of(
        blocks("relays.md", "Run a relay", after="# ")[0], "jupyter peer relay", at_home | files
    )
    commands, configuration = blocks("reach.md", "Directories")
    monkeypatch.chdir(tmp_path)
    own = {"2QoExqVK...=": two.ada.peer_call("GET", "identity")["public_key"]}
    own |= {"0.0.0.0": "127.0.0.1", "--port=443": f"--port={https}"}
    *make, (serve, *options) = words_of(commands, "jupyter peer directory", own)
    printed, *_ = [two.ada.command("directory", *words) for words in make]
    with served(tmp_path, serve, *options):
        trusting = ssl.create_default_context(cafile=str(certificate))
        url = f"https://127.0.0.1:{https}/directory.json"
        with urllib.request.urlopen(url, timeout=20, context=trusting) as answer:
            assert answer.read() == (tmp_path / "directory.json").read_bytes()
    settings = Config()
    exec(  # the reader's configuration file
        configuration.replace("OSpF7OVt...=", printed.strip()).replace(
            "https://office.example/", f"file://{tmp_path}/"
        ),
        {"c": settings},
    )
    with relay_process(*of_relay, port=int(port)) as relay:
        lines = [
            *blocks("reach.md", "On two machines"),
            blocks("reach.md", "Over a relay")[0],
            *blocks("reach.md", "Through routers"),
        ]
        places = {"wss://relay.example": relay.url, "0.0.0.0:9797": f"127.0.0.1:{free_port()}"}
        of_node = [
            *(
                word
                for line in lines
                for words in words_of(line, "jupyter lab", places)
                for word in words
            ),
            *(f"--PeerExtension.{name}={value}" for name, value in settings.PeerExtension.items()),
            f"--PeerExtension.relay_certificate={certificate}",
        ]
        cy = Person(tmp_path, "cy", options=tuple(dict.fromkeys(of_node)))
        try:
            reach = str(cy.peer_call("GET", "reach"))
            assert "my.host.example" in reach
            assert invite_in(str(cy.peer_call("POST", "invite", {})))
            found = {each["check"]: each for each in cy.peer_call("GET", "doctor")["findings"]}
            assert found["relay"]["status"] == "ok"
            assert "members: 1" in found["directory"]["text"]
        finally:
            cy.stop()
