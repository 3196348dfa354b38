"""Two real servers that know each other by a directory alone."""

from __future__ import annotations

import contextlib
import time

import pytest

from jupyter_peer.directory.serve import DirectoryServer
from jupyter_peer.errors import BadRequestError
from tests.directory.office import OFFICE, GivenSource, member_of, signed
from tests.machine.waiting import until
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")


def settings(url, **more):
    return {
        "trust_mode": "directory",
        "directory_url": url,
        "directory_key": OFFICE.public_key_b64,
        "directory_refresh_s": 1.0,
        **more,
    }


@contextlib.asynccontextmanager
async def two(tmp_path, url, **more):
    ada = jupyter_server(tmp_path / "ada", PeerExtension=settings(url, node_name="ada", **more))
    bob = jupyter_server(tmp_path / "bob", PeerExtension=settings(url, node_name="bob", **more))
    async with ada as a, bob as b:
        yield a, b


async def link_of(server):
    return [peer["status"] for peer in (await server.call("GET", "peers"))["peers"]]


async def refused(ada, bob):
    answer = await ada.fetch(
        "jupyter-peer/api/connect",
        method="POST",
        body=f'{{"address": "{bob.url}"}}',
    )
    return answer.code == 403 and b"not_trusted" in answer.body


async def test_members_connect_and_a_removed_one_is_cut_at_the_next_refresh(tmp_path):
    document = tmp_path / "d.json"
    office = DirectoryServer(document)
    url = office.listen("127.0.0.1", 0)
    try:
        async with two(tmp_path, url) as (ada, bob):
            assert await refused(ada, bob)
            both = [member_of(server.hub.identity, groups=("lab",)) for server in (ada, bob)]
            document.write_bytes(signed(1, *both, expires=time.time() + 60))

            async def connected():
                if await refused(ada, bob):
                    return False
                return await link_of(ada) == await link_of(bob) == ["connected"]

            await until(connected, 15)
            [peer] = (await ada.call("GET", "peers"))["peers"]
            assert not peer["trusted"]
            document.write_bytes(signed(2, both[0], expires=time.time() + 60))

            async def cut():
                return await link_of(ada) == await link_of(bob) == ["offline"]

            await until(cut, 15)
            audit = (await ada.call("GET", "audit"))["audit"]
            assert {"peer_unlisted"} <= {entry["kind"] for entry in audit}
            assert await refused(ada, bob)
            assert await refused(bob, ada)
    finally:
        await office.close()


async def test_an_invite_works_beside_a_directory_that_was_never_reached(tmp_path):
    async with two(tmp_path, f"file://{tmp_path}/missing.json") as (ada, bob):
        invite = (await ada.call("POST", "invite", {}))["invite"]
        assert (await bob.call("POST", "pair", {"invite": invite}))["ok"]
        [peer] = (await ada.call("GET", "peers"))["peers"]
        assert peer["trusted"]


async def test_without_its_source_a_restarted_server_still_knows_the_members(tmp_path):
    document = tmp_path / "d.json"
    url = f"file://{document}"
    async with two(tmp_path, url) as (ada, bob):
        nodes = [ada.hub.identity, bob.hub.identity]
        document.write_bytes(signed(1, *nodes, expires=time.time() + 60))
        await until(lambda: list((tmp_path / "ada/data/peer").glob("directory-*.json")), 15)
        await until(lambda: list((tmp_path / "bob/data/peer").glob("directory-*.json")), 15)
    document.unlink()
    async with two(tmp_path, url) as (ada, bob):
        await ada.call("POST", "connect", {"address": bob.url})
        assert await link_of(ada) == ["connected"]


async def test_only_the_groups_that_are_asked_for_are_let_in(tmp_path):
    document = tmp_path / "d.json"
    async with two(tmp_path, f"file://{document}", directory_groups=["lab"]) as (ada, bob):
        members = [
            member_of(ada.hub.identity, groups=("lab",)),
            member_of(bob.hub.identity, groups=("office",)),
        ]
        document.write_bytes(signed(1, *members, expires=time.time() + 60))
        await until(lambda: list((tmp_path / "ada/data/peer").glob("directory-*.json")), 15)
        assert await refused(ada, bob)


@pytest.mark.parametrize(
    "changes",
    [
        {"directory_url": ""},
        {"directory_key": ""},
        {"directory_key": "no key"},
        {"directory_url": "http://office.example/d.json"},
        {"directory_url": "office.example"},
        {"directory_groups": ["a group"]},
        {"trust_mode": "Directory"},
    ],
    ids=str,
)
async def test_settings_that_cannot_be_used_are_said_so(tmp_path, changes):
    config = settings("https://office.example/d.json", **changes)
    async with jupyter_server(tmp_path, PeerExtension=config) as server:
        answer = await server.fetch("jupyter-peer/api/identity")
        assert answer.code == 503
        assert BadRequestError.code.encode() in answer.body


async def test_a_directory_that_is_not_asked_is_said_so(tmp_path, caplog):
    config = settings(GivenSource().url, trust_mode="manual")
    async with jupyter_server(tmp_path, PeerExtension=config) as server:
        assert await server.call("GET", "identity")
    assert "directory_url has no effect" in caplog.text
