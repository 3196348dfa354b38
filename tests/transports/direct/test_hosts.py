"""Under which hosts a node takes connections: not under a name that somebody else has made up."""

from __future__ import annotations

import asyncio

import pytest

from jupyter_peer.server.node.listening import ServedTransport
from jupyter_peer.transports.direct.direct import DirectTransport

DOORS = ["/peer-ws", "/guest-ws"]
OWN = {"ada.example", "ada-laptop"}


async def status(transport: DirectTransport, door: str, host: str, **headers: str) -> int:
    """Return the status with which a request to upgrade is answered."""
    ((_, port),) = transport.listen("127.0.0.1", 0)
    if door == "/guest-ws":
        headers["Origin"] = f"http://{host}"
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = [
        f"GET {door} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *lines,
    ]
    writer.write(("\r\n".join(request) + "\r\n\r\n").encode())
    try:
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
        await transport.close()


def served() -> ServedTransport:
    transport = ServedTransport()
    transport.host_names = lambda: OWN
    return transport


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:9797", "127.0.0.1.evil.example", "localhost.evil.example",
     "ada.example.evil", "127.0.0.1@evil.example", "xada.example", "[::1", "1e100.net"],
)  # fmt: skip
async def test_a_name_that_is_not_of_this_node_is_refused(door, host):
    assert await status(served(), door, host) in (400, 421)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:9797", "192.0.2.7", "192.0.2.7:9797", "[2001:db8::7]:9797", "localhost:8888",
     "ada.example", "ADA.example:8888", "ada.example.", "ada-laptop:9797"],
)  # fmt: skip
async def test_addresses_of_the_node_and_names_that_it_knows_are_served(door, host):
    assert await status(served(), door, host) == 101


async def test_a_proxy_answers_for_the_names_that_it_serves():
    forwarded = {"X_Forwarded_For": "192.0.2.7"}
    assert await status(served(), "/peer-ws", "jupyter:8888", **forwarded) == 101
    assert await status(served(), "/peer-ws", "jupyter:8888") == 421


@pytest.mark.parametrize("origin", ["http://192.0.2.7:9797", "https://evil.example", "null", ""])
async def test_a_page_is_refused_at_the_door_for_peers_from_wherever_it_is(origin):
    assert await status(served(), "/peer-ws", "192.0.2.7:9797", Origin=origin) == 403
