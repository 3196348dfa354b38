"""Two people pair by a code, over REST of real servers that meet at a real relay."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from jupyter_peer.document.qr import invite_qr
from jupyter_peer.wire.codes.code import Code
from tests.machine.waiting import until
from tests.server.operations.test_lobby import a_relay, people, refused
from tests.server.servers import Server

pytestmark = pytest.mark.usefixtures("jp_environ")


async def coded(server: Server) -> Any:
    return await server.call("POST", "invite", {"code": True})


async def invite_of(server: Server) -> Any:
    [invite] = (await server.call("GET", "invites"))["invites"]
    return invite


def wrong(code: str) -> str:
    number, first, _ = code.split("-")
    other = Code.of(int(number), bytes((0, 255))).second
    return f"{number}-{first}-{other}"


async def test_people_pair_by_a_code(tmp_path: Path) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada", "bob") as (ada, bob):
        made = await coded(ada)
        assert re.fullmatch(r"\d{1,3}-[a-z]+-[a-z]+", made["code"])
        assert (await invite_of(ada))["code"] == "waiting"
        paired = await bob.call("POST", "pair", {"invite": f" {made['code'].replace('-', ' ')} "})
        assert paired["ok"] is True
        assert paired["peer"]["node_id"] == ada.hub.node_id
        assert paired["peer"]["trusted"] is True
        await until(lambda: ada.hub.peer(bob.hub.node_id).trusted)

        async def used() -> bool:
            invite = await invite_of(ada)
            return (invite["status"], invite["code"]) == ("used", "used")

        await until(used)
        again = await bob.call("POST", "pair", {"invite": made["code"]})
        assert (again["ok"], again["error"]["code"]) == (False, "code_unknown")


async def test_a_wrong_code_ends_the_code_and_its_invite_and_both_hear_of_it(
    tmp_path: Path,
) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada", "eve") as (ada, eve):
        made = await coded(ada)
        control = await ada.control()
        guessed = await eve.call("POST", "pair", {"invite": wrong(made["code"])})
        assert (guessed["ok"], guessed["error"]["code"]) == (False, "code_wrong")
        await until(lambda: control.named("invites"))
        invite = await invite_of(ada)
        assert (invite["status"], invite["code"]) == ("revoked", "wrong")
        audit = (await ada.call("GET", "audit"))["audit"]
        assert "code_wrong" in [entry["kind"] for entry in audit]
        await control.close()
        for text in (made["code"], made["invite"]):
            late = await eve.call("POST", "pair", {"invite": text})
            assert late["ok"] is False


async def test_a_word_of_no_code_does_not_use_it_up(tmp_path: Path) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada", "bob") as (ada, bob):
        made = await coded(ada)
        number, first, second = made["code"].split("-")
        typo = await bob.call("POST", "pair", {"invite": f"{number}-{first}x-{second}"})
        assert typo["error"]["code"] == "code_malformed"
        assert first in typo["error"]["hint"]
        assert (await bob.call("POST", "pair", {"invite": made["code"]}))["ok"] is True


async def test_revoking_the_invite_ends_its_code(tmp_path: Path) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada", "bob") as (ada, bob):
        made = await coded(ada)
        await ada.call("DELETE", f"invites/{made['id']}")
        assert (await invite_of(ada))["code"] == "ended"

        async def is_gone() -> bool:
            answer = await bob.call("POST", "pair", {"invite": made["code"]})
            return answer["error"]["code"] in ("code_unknown", "code_wrong")

        await until(is_gone)


async def test_a_code_lives_ten_minutes_at_most_and_few_wait_at_once(tmp_path: Path) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada") as [ada]:
        made = await ada.call("POST", "invite", {"code": True, "ttl_s": 86400})
        assert (await invite_of(ada))["created"] + 600 == pytest.approx(made["expires"])
        for _ in range(3):
            await coded(ada)
        assert await refused(ada, "POST", "invite", {"code": True}) == (429, "busy")


async def test_an_invite_comes_with_its_qr_code_if_that_is_asked_for(tmp_path: Path) -> None:
    async with people(tmp_path, "off", "ada") as [ada]:
        made = await ada.call("POST", "invite", {"qr": True})
        assert made["qr"] == invite_qr(made["invite"])
        assert made["qr"].startswith("<svg xmlns=")
        assert invite_qr("x" * 3000) is None


async def test_a_relay_that_is_chosen_where_none_was_makes_codes_there(tmp_path: Path) -> None:
    async with a_relay() as relay, people(tmp_path, "", "ada") as [ada]:
        assert await refused(ada, "POST", "invite", {"code": True}) == (403, "not_enabled")
        await ada.call("PUT", "reach", {"mode": "relay", "relay_url": relay})
        assert (await coded(ada))["code"]


async def test_where_the_lobby_is_off_the_hint_names_the_setting_and_no_relay(
    tmp_path: Path,
) -> None:
    async with people(tmp_path, "off", "ada") as [ada]:
        answer = await ada.call("POST", "pair", {"invite": "7-adult-amulet"})
        assert answer["error"]["code"] == "not_enabled"
        assert "PeerExtension.lobby_url" in answer["error"]["hint"]
        assert "relay" not in answer["error"]["hint"]


async def test_without_a_relay_there_are_no_codes(tmp_path: Path) -> None:
    async with people(tmp_path, "", "ada") as [ada]:
        assert await refused(ada, "POST", "invite", {"code": True}) == (403, "not_enabled")
        assert (await ada.call("GET", "invites"))["invites"] == []
        answer = await ada.call("POST", "pair", {"invite": "7-adult-amulet"})
        assert answer["error"]["code"] == "not_enabled"
        assert "%peer reach relay" in answer["error"]["hint"]


async def test_who_uses_a_code_stays_unknown_to_the_lobby(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada", "bob") as (ada, bob):
        caplog.set_level("DEBUG", "jupyter_peer.relay")
        made = await coded(ada)
        await bob.call("POST", "pair", {"invite": made["code"]})
        words = made["code"].split("-")[1:]
        assert not [word for word in words if word in caplog.text]
