"""TURN servers that work, refuse, and are not there."""

from __future__ import annotations

import sys

import pytest
from tornado.testing import bind_unused_port

from jupyter_peer.doctor.checks.nat import check_nat
from jupyter_peer.errors import BadAddressError
from jupyter_peer.transports.webrtc import turn
from jupyter_peer.transports.webrtc.turn import parse_turn, try_turn
from tests.machine.coturn import CREDENTIAL, USERNAME, coturn
from tests.machine.needs import needs_module


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("turn:t.example", ("t.example", 3478, "udp", False)),
        ("turn:t.example:5?transport=tcp", ("t.example", 5, "tcp", False)),
        ("turns:t.example", ("t.example", 5349, "tcp", True)),
        ("TURN:[::1]:5", ("::1", 5, "udp", False)),
    ],
)
def test_servers_are_written_like_this(url, expected):
    assert parse_turn(url) == expected


@pytest.mark.parametrize("url", ["", "stun:x", "turn:", "turn:x:0", "turn:x?y", "turn:x:1:2"])
async def test_and_not_like_that(url):
    with pytest.raises(BadAddressError):
        parse_turn(url)
    assert (await try_turn(url, "u", "c")).status == "failed"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    needs_module("aioice", "webrtc")
    with coturn(tmp_path_factory.mktemp("coturn")) as port:
        yield port


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_an_allocation_is_really_made(port, transport):
    finding = await try_turn(f"turn:127.0.0.1:{port}?transport={transport}", USERNAME, CREDENTIAL)
    assert finding.status == "ok", finding
    assert "127.0.0.1:" in finding.text


async def test_a_wrong_password_is_told_and_not_repeated(port):
    finding = await try_turn(f"turn:127.0.0.1:{port}", USERNAME, "a wrong one")
    assert finding.status == "failed"
    assert "turn_credential" in finding.hint
    assert "a wrong one" not in str(finding)


async def test_one_that_is_not_there_is_told(monkeypatch):
    needs_module("aioice", "webrtc")
    monkeypatch.setattr(turn, "TIMEOUT_S", 0.3)
    sock, port = bind_unused_port()
    sock.close()
    for transport in ("udp", "tcp"):
        finding = await try_turn(f"turn:127.0.0.1:{port}?transport={transport}", "u", "c")
        assert finding.status == "failed"
    assert (await try_turn("turn:nobody.invalid", "u", "c")).status == "failed"


async def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "aioice", None)
    monkeypatch.setattr(turn.importlib.util, "find_spec", lambda name: None)
    finding = await try_turn("turn:t.example", "u", "c")
    assert finding.status == "skipped"
    assert "jupyter-peer[webrtc]" in finding.hint


async def test_a_real_stun_server_is_understood(port):
    [finding] = await check_nat([f"stun:127.0.0.1:{port}"])
    assert (finding.status, finding.data["kind"]) == ("ok", "open")
