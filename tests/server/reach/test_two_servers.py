"""Two real Jupyter servers, paired over their own REST interfaces."""

from __future__ import annotations

import contextlib

import pytest
from jupyter_server.auth.security import passwd

from tests.machine.waiting import until
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")


@contextlib.asynccontextmanager
async def ada_and_bob(path):
    """Two servers that have nothing in common: base URL, login, data."""
    ada = jupyter_server(
        path / "ada", "/user/ada%40home/", PeerExtension={"node_name": "Ada's laptop"}
    )
    bob = jupyter_server(
        path / "bob",
        "/",
        PeerExtension={"node_name": "bob"},
        PasswordIdentityProvider={"hashed_password": passwd("secret")},
    )
    async with ada as ada_server, bob as bob_server:
        yield ada_server, bob_server


async def paired(ada, bob):
    invite = (await ada.call("POST", "invite", {"ttl_s": 60}))["invite"]
    return await bob.call("POST", "pair", {"invite": invite})


async def test_two_servers_pair_and_see_each_other(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob):
        answer = await paired(ada, bob)
        assert answer["ok"] is True
        assert answer["peer"]["node_name"] == "Ada's laptop"
        assert (answer["peer"]["status"], answer["peer"]["transport"]) == ("connected", "direct")
        assert answer["peer"]["address"].endswith("/user/ada%40home/peer-ws")
        assert answer["peer"]["rtt_ms"] > 0
        (seen,) = (await ada.call("GET", "peers"))["peers"]
        assert (seen["node_id"], seen["status"], seen["trusted"]) == (
            bob.hub.node_id,
            "connected",
            True,
        )
        assert seen["panes"] == []
        (invite,) = (await ada.call("GET", "invites"))["invites"]
        assert (invite["status"], invite["used_by"]) == ("used", bob.hub.node_id)
        used = (await ada.call("GET", "audit?limit=1"))["audit"][0]
        assert (used["kind"], used["peer"]) == ("invite_used", bob.hub.node_id)
        assert used["detail"] == {"invite": invite["id"]}


async def test_an_invite_works_once(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob):
        invite = (await ada.call("POST", "invite"))["invite"]
        assert (await bob.call("POST", "pair", {"invite": invite}))["ok"]
        eve = jupyter_server(tmp_path / "eve", "/eve/")
        async with eve as eve_server:
            answer = await eve_server.call("POST", "pair", {"invite": invite})
        assert (answer["ok"], answer["error"]["code"]) == (False, "invite_used")


async def test_metrics_and_audit_tell_of_the_peer(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob):
        await paired(ada, bob)
        control = await bob.control()
        assert (await control.ask("ping", peer="ada"))["rtt_ms"] > 0
        await control.close()
        figures = (await bob.call("GET", "metrics"))["peers"][ada.hub.node_id]
        assert set(figures) >= {
            "rtt_ms",
            "bytes_in",
            "bytes_out",
            "messages_in",
            "messages_out",
            "transport",
            "queue",
            "since",
        }
        assert figures["rtt_ms"] > 0
        assert figures["messages_out"] > 0
        await bob.call("PATCH", "peers/ada", {"blocked": True})
        await bob.call("DELETE", "peers/ada")
        entries = (await bob.call("GET", "audit?limit=2"))["audit"]
        assert [entry["kind"] for entry in entries] == ["peer_forgotten", "peer_blocked"]
        for entry in entries:
            assert set(entry) == {"at", "kind", "peer", "detail"}
            assert entry["peer"] == ada.hub.node_id
        kinds = {entry["kind"] for entry in (await ada.call("GET", "audit"))["audit"]}
        assert "invite_minted" in kinds


async def test_a_peer_is_renamed_blocked_unblocked_and_forgotten(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob):
        await paired(ada, bob)
        named = await bob.call("PATCH", f"peers/{ada.hub.node_id}", {"alias": "countess"})
        assert named["peer"]["alias"] == "countess"
        both = await bob.call("PATCH", "peers/COUNT", {"alias": None, "blocked": True})
        assert (both["peer"]["alias"], both["peer"]["status"]) == (None, "blocked")
        await until(lambda: ada.hub.peer(bob.hub.node_id).status != "connected")
        free = await bob.call("PATCH", f"peers/{ada.hub.node_id}", {"blocked": False})
        assert free["peer"]["blocked"] is False
        assert await bob.call("DELETE", f"peers/{ada.hub.node_id}") == {}
        assert (await bob.call("GET", "peers"))["peers"] == []


async def test_a_peer_is_disconnected_and_connected_again(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob):
        await paired(ada, bob)
        control = await bob.control()
        assert (await control.ask("disconnect", peer="ada"))["peer"]["status"] == "offline"
        answer = await bob.call("POST", "connect", {"node_id": "ada"})
        assert answer["peer"]["status"] == "connected"
        await control.close()


async def test_pairing_tells_its_progress_and_pages_hear_of_the_peer(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob):
        asking, watching = await bob.control(), await bob.control()
        inviting = await ada.control()
        invite = (await inviting.ask("invite"))["invite"]
        answer = await asking.ask("pair", invite=invite)
        assert answer["peer"]["node_id"] == ada.hub.node_id
        assert asking.progress
        assert all("step" in step for step in asking.progress)
        await until(
            lambda: (
                [data["peers"][0]["status"] for data in watching.named("peers") if data["peers"]][
                    -1:
                ]
                == ["connected"]
            )
        )
        await until(lambda: inviting.named("invites"))
        assert watching.named("peers")[-1]["self"]["node_id"] == bob.hub.node_id
        for client in (asking, watching, inviting):
            await client.close()


async def test_they_find_each_other_again_after_a_restart(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob):
        await paired(ada, bob)
        ids = ada.hub.node_id, bob.hub.node_id
    async with ada_and_bob(tmp_path) as (ada, bob):
        assert (ada.hub.node_id, bob.hub.node_id) == ids
        # Their ports are new, so the addresses they know of each other lead nowhere now.
        await ada.call("POST", "connect", {"address": f"{bob.url}peer-ws"})
        (seen,) = (await ada.call("GET", "peers"))["peers"]
        assert (seen["node_id"], seen["status"]) == (ids[1], "connected")


async def test_the_extra_listener_serves_the_peer_wire_and_nothing_else(tmp_path):
    ada = jupyter_server(tmp_path / "ada", PeerExtension={"peer_listen": "127.0.0.1:0"})
    bob = jupyter_server(tmp_path / "bob")
    async with ada as ada_server, bob as bob_server:
        address = ada_server.hub.addresses()[0]
        assert str(ada_server.app.port) not in address
        assert address.endswith("/peer-ws")
        answer = await paired(ada_server, bob_server)
        assert answer["peer"]["address"] == address


async def test_a_node_with_direct_switched_off_takes_no_link(tmp_path):
    ada = jupyter_server(tmp_path / "ada", PeerExtension={"enable_direct": False})
    bob = jupyter_server(tmp_path / "bob")
    async with ada as ada_server, bob as bob_server:
        assert ada_server.hub.addresses() == []
        response = await bob_server.fetch(
            "jupyter-peer/api/connect",
            method="POST",
            body=f'{{"address": "{ada_server.url}peer-ws"}}',
        )
        assert response.code == 424
