"""What is announced in the local network, and what is believed of it."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.transports.lan import records as lan_records
from jupyter_peer.transports.lan.interfaces import Interfaces
from jupyter_peer.transports.lan.records import (
    MAX_ADDRESSES,
    SERVICE,
    Endpoint,
    properties,
    reachable_at,
    read,
)
from jupyter_peer.wire.addresses import normalize_address

NODE = "a2" * 8
HERE = Interfaces(
    (
        (1, "127.0.0.1", 8),
        (2, "192.168.7.2", 24),
        (2, "fd00:7::2", 64),
        (2, "fe80::2", 64),
    )
)


def announced(endpoint: Endpoint, name: str = "ada", **changes: bytes | None) -> dict:
    txt = {key.encode(): value.encode() for key, value in properties(NODE, name, endpoint).items()}
    return {**txt, **{key.encode(): value for key, value in changes.items()}}


def read_back(endpoint: Endpoint, addresses, **changes):
    return read(f"{NODE}.{SERVICE}", announced(endpoint, **changes), endpoint.port, addresses, HERE)


def test_what_is_announced_is_read_back():
    claim = read_back(Endpoint("", 9797), ["192.168.7.9", "fd00:7::9"])
    assert (claim.node_id, claim.node_name) == (NODE, "ada")
    assert claim.addresses == [
        "lan:ws://192.168.7.9:9797/peer-ws",
        "lan:ws://[fd00:7::9]:9797/peer-ws",
    ]
    claim = read_back(Endpoint("", 8888, "/user/ada%40b/peer-ws", is_tls=True), ["192.168.7.9"])
    assert claim.addresses == ["lan:wss://192.168.7.9:8888/user/ada%40b/peer-ws"]


def test_a_node_is_reached_at_what_it_bound():
    everywhere = ["192.168.7.2", "fd00:7::2"]
    assert reachable_at(Endpoint("", 1), HERE) == everywhere
    assert reachable_at(Endpoint("::", 1), HERE) == everywhere
    assert reachable_at(Endpoint("0.0.0.0", 1), HERE) == ["192.168.7.2"]
    assert reachable_at(Endpoint("192.168.7.2", 1), HERE) == ["192.168.7.2"]
    assert reachable_at(Endpoint("127.0.0.1", 1), HERE) == ["127.0.0.1"]
    alone = Interfaces(((1, "127.0.0.1", 8),))
    assert reachable_at(Endpoint("", 1), alone) == ["127.0.0.1"]
    assert Endpoint("127.0.0.1", 1).is_loopback
    assert not Endpoint("0.0.0.0", 1).is_loopback


def test_the_interfaces_of_this_machine_have_loopback_among_them():
    now = Interfaces.now()
    assert now == Interfaces.now()
    assert now.is_near("127.0.0.1")
    assert "127.0.0.1" in now.ipv4()
    assert not now.is_near("203.0.113.9")
    assert not now.is_near("example.org")


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "8.8.8.8", "192.168.8.1", "169.254.169.254", "2001:db8::1", "x", ""]
)
def test_an_address_that_is_not_on_the_same_link_is_left_out(address):
    claim = read_back(Endpoint("", 9797), [address, "192.168.7.9"])
    assert claim.addresses == ["lan:ws://192.168.7.9:9797/peer-ws"]


def test_nobody_else_makes_a_node_dial_its_own_loopback(monkeypatch):
    endpoint = Endpoint("127.0.0.1", 9797)
    assert read_back(endpoint, ["127.0.0.1"]).addresses == ["lan:ws://127.0.0.1:9797/peer-ws"]
    for forged in (None, b"", b"0" * 32, b"\xff" * 32, "ä".encode() * 16):
        assert read_back(endpoint, ["127.0.0.1", "127.9.9.9"], near=forged).addresses == []
    # the tag of one endpoint says nothing of another
    txt = announced(endpoint)
    assert read(f"{NODE}.{SERVICE}", txt, 22, ["127.0.0.1"], HERE).addresses == []
    txt[b"path"] = b"/other/peer-ws"
    assert read(f"{NODE}.{SERVICE}", txt, 9797, ["127.0.0.1"], HERE).addresses == []
    monkeypatch.setattr(lan_records, "_BOOT_ID", lan_records.Path("/nowhere"))
    assert "near" not in properties(NODE, "ada", endpoint)
    assert read_back(endpoint, ["127.0.0.1"]).addresses == []


@pytest.mark.parametrize(
    "changes",
    [
        {"v": None},
        {"v": b"2"},
        {"id": b""},
        {"id": b"A2" * 8},
        {"id": b"b2" * 8},
        {"id": b"../../../../etc"},
        {"id": None},
        {"path": None},
        {"path": b""},
        {"path": b"/peer-ws?x=1"},
        {"path": b"/a b/peer-ws"},
        {"path": b"/../peer-ws"},
        {"path": b"/./peer-ws"},
        {"path": b"peer-ws"},
        {"path": b"//evil/peer-ws"},
        {"path": b"/api/shutdown"},
        {"path": b"/peer-ws\r\nX: y"},
        {"path": b"/" + b"a" * 250 + b"/peer-ws"},
        {"path": b"/\xff\xfe/peer-ws"},
    ],
)
def test_an_announcement_of_the_wrong_form_is_none(changes):
    assert read_back(Endpoint("", 9797), ["192.168.7.9"], **changes) is None


@pytest.mark.parametrize("port", [0, -1, 65536, None, "80", 9797.0])
def test_a_port_that_is_none_is_refused(port):
    txt = announced(Endpoint("", 9797))
    assert read(f"{NODE}.{SERVICE}", txt, port, ["192.168.7.9"], HERE) is None


def test_names_are_cut_to_what_a_record_holds_and_made_printable():
    claim = read_back(Endpoint("", 9797), [], name="ä" * 300)
    assert 0 < len(claim.node_name) <= 64
    claim = read_back(Endpoint("", 9797), [], name="a\x1b[2J\u202eb")
    assert claim.node_name.isprintable()
    assert all(
        len(f"{key}={value}".encode()) <= 255
        for key, value in properties(NODE, "😀" * 64, Endpoint("", 1)).items()
    )


def test_many_addresses_are_cut():
    claim = read_back(Endpoint("", 9797), [f"192.168.7.{n}" for n in range(3, 250)])
    assert len(claim.addresses) == MAX_ADDRESSES


def test_a_second_instance_of_a_name_is_read_too():
    """Whoever comes second is renamed by mDNS."""
    txt = announced(Endpoint("", 9797))
    assert read(f"{NODE}-2.{SERVICE}", txt, 9797, ["192.168.7.9"], HERE).node_id == NODE
    assert read(f"x{NODE}.{SERVICE}", txt, 9797, ["192.168.7.9"], HERE) is None


@given(
    st.text(max_size=80),
    st.dictionaries(
        st.sampled_from([b"v", b"id", b"name", b"path", b"tls", b"near"]) | st.binary(max_size=9),
        st.none()
        | st.binary(max_size=255)
        | st.sampled_from([b"1", NODE.encode(), b"/peer-ws", b"/a/peer-ws"]),
    ),
    st.integers(-5, 70_000) | st.none(),
    st.lists(st.ip_addresses().map(str) | st.text(max_size=20), max_size=6),
)
def test_any_announcement_is_a_claim_that_can_be_dialled_or_none(instance, txt, port, addresses):
    for name in (instance, NODE + instance):
        claim = read(name, txt, port, [*addresses, "192.168.7.9"], HERE)
        if claim is None:
            continue
        assert claim.node_id == NODE
        assert claim.node_name == "" or claim.node_name.isprintable()
        for address in claim.addresses:
            assert address.startswith("lan:ws")
            assert normalize_address(address[4:]) == address[4:]
            host = address[4:].split("://")[1].rsplit(":", 1)[0].strip("[]")
            assert ipaddress.ip_address(host) in ipaddress.ip_network("192.168.7.0/24") or (
                HERE.is_near(host)
            )
