from __future__ import annotations

import asyncio

from jupyter_peer.relay.broker.outbox import QUANTUM, Outbox
from jupyter_peer.sockets.frames import BINARY, MessageReader

ONE, TWO = b"lane one", b"lane two"


class Socket:
    """Takes writes at once while open; otherwise each waits to be taken."""

    def __init__(self) -> None:
        self.is_open = True
        self.written: list[bytes] = []
        self.waiting: list[asyncio.Future[None]] = []

    def write(self, data: bytes) -> asyncio.Future[None]:
        self.written.append(data)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.is_open:
            future.set_result(None)
        else:
            self.waiting.append(future)
        return future

    async def take(self) -> None:
        """Let the kernel take what was written."""
        self.waiting.pop(0).set_result(None)
        await asyncio.sleep(0)

    def frames(self) -> list[bytes]:
        reader = MessageReader(1 << 20, from_client=False)
        messages = list(reader.feed(b"".join(self.written)))
        assert all(opcode == BINARY for opcode, _ in messages)
        return [bytes(payload) for _, payload in messages]


def make() -> tuple[Socket, Outbox, list[int]]:
    socket, drained = Socket(), []
    return socket, Outbox(socket.write, drained.append), drained


async def test_what_is_put_in_one_turn_is_one_write():
    socket, outbox, _ = make()
    assert outbox.put(ONE, b"head", b"1") == 0
    assert outbox.put(TWO, b"head", memoryview(b"2")) == 0
    outbox.flush()
    outbox.flush()
    assert len(socket.written) == 1
    assert socket.frames() == [b"head1", b"head2"]


async def test_behind_a_stuck_write_each_lane_keeps_its_order_and_they_take_turns():
    socket, outbox, drained = make()
    socket.is_open = False
    outbox.put(ONE, b"", b"stuck")
    outbox.flush()
    big = bytes(QUANTUM)
    for number in range(6):
        outbox.put(ONE, b"%d" % number, big)
    waiting = outbox.put(TWO, b"small", b"")
    assert waiting == 5
    assert outbox.queued == 6 * (QUANTUM + 1) + 5
    assert outbox.longest() == ONE
    while socket.waiting:
        await socket.take()
    frames = socket.frames()
    assert [frame[:1] for frame in frames if len(frame) > 9] == [b"%d" % n for n in range(6)]
    assert frames.index(b"small") == 2  # behind one frame of the other lane, not behind six
    assert outbox.queued == 0
    assert sum(drained) == 6 * (QUANTUM + 1) + 5


async def test_a_dropped_lane_is_gone_and_the_others_are_not():
    socket, outbox, drained = make()
    socket.is_open = False
    outbox.put(ONE, b"", b"stuck")
    outbox.flush()
    outbox.put(ONE, b"", b"gone")
    outbox.put(TWO, b"", b"stays")
    outbox.drop(ONE)
    outbox.drop(ONE)
    assert outbox.queued == 5
    assert drained == [4]
    await socket.take()
    assert socket.frames() == [b"stuck", b"stays"]


async def test_a_closed_outbox_forgets_everything():
    socket, outbox, drained = make()
    socket.is_open = False
    outbox.put(ONE, b"", b"stuck")
    outbox.flush()
    outbox.put(ONE, b"", b"waits")
    outbox.close()
    outbox.close()
    assert outbox.queued == 0
    assert sum(drained) == 5
    assert outbox.longest() is None
    await socket.take()
    outbox.put(ONE, b"", b"late")
    outbox.flush()
    assert socket.frames() == [b"stuck"]
