"""A node of the original system, as far as others see it: unsealed JSON, its own messages and habits.

It keeps one link of each peer in its table, the last one registered, and goes on to answer pings on
the others.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from jupyter_peer.errors import LinkClosedError
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.primitives.task_set import TaskSet
from jupyter_peer.transports.base import PeerLink, Transport
from jupyter_peer.wire.invite import Invite
from jupyter_peer.wire.link.identity import Identity
from tests.machine.waiting import PATIENCE_S, until
from tests.peers.hubs import make_hub, running
from tests.peers.loopback import LoopbackNetwork

CAPABILITIES = ["agent", "collab"]


class OriginalNode:
    """One node of the original system on a loopback network.

    Attributes:
        verdict: Its `auth_result` for everybody who dials.
        peers: The link of each peer that its user sees, by node id.
        answers: Messages that answer a type: lists of (type, data), the last one with `re`.
        heard: The messages that came, as (type, data).
    """

    def __init__(self, transport: Transport) -> None:
        self.identity = Identity.from_seed(os.urandom(32))
        self.transport = transport
        self.verdict: dict[str, Any] = {"ok": True, "reason": None}
        self.peers: dict[str, PeerLink] = {}
        self.answers: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._tasks = TaskSet("a link of a node of the original system")

    @property
    def id(self) -> str:
        return self.identity.node_id

    def invite(self) -> str:
        """An invite to it, as somebody would write one who knows its key."""
        return Invite(
            v=1,
            id=self.id,
            pk=self.identity.public_key_b64,
            t="A" * 22,
            a=self.transport.addresses(),
            x=time.time() + 60,
            n="olga",
        ).to_text()

    async def start(self) -> None:
        await self.transport.start(self._accept)

    async def close(self) -> None:
        await self._tasks.close()
        await self.transport.close()

    async def dial(self, address: str) -> None:
        """Connect to an address; LinkClosedError when the other side refuses."""
        link = await self.transport.dial(address, None)
        self._say(link, "hello", self._introduction())
        ack = await self._hear(link)
        self._say(link, "auth", {"echo": ack["data"]["nonce"], "token": None})
        result = await self._hear(link)
        if not result["data"].get("ok"):
            await link.close()
            raise LinkClosedError(result["data"].get("reason"))
        self._register(ack["src"], link)

    def send(self, peer: str, type: str, data: dict[str, Any], re: str | None = None) -> None:
        self._say(self.peers[peer], type, data, re)

    def send_text(self, peer: str, text: str) -> None:
        self.peers[peer].send([text])

    def text(
        self, type: str, data: dict[str, Any], re: str | None = None, *, shown: Any = None
    ) -> str:
        """Write a message; `shown` is sent in place of the data that are signed."""
        fields = {
            "v": 1,
            "type": type,
            "msg_id": os.urandom(16).hex(),
            "re": re,
            "src": self.id,
            "ts": time.time(),
            "data": data,
        }
        signed = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
        routing = {
            "dst": None,
            "ttl": 8,
            "sig": base64.b64encode(self.identity.sign(signed)).decode(),
        }
        return json.dumps({**fields, **routing, "data": data if shown is None else shown})

    async def _accept(self, link: PeerLink) -> None:
        hello = await self._hear(link)
        echo = {"echo": hello["data"]["nonce"]}
        self._say(link, "hello_ack", {**self._introduction(), **echo}, hello["msg_id"])
        auth = await self._hear(link)
        self._say(link, "auth_result", self.verdict, auth["msg_id"])
        if self.verdict["ok"]:
            self._register(hello["src"], link)

    def _introduction(self) -> dict[str, Any]:
        return {
            "node_name": "olga",
            "public_key": self.identity.public_key_b64,
            "capabilities": CAPABILITIES,
            "nonce": os.urandom(16).hex(),
        }

    def _register(self, peer: str, link: PeerLink) -> None:
        self.peers[peer] = link
        self._tasks.start(self._pump(peer, link))

    async def _pump(self, peer: str, link: PeerLink) -> None:
        try:
            while True:
                message = await self._hear(link)
                type, msg_id = message["type"], message["msg_id"]
                self.heard.append((type, message["data"]))
                if type == "ping":
                    self._say(link, "pong", {}, msg_id)
                for answer, data in self.answers.get(type, ()):
                    is_last = (answer, data) == self.answers[type][-1]
                    asked = {"request_id": message["data"].get("request_id")}
                    self._say(link, answer, {**asked, **data}, msg_id if is_last else None)
        except LinkClosedError:
            if self.peers.get(peer) is link:
                del self.peers[peer]

    def _say(self, link: PeerLink, type: str, data: dict[str, Any], re: str | None = None) -> None:
        link.send([self.text(type, data, re)])

    @staticmethod
    async def _hear(link: PeerLink) -> dict[str, Any]:
        # Python 3.11's `wait_for` may lose a cancellation, which here ends the node.
        async with asyncio.timeout(PATIENCE_S):
            frame = await link.recv()
        message: dict[str, Any] = json.loads(frame)
        return message


@contextlib.asynccontextmanager
async def ada_and_olga(
    path: Path, *, is_paired: bool = True
) -> AsyncIterator[tuple[PeerHub, OriginalNode]]:
    """Run ada, who allows unsealed peers, and olga of the original system."""
    network = LoopbackNetwork()
    ada = make_hub(network, path, "ada", allow_unsealed_peers=True)
    olga = OriginalNode(network.transport("olga"))
    await olga.start()
    async with running(ada):
        try:
            if is_paired:
                await ada.pair(olga.invite())
                await until(lambda: ada.node_id in olga.peers)
            yield ada, olga
        finally:
            await olga.close()
