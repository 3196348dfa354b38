"""As many guests as a link has places, over real sockets, beside peers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_peer.hub.guests.guest_links import MintedLink
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.transports.direct.direct import DirectTransport
from tests.machine.waiting import until
from tests.panes.kernels import display
from tests.peers.guests import shown
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackNetwork
from tests.peers.nodes import Node, texts
from tests.wire.by_hand import HandMessage, HandPeer

GUESTS, PEERS = 64, 5
UPDATES, SIZE = 12, 100_000
#: What waits for a guest who does not read: a few steps, however many there were.
MOST_QUEUED = 5 * SIZE


class SocketGuest:
    """A guest at the owner's own port, as a browser connects.

    Attributes:
        hand: Its end of the wire.
        newest: What its page shows now.
    """

    def __init__(self, link: MintedLink) -> None:
        self.hand = HandPeer.dialing(
            os.urandom(32), guest=shown(link), name="", capabilities=("pane-widgets",)
        )
        self.newest = ""
        self._reading: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def at(self, port: int) -> AsyncIterator[SocketGuest]:
        """Connect, and open the pane."""
        origin = {"Origin": f"http://127.0.0.1:{port}"}
        socket = await websocket_connect(
            HTTPRequest(f"ws://127.0.0.1:{port}/guest-ws", headers=origin)
        )
        self._say(socket, self.hand.start())
        self._reading = asyncio.create_task(self._read(socket))
        try:
            await until(lambda: self.hand.is_ready)
            self._say(socket, self.hand.send("pane_open", {"pane": "loss"}))
            await until(lambda: self.newest)
            yield self
        finally:
            self.stop_reading()
            socket.close()

    def stop_reading(self) -> None:
        """Take nothing more; the socket stays open."""
        assert self._reading is not None
        self._reading.cancel()

    async def _read(self, socket: WebSocketClientConnection) -> None:
        while (frame := await socket.read_message()) is not None:
            self._say(socket, self.hand.receive(frame))
            for message in self.hand.inbox:
                self._take(message)
            self.hand.inbox.clear()

    def _take(self, message: HandMessage) -> None:
        if message.type == "pane_snapshot":
            self.newest = message.data["outputs"][0]["data"]["text/plain"]
        elif message.type == "pane_update":
            for told in message.data["messages"]:
                self.newest = told["content"]["data"]["text/plain"]

    @staticmethod
    def _say(socket: WebSocketClientConnection, frames: list[bytes | str]) -> None:
        for frame in frames:
            socket.write_message(frame, binary=isinstance(frame, bytes))


def direct_hub(path: Path, name: str) -> tuple[PeerHub, int]:
    """Return a hub that is reached by a socket, and its port."""
    transport = DirectTransport()
    ((host, port),) = transport.listen("127.0.0.1", 0)
    address = f"ws://{host}:{port}/peer-ws"
    hub = make_hub(
        LoopbackNetwork(), path, name, transports=[transport], advertised_addresses=(address,)
    )
    return hub, port


async def test_a_guest_who_never_reads_costs_63_guests_and_5_peers_nothing(tmp_path: Path) -> None:
    hub, port = direct_hub(tmp_path, "ada")
    others = [direct_hub(tmp_path, f"peer-{number}")[0] for number in range(PEERS)]
    ada = Node(hub)
    async with running(hub, *others), contextlib.AsyncExitStack() as stack:
        await ada.share()
        ada.kernel.show("begins", "plot")
        watches = []
        for other in others:
            await pair(hub, other)
            ada.publisher.grant("loss", other.node_id, "view")
            peer = Node(other)
            stack.push_async_callback(peer.close)
            watches.append(await peer.watcher.open(ada.id, "loss"))
        link = hub.guests.mint("loss")
        mute, *guests = [
            await stack.enter_async_context(SocketGuest(link).at(port)) for _ in range(GUESTS)
        ]
        mute.stop_reading()

        for number in range(UPDATES):
            text = f"{number}:" + "x" * SIZE
            ada.kernel.say("update_display_data", display(text, "plot"))
            # Each sees each step before the next one: nobody waits for the one who does not read.
            await until(lambda text=text: all(guest.newest == text for guest in guests))
            await until(lambda text=text: all(texts(watch) == [text] for watch in watches))

        unread = hub.guests.get(mute.hand.node_id)
        assert unread is not None
        assert unread.session is not None
        assert 0 < unread.session.queued < MOST_QUEUED
        assert mute.newest == "begins"
        assert len(hub.guests.links()[0].guests) == GUESTS
        await ada.close()
