"""The kind of NAT, as STUN servers make it known."""

from __future__ import annotations

import pytest

from jupyter_peer.doctor.checks import nat
from jupyter_peer.doctor.checks.nat import Seen, check_nat, judge
from tests.doctor.stun_servers import seen_as, stun_servers
from tests.machine.waiting import PATIENCE_S

AS_CALLER = seen_as("", 0)


async def kind_by(*answers):
    async with stun_servers(*answers) as servers:
        [finding] = await check_nat(servers)
    return finding


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Wait for an answer for as long as a busy machine takes."""
    monkeypatch.setattr(nat, "_PAUSES_S", (0.2, PATIENCE_S))


@pytest.fixture
def short_pauses(monkeypatch, patience):
    """Wait a short time for an answer that never comes."""
    monkeypatch.setattr(nat, "_PAUSES_S", (0.2, 0.2, 0.2))


async def test_without_a_nat():
    finding = await kind_by(AS_CALLER, AS_CALLER)
    assert (finding.status, finding.data["kind"]) == ("ok", "open")


async def test_behind_a_cone():
    same = seen_as("203.0.113.9", 5000)
    finding = await kind_by(same, same)
    assert (finding.status, finding.data["kind"]) == ("ok", "cone")
    assert "203.0.113.9:5000" in finding.text


async def test_behind_a_symmetric_nat():
    finding = await kind_by(seen_as("203.0.113.9", 5000), seen_as("203.0.113.9", 5001))
    assert (finding.status, finding.data["kind"]) == ("warning", "symmetric")
    assert "relay" in finding.hint


async def test_one_server_alone_does_not_tell():
    finding = await kind_by(seen_as("203.0.113.9", 5000))
    assert (finding.status, finding.data["kind"]) == ("ok", "unknown")


async def test_the_second_address_of_a_single_server_is_asked():
    async with stun_servers(seen_as("203.0.113.9", 5001)) as [second]:
        port = int(second.rpartition(":")[2])
        finding = await kind_by(seen_as("203.0.113.9", 5000, other=("127.0.0.1", port)))
    assert finding.data["kind"] == "symmetric"


async def test_a_server_that_is_silent_does_not_stand_in_the_way(short_pauses):
    same = seen_as("203.0.113.9", 5000)
    finding = await kind_by(lambda request, caller: None, same, same)
    assert finding.data["kind"] == "cone"


async def test_when_nobody_answers_it_says_so(short_pauses):
    finding = await kind_by(lambda request, caller: None)
    assert (finding.status, finding.data["kind"]) == ("failed", "blocked")


@pytest.mark.parametrize(
    "rubbish",
    [
        lambda request, caller: b"",
        lambda request, caller: b"x" * 1000,
        lambda request, caller: request,
        lambda request, caller: seen_as("203.0.113.9", 1)(b"\0" * 20, caller),
    ],
)
async def test_rubbish_is_no_answer(rubbish, short_pauses):
    assert (await kind_by(rubbish)).data["kind"] == "blocked"


async def test_a_lost_request_is_repeated():
    heard = []

    def deaf_at_first(request, caller):
        heard.append(request)
        return AS_CALLER(request, caller) if len(heard) > 1 else None

    assert (await kind_by(deaf_at_first)).data["kind"] == "open"
    assert len(set(heard)) == 1


async def test_servers_that_cannot_be_asked_are_told_one_by_one():
    async with stun_servers(AS_CALLER) as [good]:
        findings = await check_nat(["https://x", "stun:nobody.invalid", good])
    assert [finding.status for finding in findings] == ["failed", "failed", "ok"]
    [skipped] = await check_nat([])
    assert skipped.status == "skipped"


def test_the_kinds_are_told_apart():
    one, two = ("192.0.2.1", 1), ("192.0.2.2", 2)
    local, outer, moved = ("10.0.0.1", 5), ("203.0.113.9", 5), ("203.0.113.9", 6)
    for mapped, kind in (
        ({one: local, two: local}, "open"),
        ({one: local}, "open"),
        ({one: outer, two: outer}, "cone"),
        ({one: outer, two: moved}, "symmetric"),
        ({one: outer}, "unknown"),
        ({}, "blocked"),
    ):
        assert judge(Seen(local, mapped), 2).data["kind"] == kind
