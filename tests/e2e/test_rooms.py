"""Two people meet in rooms, by magics, Python and the command line, at a relay of its own process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pytest

from jupyter_peer.demo.notebooks import CellError
from tests.e2e.people import Person, invite_in
from tests.machine.jupyter_process import at_once
from tests.machine.waiting import until
from tests.relay.process import relay_process


class Two(NamedTuple):
    ada: Person
    bob: Person


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with relay_process() as relay:
        options = (f"--PeerExtension.lobby_url={relay.url}",)
        starts = [
            partial(Person, tmp_path_factory.mktemp(name), name, options=options)
            for name in ("ada", "bob")
        ]
        people = at_once(starts, Person.stop)
        yield Two(*people)
        for person in people:
            person.stop()


async def test_people_meet_by_magics_pair_and_part(two: Two) -> None:
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        made = await hers.run("%peer room create class --for token --public")
        found = re.search(r"--token (\S+)", made)
        assert found
        assert "everybody who has its token can join" in made
        listed = await his.run("%peer rooms")
        assert re.search(r"class +1 +everybody who has its token +public", listed)
        with pytest.raises(CellError, match="room_refused"):
            await his.run("%peer room join class")
        joined = await his.run(f"%peer room join class --token {found[1]}")
        assert re.search(r"ada +\w{16} +not paired", joined)
        assert "to connect, pair with an invite" in joined
        invite = invite_in(await hers.run("%peer invite"))
        await his.run(f"%peer pair {invite}")
        assert "your peer, connected" in await his.run("%peer rooms")
        assert "left class" in await his.run("%peer room leave class")
        with pytest.raises(CellError, match="unknown_room"):
            await his.run("%peer room leave class")
        assert "left class" in await hers.run("%peer room leave class")
        assert "There are no rooms" in await hers.run("%peer rooms")


async def test_people_are_listed_by_magics_and_by_python(two: Two) -> None:
    async with two.ada.notebook() as hers, two.bob.notebook() as his:
        assert "not listed" in await hers.run("%peer lobby")
        assert "everybody there can see you" in await hers.run("%peer lobby on")
        assert re.search(r"ada +\w{16}", await his.run("%peer lobby who"))
        his_code = "import jupyter_peer as peer; me = peer.client(); "
        show = "print([(node.node_name, node.me) for node in me.lobby_who()])"
        assert "[('ada', False)]" in await his.run(his_code + show)
        await his.run("room = await peer.aio.create_room('lab', join_policy='token')")
        assert "lab token 1" in await his.run(
            "print(room.name, room.join_policy, len(room.members))"
        )
        token = await his.run("print(room.token)")
        await hers.run(
            "import jupyter_peer as peer; "
            f"print(peer.client().join_room('lab', {token.strip()!r}).member_count)"
        )
        await until(lambda: "ada" in str(two.bob.peer_call("GET", "lobby")["rooms"]))
        assert "no room" in await hers.run("%peer lobby off")
        assert "Nobody is listed" in await his.run("%peer lobby who")
        assert "('lab', 1)" in await his.run(
            "print([(room.name, room.member_count) for room in me.rooms()])"
        )
        await his.run("me.leave_room('lab')")


def test_rooms_by_the_command_line(two: Two) -> None:
    made = json.loads(two.ada.command("room", "create", "shell", "--for=token", "--json"))
    assert made["room"]["join_policy"] == "token"
    joined = two.bob.command("room", "join", "shell", f"--token={made['token']}")
    assert re.search(r"ada +\w{16}", joined)
    rooms = json.loads(two.bob.command("rooms", "--json"))["rooms"]
    assert [(room["name"], room["member_count"]) for room in rooms] == [("shell", 2)]
    assert "in shell" in two.bob.command("rooms")
    assert "everybody there can see you" in two.bob.command("lobby", "on")
    assert "bob" in two.ada.command("lobby", "who")
    assert json.loads(two.bob.command("lobby", "off", "--json"))["rooms"] == []
    assert "left shell" in two.ada.command("room", "leave", "shell")
    assert "There are no rooms" in two.ada.command("rooms")
