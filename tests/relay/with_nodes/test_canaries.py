"""What a relay could learn of guests and codes: canaries in its memory, its log and its traffic.

The relay is a process of its own. Everything reaches it through a forwarder of the test that keeps
what passes. Each search finds something that has to be there first: a search that finds nothing at
all would prove nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from jupyter_peer.lobby_client.codes import at_lobby, hand_over, receive
from jupyter_peer.transports.relay.relay import RelayTransport
from jupyter_peer.wire.codes.code import Code
from jupyter_peer.wire.link.identity import Identity
from tests.machine.memory import found_in_memory
from tests.peers.guests import HandGuest, shown
from tests.peers.hubs import relay_hub, running
from tests.peers.nodes import Node
from tests.relay.process import RelayProcess, relay_process

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/mem").exists(), reason="reads the memory of a process in /proc"
)


@pytest.fixture
def relay() -> Iterator[RelayProcess]:
    with relay_process("--log-level=DEBUG") as process:
        yield process


class Wiretap:
    """Passes connections on to a relay, and keeps what the relay sends and gets."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self.seen = bytearray()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with self._server:
            yield f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 16):
            self.seen += piece
            writer.write(piece)
        writer.close()


class RelayGuest(HandGuest):
    """A guest who comes by a relay."""

    async def dial_by(self, relay_url: str, owner: str) -> RelayTransport:
        transport = RelayTransport(Identity.from_seed(os.urandom(32)), relay_url)
        await transport.start(lambda link: asyncio.sleep(0))
        self.link = await transport.dial(f"relay:{relay_url}", owner)
        self.link.send(self.hand.start())
        while not self.hand.is_ready:
            self.link.send(self.hand.receive(await self.link.recv()))
        self.link.attach(self._take, lambda reason: None)
        return transport


def searched(relay: RelayProcess, tap: Wiretap, needles: dict[str, bytes]) -> dict[str, set[str]]:
    """Return where each needle was found."""
    log = relay.said().encode()
    return {
        "memory": found_in_memory(relay.process.pid, needles),
        "log": {name for name, needle in needles.items() if needle in log},
        "traffic": {name for name, needle in needles.items() if needle in tap.seen},
    }


async def test_neither_content_nor_secret_of_a_link_is_with_the_relay(relay: RelayProcess) -> None:
    canary = secrets.token_hex(16)
    tap = Wiretap(relay.port)
    with tempfile.TemporaryDirectory() as folder:
        async with tap.listening() as url:
            ada = Node(relay_hub(Path(folder), "ada", url))
            async with running(ada.hub):
                await ada.share()
                link = ada.hub.guests.mint("loss")
                _, secret, key = link.fragment.split(".")
                guest = RelayGuest(shown(link))
                transport = await guest.dial_by(url, ada.id)
                await guest.got("pane_offer")
                guest.say("pane_open", {"pane": "loss"})
                await guest.got("pane_snapshot")
                ada.kernel.write(f"canary {canary}\n")
                update = await guest.got("pane_update")
                assert canary in str(update.data)
                found = searched(
                    relay,
                    tap,
                    {
                        "owner": ada.id.encode(),
                        "content": canary.encode(),
                        "secret": secret.encode(),
                        "key": key.encode(),
                    },
                )
                await transport.close()
    assert "owner" in found["memory"] & found["traffic"]
    assert set.union(*found.values()) == {"owner"}


async def test_neither_words_nor_invite_of_a_code_are_with_the_relay(relay: RelayProcess) -> None:
    invite = "jpeer1:" + secrets.token_urlsafe(400)
    # Not the lists' words: the program has those in its memory, so it could not be told apart.
    words = [secrets.token_hex(12), secrets.token_hex(12)]
    seed = os.urandom(32)
    owner = Identity.from_seed(seed).node_id
    tap = Wiretap(relay.port)
    async with (
        tap.listening() as url,
        at_lobby([f"{url}/lobby-ws"], seed) as ada,
        at_lobby([f"{url}/lobby-ws"], os.urandom(32)) as bob,
    ):
        await ada.open()
        code = Code(ada.number, *words)
        handing = asyncio.create_task(hand_over(ada, code, invite, os.urandom))
        assert await receive(bob, code, os.urandom) == invite
        await handing
        found = searched(
            relay,
            tap,
            {
                "owner": owner.encode(),
                "first": words[0].encode(),
                "second": words[1].encode(),
                "invite": invite[50:90].encode(),
                "password": code.password.to_bytes(32, "little"),
            },
        )
    assert "owner" in found["memory"]
    assert "owner" in found["traffic"]
    assert set.union(*found.values()) == {"owner"}
