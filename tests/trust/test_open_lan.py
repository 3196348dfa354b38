from __future__ import annotations

import logging

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.trust.base import Applicant
from jupyter_peer.trust.open_lan import OpenLanPolicy, is_local

LOCAL = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.3.4",
    "fe80::1",
    "fe80::1%eth0",
    "fd12:3456::1",
    "::ffff:192.168.1.1",
]
FAR = [
    "8.8.8.8",
    "0.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.251",
    "255.255.255.255",
    "2001:db8::1",
    "2606:4700::1111",
    "::",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
]
FORMS = ["{}", "{}:8888", "ws://{}:8888/peer-ws", "https://{}/a/peer-ws"]


def written(form: str, host: str) -> str:
    return form.format(f"[{host}]" if ":" in host and form != "{}" else host)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("host", [*LOCAL, "localhost"])
def test_addresses_of_the_local_network_are_local(form: str, host: str) -> None:
    assert is_local(written(form, host))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("host", FAR)
def test_other_addresses_are_not(form: str, host: str) -> None:
    assert not is_local(written(form, host))


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "localhost.example.org",
        "printer.local",
        "10.0.0.1.example.org",
        "010.0.0.1",
        "10.1",
        "0x7f000001",
        "2130706433",
        "10.0.0.1@8.8.8.8",
        "ws://127.0.0.1@8.8.8.8/",
        "8.8.8.8@127.0.0.1",
        "ws://8.8.8.8/127.0.0.1",
        "8.8.8.8#127.0.0.1",
        "192.168.1.1, 8.8.8.8",
        "192.168.1.1\n",
        "[::1",
        "١٠.٠.٠.١",
    ],
)
def test_what_only_looks_local_is_not(address: str | None) -> None:
    assert not is_local(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_written_as_ipv6_is_judged_the_same(ip: object) -> None:
    assert is_local(f"::ffff:{ip}") == is_local(str(ip)) == is_local(f"[::ffff:{ip}]:1")


def applicant(transport: str, address: str | None) -> Applicant:
    return Applicant(node_id="ada", public_key="key", address=address, transport=transport)


@pytest.mark.parametrize("transport", ["relay", "webrtc", "something new", ""])
def test_a_transport_that_does_not_see_the_real_address_is_refused(transport: str) -> None:
    assert not OpenLanPolicy().verdict(applicant(transport, "192.168.1.1"), 1.0).accepted


@pytest.mark.parametrize("transport", ["direct", "lan"])
def test_behind_a_proxy_nobody_is_local(transport: str) -> None:
    policy = OpenLanPolicy()
    assert not policy.verdict(applicant(transport, None), 1.0).accepted
    assert policy.verdict(applicant(transport, "192.168.1.1"), 1.0).accepted


def test_it_warns_of_what_it_means(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        policy = OpenLanPolicy()
        (warning,) = caplog.records
        assert warning.levelno == logging.WARNING
        for words in ("every program on every machine", "reverse proxy", "'manual'"):
            assert words in warning.getMessage()
        policy.verdict(applicant("lan", "10.0.0.1"), 1.0)
    assert "accepts ada from 10.0.0.1" in caplog.text
