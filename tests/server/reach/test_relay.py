"""Real Jupyter servers that reach each other over a relay."""

from __future__ import annotations

import pytest

from jupyter_peer.relay.program import Options, serving
from tests.machine.certificates import make_certificate
from tests.machine.waiting import until
from tests.relay.nodes import relay
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")


async def test_two_servers_that_cannot_reach_each_other_pair_over_the_relay_of_one(tmp_path):
    async with (
        relay() as url,
        jupyter_server(
            tmp_path / "ada", PeerExtension={"relay_url": url, "enable_direct": False}
        ) as ada,
        jupyter_server(tmp_path / "bob", PeerExtension={"enable_direct": False}) as bob,
    ):
        invite = (await ada.call("POST", "invite", {"ttl_s": 60}))["invite"]
        peer = (await bob.call("POST", "pair", {"invite": invite}))["peer"]
        assert (peer["status"], peer["transport"], peer["address"], peer["sealed"]) == (
            "connected", "relay", f"relay:{url}", True,
        )  # fmt: skip
        assert f"relay:{url}" in (await ada.call("GET", "identity"))["addresses"]

        async def is_seen() -> bool:
            (seen,) = (await ada.call("GET", "peers"))["peers"]
            return (seen["transport"], seen["rtt_ms"] or 0) > ("relay", 0)

        await until(is_seen)


async def test_a_relay_whose_certificate_nobody_has_signed_is_used_when_it_is_named(tmp_path):
    certfile, keyfile = map(str, make_certificate(tmp_path, "127.0.0.1"))
    async with serving(Options(port=0, certfile=certfile, keyfile=keyfile)) as (url,):
        trusting = {"relay_url": url, "relay_certificate": certfile, "enable_direct": False}
        async with (
            jupyter_server(tmp_path / "ada", PeerExtension=trusting) as ada,
            jupyter_server(tmp_path / "bob", PeerExtension={"enable_direct": False}) as bob,
        ):
            invite = (await ada.call("POST", "invite", {"ttl_s": 60}))["invite"]
            answer = await bob.call("POST", "pair", {"invite": invite})
            assert answer["ok"] is False
            assert "certificate" in str(answer["error"])
        async with (
            jupyter_server(tmp_path / "eve", PeerExtension={**trusting, "relay_url": ""}) as eve,
            jupyter_server(tmp_path / "ada", PeerExtension=trusting) as ada,
        ):
            invite = (await ada.call("POST", "invite", {"ttl_s": 60}))["invite"]
            peer = (await eve.call("POST", "pair", {"invite": invite}))["peer"]
            assert peer["transport"] == "relay"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"relay_url": "ftp://relay"}, "relay_url cannot be"),
        ({"relay_certificate": "/nonexistent.pem"}, "cannot be used"),
    ],
)
async def test_a_setting_that_cannot_be_used_is_said_in_every_answer(tmp_path, settings, said):
    async with jupyter_server(tmp_path, PeerExtension=settings) as server:
        response = await server.fetch("jupyter-peer/api/identity")
        assert response.code >= 400
        assert said in response.body.decode()


async def test_a_server_starts_and_works_while_its_relay_is_away(tmp_path):
    settings = {"relay_url": "ws://127.0.0.1:9"}
    async with jupyter_server(tmp_path, PeerExtension=settings) as server:
        assert "relay:ws://127.0.0.1:9" in (await server.call("GET", "identity"))["addresses"]
        assert (await server.call("GET", "peers"))["peers"] == []
