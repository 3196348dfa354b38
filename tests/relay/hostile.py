"""A relay that its nodes cannot trust: it keeps all it sees and does with frames as a test says.

It registers nodes as a real one does, since they would not talk to it otherwise; after that it lies.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Callable

from jupyter_peer.relay.broker.limits import Limits
from jupyter_peer.relay.broker.metrics import Metrics
from jupyter_peer.relay.connection import Connection
from jupyter_peer.relay.proof import Proof
from jupyter_peer.relay.server import RelayServer
from jupyter_peer.sockets.frames import BINARY as BINARY_MESSAGE, frame_head
from jupyter_peer.wire.relay.frames import CLOSE, DATA, GROUP, JOIN, LEAVE, RelayFrame
from jupyter_peer.wire.relay.link import BINARY, CREDIT, OPEN, TEXT, limit_payload

# Given a frame, returns what is sent instead of it.
Attack = Callable[[RelayFrame], list[RelayFrame]]


def honest(frame: RelayFrame) -> list[RelayFrame]:
    """Pass everything on, as a relay should."""
    return [frame]


class HostileRelay:
    """The relay.

    Attributes:
        attack: What it does with frames; may be changed at any time.
        seen: Every frame that came, as it came.
        nodes: The connections by node id.
        url: Where it listens.
        members: Who has ever joined a group, by owner and group, with the link; nobody leaves.
    """

    def __init__(self) -> None:
        self.attack: Attack = honest
        self.seen: list[bytes] = []
        self.nodes: dict[str, Connection] = {}
        self.url = ""
        self.members: dict[tuple[str, bytes], dict[str, bytes]] = {}

    async def serve(self, connection: Connection, proof: Proof) -> None:
        """Take a node in, and its frames."""
        self.nodes[proof.node_id] = connection
        connection.send_text(proof.answer(max_frame=512 * 1024, max_members=256))
        try:
            while True:
                for _, payload in await connection.read():
                    self.seen.append(bytes(payload))
                    for whole in self._handed_on(RelayFrame.from_bytes(bytes(payload))):
                        for frame in self.attack(whole):
                            self.send(frame)
        finally:
            if self.nodes.get(proof.node_id) is connection:
                del self.nodes[proof.node_id]

    def _handed_on(self, frame: RelayFrame) -> list[RelayFrame]:
        if frame.kind == JOIN and frame.src != frame.dst:
            joined = self.members.setdefault((frame.dst, bytes(frame.payload)), {})
            joined[frame.src] = frame.link
        if frame.kind in (JOIN, LEAVE):
            return []
        if frame.kind != GROUP:
            return [frame]
        members = self.members.get((frame.src, frame.link), {})
        payload = frame.link + bytes(frame.payload)
        return [
            RelayFrame(GROUP, node_id, frame.src, link, payload)
            for node_id, link in members.items()
        ]

    def send(self, frame: RelayFrame, to: str | None = None) -> None:
        """Send a frame to the node it names, or to another."""
        connection = self.nodes.get(to or frame.dst)
        if connection is not None:
            data = frame.to_bytes()
            connection.write(frame_head(BINARY_MESSAGE, len(data)) + data)

    def holds(self, secret: bytes) -> bool:
        """Return whether a secret was in anything it saw, within a frame or over several."""
        apart = any(secret in frame for frame in self.seen)
        return apart or secret in b"".join(frame[44:] for frame in self.seen)


@contextlib.asynccontextmanager
async def hostile_relay() -> AsyncIterator[HostileRelay]:
    """Run a hostile relay."""
    relay = HostileRelay()
    server = RelayServer(
        Limits(), Metrics(), {"/relay-ws": relay.serve}, lambda: {"ok": True}, lambda: "hostile"
    )
    ((host, port),) = server.listen("127.0.0.1", 0)
    relay.url = f"ws://{host}:{port}"
    try:
        yield relay
    finally:
        server.stop_listening()
        await server.close()


def _is_sealed(frame: RelayFrame) -> bool:
    return frame.kind == DATA and bytes(frame.payload[:1]) == bytes((BINARY,))


def _with(frame: RelayFrame, payload: bytes, link: bytes | None = None) -> RelayFrame:
    return RelayFrame(frame.kind, frame.dst, frame.src, link or frame.link, payload)


class Attacks:
    """What it can do to sealed frames, one in ``every`` of them.

    Args:
        every: How often.
        seed: Of the choices it makes.
    """

    def __init__(self, every: int = 7, seed: int = 1) -> None:
        self._every = every
        self._count = 0
        self._random = random.Random(seed)
        self._kept: RelayFrame | None = None
        self._old: list[RelayFrame] = []
        self.done = 0

    def _is_due(self, frame: RelayFrame) -> bool:
        if not _is_sealed(frame):
            return False
        self._count += 1
        if self._count % self._every:
            return False
        self.done += 1
        return True

    def alter(self, frame: RelayFrame) -> list[RelayFrame]:
        if not self._is_due(frame):
            return [frame]
        data = bytearray(frame.payload)
        data[self._random.randrange(1, len(data))] ^= 1 << self._random.randrange(8)
        return [_with(frame, bytes(data))]

    def cut_short(self, frame: RelayFrame) -> list[RelayFrame]:
        return [_with(frame, bytes(frame.payload[:-1]))] if self._is_due(frame) else [frame]

    def lengthen(self, frame: RelayFrame) -> list[RelayFrame]:
        return [_with(frame, bytes(frame.payload) + b"\0")] if self._is_due(frame) else [frame]

    def drop(self, frame: RelayFrame) -> list[RelayFrame]:
        return [] if self._is_due(frame) else [frame]

    def duplicate(self, frame: RelayFrame) -> list[RelayFrame]:
        return [frame, frame] if self._is_due(frame) else [frame]

    def reorder(self, frame: RelayFrame) -> list[RelayFrame]:
        if self._kept is not None and _is_sealed(frame) and frame.src == self._kept.src:
            kept, self._kept = self._kept, None
            return [frame, kept]
        if self._is_due(frame):
            self._kept = frame
            return []
        return [frame]

    def replay(self, frame: RelayFrame) -> list[RelayFrame]:
        """Send what it saw long ago again, on the link of now."""
        if not self._is_due(frame):
            if len(self._old) < 50:
                self._old.append(frame)
            return [frame]
        old = self._random.choice(self._old) if self._old else frame
        return [frame, _with(old, bytes(old.payload), frame.link)]

    def reflect(self, frame: RelayFrame) -> list[RelayFrame]:
        """Send a node its own frame back, in the other's name."""
        if not self._is_due(frame):
            return [frame]
        return [frame, RelayFrame(DATA, frame.src, frame.dst, frame.link, frame.payload)]

    def swap_forms(self, frame: RelayFrame) -> list[RelayFrame]:
        """Pass binary off as text."""
        if not self._is_due(frame):
            return [frame]
        return [_with(frame, bytes((TEXT,)) + bytes(frame.payload[1:]))]

    def invent(self, frame: RelayFrame) -> list[RelayFrame]:
        """Put frames of its own into the link: sealed ones, text, credits, openings."""
        if not self._is_due(frame):
            return [frame]
        made = self._random.choice(
            [
                bytes((BINARY,)) + self._random.randbytes(100),
                bytes((TEXT,)) + b'{"type": "pane_update", "data": {}}',
                bytes((CREDIT,)) + limit_payload(2**63),
                bytes((OPEN,)) + limit_payload(2**63),
                bytes((9,)),
                b"",
            ]
        )
        return [_with(frame, made), frame]

    def close(self, frame: RelayFrame) -> list[RelayFrame]:
        """End links in the other's name."""
        if not self._is_due(frame):
            return [frame]
        return [RelayFrame(CLOSE, frame.dst, frame.src, frame.link, b"blocked")]


ATTACKS = [
    "alter",
    "cut_short",
    "lengthen",
    "drop",
    "duplicate",
    "reorder",
    "replay",
    "reflect",
    "swap_forms",
    "invent",
    "close",
]
