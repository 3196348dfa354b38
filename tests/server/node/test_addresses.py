"""URLs of a server."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import BadRequestError
from jupyter_peer.server.node.addresses import learned_address, local_url
from jupyter_peer.server.node.listening import hosts_behind, parse_listen
from jupyter_peer.wire.addresses import leads_here, normalize_address


def app(**fields):
    plain = {"sock": "", "certfile": "", "ssl_options": None, "ip": "localhost", "port": 8888}
    return SimpleNamespace(**{**plain, "base_url": "/user/ada/", **fields})


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({}, "http://localhost:8888/user/ada/"),
        ({"ip": ""}, "http://127.0.0.1:8888/user/ada/"),
        ({"ip": "0.0.0.0"}, "http://127.0.0.1:8888/user/ada/"),
        ({"ip": "::"}, "http://[::1]:8888/user/ada/"),
        ({"ip": "10.0.0.5"}, "http://10.0.0.5:8888/user/ada/"),
        ({"certfile": "/c.pem"}, "https://localhost:8888/user/ada/"),
        ({"ssl_options": {"certfile": "/c.pem"}}, "https://localhost:8888/user/ada/"),
        ({"sock": "/s", "connection_url": "http+unix://%2Fs/"}, "http+unix://%2Fs/"),
    ],
)
def test_the_local_url_can_be_reached_from_the_same_machine(fields, url):
    assert local_url(app(**fields)) == url


@pytest.mark.parametrize(
    ("headers", "scheme", "address"),
    [
        ({"Host": "ada.example"}, "http", "ws://ada.example/b/peer-ws"),
        ({"Host": "ada.example:8443"}, "https", "wss://ada.example:8443/b/peer-ws"),
        ({"Host": "192.168.1.5:8888"}, "http", "ws://192.168.1.5:8888/b/peer-ws"),
        ({"Host": "[2001:db8::1]:80"}, "http", "ws://[2001:db8::1]:80/b/peer-ws"),
        (
            {"Host": "hub.example", "Origin": "https://hub.example"},
            "http",
            "wss://hub.example/b/peer-ws",
        ),
        ({"Host": "h.example", "Origin": "https://evil"}, "http", "ws://h.example/b/peer-ws"),
        ({"Host": "h.example", "Origin": "null"}, "http", "ws://h.example/b/peer-ws"),
    ],
)
def test_the_address_a_browser_uses_is_learned(headers, scheme, address):
    assert learned_address(headers, scheme, "/b/") == address
    assert normalize_address(address) == address


@pytest.mark.parametrize(
    "host",
    ["", "localhost", "localhost:8888", "a.localhost", "127.0.0.1", "127.9.9.9:1", "[::1]:8888",
     "0.0.0.0:80", "[::]", "224.0.0.1", "a b", "a/b", "u@h", "u:p@h", "h:0", "h:99999", "h:x", "[::1",
     "%2fsock", "-a.example", "a..b", "h?x", "h#x", "x" * 300, "a\r\nb", "é.example"],
)  # fmt: skip
def test_what_no_peer_could_dial_is_not_learned(host):
    assert learned_address({"Host": host}, "http", "/") is None


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_header_is_learned_or_not(host, origin):
    address = learned_address({"Host": host, "Origin": origin}, "http", "/")
    assert address is None or normalize_address(address)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("0.0.0.0:9797", ("0.0.0.0", 9797)),
        (":9797", ("", 9797)),
        ("[::]:1", ("::", 1)),
        (" localhost:0 ", ("localhost", 0)),
    ],
)
def test_an_address_to_listen_on_is_read(text, parsed):
    assert parse_listen(text) == parsed


@pytest.mark.parametrize(
    "text", ["9797", "host", "host:", "host:x", "host:65536", "::1:80", "h:-1", "h:٣"]
)
def test_what_cannot_be_listened_on_is_refused(text):
    with pytest.raises(BadRequestError):
        parse_listen(text)


def test_a_wildcard_stands_for_real_addresses_with_loopback_last():
    assert hosts_behind("10.0.0.5") == ["10.0.0.5"]
    assert hosts_behind("::1") == ["[::1]"]
    assert hosts_behind("0.0.0.0")[-1] == "127.0.0.1"
    assert "0.0.0.0" not in hosts_behind("0.0.0.0")
    assert set(hosts_behind("")) >= {"127.0.0.1", "[::1]"}


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("ws://localhost:1/peer-ws", True),
        ("ws://127.1.2.3:1/peer-ws", True),
        ("lan:ws://[::1]:1/peer-ws", True),
        ("relay:ws://127.0.0.1:9,ws://relay.example", True),
        ("webrtc:ws://lobby.localhost", True),
        ("ws://[::1", False),
        ("ws://192.0.2.1:1/peer-ws", False),
        ("wss://localhost.example/peer-ws", False),
        ("relay:wss://relay.example,ws://127.0.0.1:9", False),
        ("webrtc:wss://relay.example", False),
        ("", False),
    ],
)
def test_an_address_that_leads_to_the_machine_that_dials_it_is_known(address, here):
    assert leads_here(address) is here
