"""The relay program's HTTP: upgrade, registration, health, figures, TLS."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import urllib.error
import urllib.request

import pytest

from jupyter_peer.errors import PeerError, UnreachableError, WrongNodeError
from jupyter_peer.relay.program import Options, serving
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay.frames import Registration, proof_bytes, read_notice
from tests.machine.certificates import make_certificate
from tests.machine.idle_sockets import idle_sockets
from tests.machine.waiting import until
from tests.relay.nodes import RawNode, RawSocket, nodes, relay


async def get(url: str, **headers: str) -> tuple[int, str]:
    """Return status and body of a page."""

    def ask() -> tuple[int, str]:
        request = urllib.request.Request(url.replace("ws://", "http://"), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(ask)


async def refusal(url: str, *texts: str | bytes) -> str:
    """Say something instead of a proof; return the code of the refusal."""
    socket = await RawSocket.open(f"{url}/relay-ws")
    try:
        for text in texts:
            socket.send(text)
        while True:
            answer = await socket.read()
            assert answer is not None, "closed without a word"
            if '"challenge"' not in str(answer):
                read_notice(str(answer))
    except PeerError as error:
        assert await socket.read() is None
        return error.code
    finally:
        socket.close()


async def test_health_and_figures_are_served_and_nothing_else():
    async with relay() as url:
        status, text = await get(f"{url}/health")
        assert status == 200
        assert '"ok": true' in text
        async with nodes(url) as (ada, bob):
            ada.send(bob, b"x" * 1000)
            await bob.frame()
            _, text = await get(f"{url}/metrics")
            assert "# TYPE jupyter_peer_relay_frames_total counter" in text
            assert "jupyter_peer_relay_frames_total 1\n" in text
            assert "jupyter_peer_relay_nodes 2\n" in text
            assert ada.id not in text
        for path in ("/", "/relay", "/peer-ws", "/relay-ws/x"):
            assert (await get(url + path))[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upgrade": "websocket"},
        {"Upgrade": "websocket", "Connection": "Upgrade"},
        {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "short"},
        {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
            "Sec-WebSocket-Version": "12",
        },
    ],
)
async def test_what_is_no_upgrade_is_not_taken(headers):
    async with relay() as url:
        status, _ = await get(f"{url}/relay-ws", **headers)
        assert status == 426


def claim(identity: Identity, sig: bytes | None = None, **changes: str) -> str:
    fields = {"register": identity.node_id, "public_key": identity.public_key_b64, **changes}
    if sig is not None:
        fields["sig"] = base64.b64encode(sig).decode()
    return json.dumps(fields)


async def test_nobody_registers_under_an_id_without_its_key():
    ada, eve = (Identity.from_seed(os.urandom(32)) for _ in range(2))
    async with relay() as url:
        guess = proof_bytes("0" * 64)
        for texts, code in [
            ([claim(ada), claim(ada)], "bad_signature"),
            ([claim(ada), claim(ada, ada.sign(guess))], "bad_signature"),
            ([claim(ada), claim(ada, eve.sign(guess))], "bad_signature"),
            ([claim(ada), claim(eve, eve.sign(guess))], "bad_identity"),
            ([claim(eve, register=ada.node_id)], "bad_identity"),
            ([claim(ada, register="x")], "malformed"),
            ([claim(ada, public_key="AAAA")], "malformed"),
            (["{"], "malformed"),
            (["[]"], "malformed"),
            (["[" * 2000], "malformed"),
            (["x" * 5000], "too_large"),
            (["x" * 100_000], "too_large"),
            ([b"binary"], "malformed"),
        ]:
            assert await refusal(url, *texts) == code
        status, text = await get(f"{url}/health")
        assert status == 200
        assert '"nodes": 0' in text


async def test_a_registration_that_takes_too_long_is_given_up():
    async with relay(proof_s=0.1) as url:
        assert await refusal(url, claim(Identity.from_seed(os.urandom(32)))) == "timeout"


async def test_a_relay_takes_so_many_nodes_and_registrations_and_no_more():
    async with relay(max_nodes=1, max_unproven=2, proof_s=30) as url, nodes(url, 1) as (ada,):
        with pytest.raises(PeerError) as caught:
            await RawNode.connect(url)
        assert caught.value.code == "busy"
        again = await RawNode.connect(url, ada.identity)  # who is in may come again
        again.close()
        silent = [await RawSocket.open(f"{url}/relay-ws") for _ in range(2)]
        with pytest.raises(UnreachableError, match="503"):
            await RawSocket.open(f"{url}/relay-ws")
        for socket in silent:
            socket.close()


@pytest.mark.parametrize("path", ["/relay-ws", "/lobby-ws", None])
async def test_sockets_that_prove_nothing_do_not_keep_nodes_out(path):
    async with relay(max_unproven=4, proof_s=30) as url:
        port = int(url.rpartition(":")[2])
        async with idle_sockets(port, path, 10):
            for _ in range(6):
                node = await RawNode.connect(url)
                node.close()


async def test_where_its_names_are_known_a_proof_holds_for_one_of_them_only():
    ada = Identity.from_seed(os.urandom(32))
    async with relay(names=("relay.example",)) as url:
        with pytest.raises(UnreachableError, match="421"):
            await RawSocket.open(f"{url}/relay-ws")
    async with relay() as url:
        port = url.rpartition(":")[2]
    async with relay(names=(f"127.0.0.1:{port}",), port=int(port)) as url:
        socket = await RawSocket.open(f"{url}/relay-ws")
        registration = Registration(ada, host="elsewhere.example")
        socket.send(registration.begin())
        challenge = str(await socket.read())
        with pytest.raises(WrongNodeError):
            registration.receive(challenge)
        socket.close()
        node = await RawNode.connect(url, ada)
        node.close()


async def test_it_speaks_tls(tmp_path):
    certfile, keyfile = map(str, make_certificate(tmp_path, "127.0.0.1"))
    async with serving(Options(port=0, certfile=certfile, keyfile=keyfile)) as (url,):
        assert url.startswith("wss://")
        context = ssl.create_default_context(cafile=certfile)
        node = await RawNode.connect(url, ssl_context=context)
        node.close()


@pytest.mark.parametrize(
    "options",
    [
        {"certfile": "/nonexistent.pem"},
        {"keyfile": "/nonexistent.pem"},
        {"certfile": __file__},
        {"ip": "0.0.0.0"},  # and no name
        {"ip": ""},
    ],
)
async def test_an_option_that_cannot_be_used_is_refused_with_a_reason(options):
    with pytest.raises(PeerError) as caught:
        async with serving(Options(**{"port": 0, **options})):
            raise AssertionError("it started")
    assert caught.value.code == "bad_request"


async def test_it_leaves_no_task_and_no_node_behind():
    before = asyncio.all_tasks()
    async with relay() as url:
        ada, bob = await RawNode.connect(url), await RawNode.connect(url)
        ada.send(bob, b"x")
        await bob.frame()
        ada.close()

        async def is_gone() -> bool:
            return '"nodes": 1' in (await get(f"{url}/health"))[1]

        await until(is_gone)
    assert await bob.read() is None
    bob.close()
    await until(lambda: not (asyncio.all_tasks() - before))
