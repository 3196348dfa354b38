"""What nobody is to find who reads logs, the audit log, process lists or directories."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.e2e.people import Person, invite_in
from tests.e2e.test_two_people import shows
from tests.machine.jupyter_process import at_once

AGENT = """
import jupyter_peer as peer
me = peer.client()

@me.agent(name="helper")
def helper(turn):
    return "the-answer-of-ada"
"""
SAID = ("the-question-of-bob", "the-answer-of-ada", "the-output-of-ada", "the-line-of-bob")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Person, Person]]:
    for name in ("ada", "bob"):
        (tmp_path / name).mkdir()
    people = at_once(
        [
            partial(Person, tmp_path / name, name, options=("--debug",), password=password)
            for name, password in (("ada", None), ("bob", "open sesame"))
        ],
        Person.stop,
    )
    yield people[0], people[1]
    for person in people:
        person.stop()


async def test_what_is_said_and_what_opens_doors_is_in_no_log_list_or_open_file(
    two: tuple[Person, Person], tmp_path: Path
) -> None:
    ada, bob = two
    async with ada.notebook() as hers, bob.notebook() as his:
        invite = invite_in(await hers.run("%peer invite"))
        await his.run(f"%peer pair {invite}")
        open_invite = ada.command("invite").strip()
        assert open_invite.startswith("jpeer1:")
        await hers.run(AGENT)
        await hers.run("%%peer share loss --with bob\nprint('the-output-of-ada')")
        await hers.run("%peer agent on")
        opens = "import jupyter_peer as p; print(p.client().open('ada/loss').outputs)"
        await shows(his, opens, "the-output-of-ada")
        assert "the-answer-of-ada" in await his.run("%peer ask ada the-question-of-bob")
        await his.run("%peer chat ada the-line-of-bob")
        secret = await hers.run(
            "import os; print(open(os.environ['JUPYTER_PEER_SECRET_FILE']).read())"
        )
        secrets = [*SAID, invite, open_invite.split()[0], secret.strip()]
        for person in two:
            secrets += _of_server(person)
        logs = "".join((tmp_path / name / "server.log").read_text() for name in ("ada", "bob"))
        assert logs.count("jupyter_peer") > 10
        assert "DEBUG" in logs or " D " in logs
        audits = json.dumps([person.peer_call("GET", "audit?limit=1000") for person in two])
        for process in (psutil.Process(person.server.pid) for person in two):
            for each in (process, *process.children(recursive=True)):
                audits += " ".join(each.cmdline())
        # parts too: an invite's payload, a key's lines
        found = [part for part in secrets if part in logs or part in audits]
        assert found == []
        for name in ("ada", "bob"):
            _check_modes(tmp_path / name / "data" / "peer")
        for person in two:
            assert stat.S_IMODE(person.server.runtime_file.stat().st_mode) == 0o600


def _of_server(person: Person) -> list[str]:
    """Return the secret of the command line and the lines of the private key."""
    runtime = json.loads(person.server.runtime_file.read_text())
    key = Path(runtime["data_dir"], "identity.key").read_text()
    lines = [line for line in key.splitlines() if not line.startswith("-----")]
    assert lines
    return [runtime["secret"], *lines]


def _check_modes(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    names = []
    for file in folder.iterdir():
        names.append(file.name)
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file.name
    assert {"identity.key", "lock", "peer.sqlite"} <= set(names)
    assert not any(re.search(r"\.new-", name) for name in names)
