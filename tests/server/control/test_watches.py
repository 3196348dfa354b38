"""Panes watched over one control connection."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace

import msgspec
import pytest

from jupyter_peer.control.frames import decode_message
from jupyter_peer.control.rows import panes as rows
from jupyter_peer.errors import BusyError, LookupFailedError, NotWatchedError
from jupyter_peer.panes.state import PaneState
from jupyter_peer.server.call import Call
from jupyter_peer.server.control.watches import MAX_UNACKED, MAX_WATCHES, Watches
from tests.machine.waiting import until

INFO = {
    "name": "loss",
    "title": "",
    "grant": "view",
    "since": 1.0,
    "status": "live",
    "last_seen": None,
    "owner": {"node_id": "n" * 16, "node_name": "ada", "alias": None},
    "path": "direct",
    "rtt_ms": 1.5,
    "truncated": 0,
}


class FakeWatch:
    """A watch whose state the test changes itself."""

    def __init__(self) -> None:
        self.state = PaneState("0" * 16)
        self.info = dict(INFO)
        self.listeners = []
        self.is_closed = False

    def subscribe(self, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def close(self):
        self.is_closed = True

    def tell(self):
        for listener in list(self.listeners):
            listener()

    def print(self, text):
        self.state.apply("stream", {"name": "stdout", "text": text})
        self.tell()

    def set_info(self, **info):
        self.info = {**self.info, **info}
        self.tell()


class Client:
    """The other end: keeps what was sent, and can be slow."""

    def __init__(self) -> None:
        self.events = []
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.opened = []

        async def begin(node_id, name):
            self.opened.append(FakeWatch())
            return self.opened[-1]

        self.operations = SimpleNamespace(
            kernel_watches=Counter(),
            hub=SimpleNamespace(find_peer=lambda text: SimpleNamespace(node_id="n" * 16)),
            watcher=SimpleNamespace(open=begin),
        )
        self.watches = Watches(self.operations, self.write)

    async def write(self, frame):
        self.events.append(decode_message(frame.payload.decode()).data)
        await self.may_read.wait()

    async def open(self):
        return await self.watches.open(rows.OpenParams("ada", "loss"), Call())

    async def ack(self, number, rev):
        await self.watches.ack(rows.AckParams(number, rev), Call())


@pytest.fixture
def client(jp_asyncio_loop):
    async def make():
        return Client()

    client = jp_asyncio_loop.run_until_complete(make())
    yield client
    jp_asyncio_loop.run_until_complete(client.watches.close())
    assert all(watch.is_closed and not watch.listeners for watch in client.opened)


async def test_a_watch_begins_with_the_state_so_far(client):
    opened = await client.open()
    assert (opened.watch, msgspec.to_builtins(opened.info)) == (1, INFO)
    assert (opened.state.rev, opened.state.outputs) == (0, [])


async def test_each_change_is_an_event_that_builds_on_the_one_before(client):
    await client.open()
    (watch,) = client.opened
    for number in range(1, 4):
        watch.print(f"{number}\n")
        await until(lambda number=number: len(client.events) == number)
        await client.ack(1, client.events[-1]["rev"])
    assert [(event["prev"], event["rev"]) for event in client.events] == [(0, 1), (1, 2), (2, 3)]
    assert all(event["watch"] == 1 for event in client.events)
    # The struct that shapes.ts is checked against knows every field of them.
    assert {name for event in client.events for name in event} <= {
        *rows.PaneEvent.__struct_fields__
    }


async def test_without_acknowledgements_only_two_changes_are_on_their_way(client):
    await client.open()
    (watch,) = client.opened
    for number in range(100):
        watch.print(f"{number}\n")
        await asyncio.sleep(0)
    await until(lambda: len(client.events) == MAX_UNACKED)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(client.events) == MAX_UNACKED
    await client.ack(1, client.events[-1]["rev"])
    await until(lambda: client.events[-1]["rev"] == 100)
    assert len(client.events) == MAX_UNACKED + 1
    text = ""
    for event in client.events:
        if "outputs" in event:
            text = event["outputs"][0]["text"]
        else:
            text += "".join(message["content"]["text"] for message in event["messages"])
    assert text == "".join(f"{number}\n" for number in range(100))


async def test_a_socket_that_takes_nothing_gets_one_change_when_it_takes_again(client):
    await client.open()
    (watch,) = client.opened
    client.may_read.clear()
    watch.print("first")
    await until(lambda: len(client.events) == 1)
    for number in range(50):
        watch.print(f" {number}")
        await asyncio.sleep(0)
    assert len(client.events) == 1
    client.may_read.set()
    await until(lambda: len(client.events) == 2)
    assert client.events[1]["rev"] == 51


async def test_what_becomes_of_the_pane_is_told_even_while_changes_wait(client):
    await client.open()
    (watch,) = client.opened
    for _ in range(5):
        watch.print("x")
        await asyncio.sleep(0)
    await until(lambda: len(client.events) == MAX_UNACKED)
    watch.set_info(status="last seen")
    await until(lambda: "info" in client.events[-1])
    assert client.events[-1] == {"watch": 1, "info": {**INFO, "status": "last seen"}}


async def test_a_pane_that_begins_anew_is_followed(client):
    await client.open()
    (watch,) = client.opened
    for _ in range(3):
        watch.print("x")
    await until(lambda: client.events)
    watch.state.restart("1" * 16)
    watch.tell()
    await until(lambda: client.events[-1]["epoch"] == "1" * 16)
    assert (client.events[-1]["rev"], client.events[-1]["outputs"]) == (0, [])
    # Its revisions are smaller than those on their way; they count all the same.
    await client.ack(1, 3)
    await client.ack(1, 0)
    watch.print("y")
    await until(lambda: client.events[-1]["rev"] == 1)
    watch.print("z")
    await until(lambda: client.events[-1]["rev"] == 2)


async def test_an_acknowledgement_of_nothing_that_was_sent_changes_nothing(client):
    await client.open()
    (watch,) = client.opened
    for _ in range(5):
        watch.print("x")
        await asyncio.sleep(0)
    await until(lambda: len(client.events) == MAX_UNACKED)
    for rev in (0, 77, 2**53 - 1):
        await client.ack(1, rev)
    await client.ack(9, 1)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(client.events) == MAX_UNACKED


async def test_a_closed_watch_is_told_nothing_more(client):
    opened = await client.open()
    (watch,) = client.opened
    await client.watches.close_watch(rows.WatchParams(opened.watch), Call())
    assert watch.is_closed
    watch.print("x")
    await asyncio.sleep(0)
    assert client.events == []
    with pytest.raises(LookupFailedError):
        await client.watches.close_watch(rows.WatchParams(opened.watch), Call())


async def test_watches_of_one_connection_are_bounded(client):
    for _ in range(MAX_WATCHES):
        await client.open()
    with pytest.raises(BusyError):
        await client.open()
    await client.watches.close_watch(rows.WatchParams(1), Call())
    assert (await client.open()).watch == MAX_WATCHES + 1


async def test_a_pane_that_no_kernel_watches_is_not_opened_by_an_output_alone(client):
    with pytest.raises(NotWatchedError):
        await client.watches.open(rows.OpenParams("ada", "loss", if_watched=True), Call())
    await client.open()
    with pytest.raises(NotWatchedError):
        await client.watches.open(rows.OpenParams("ada", "loss", if_watched=True), Call())
    assert len(client.opened) == 1


async def test_a_pane_is_opened_by_an_output_as_long_as_a_kernel_watches_it(client):
    kernel = Watches(client.operations, client.write, by_kernel=True)
    first = await kernel.open(rows.OpenParams("ada", "loss"), Call())
    await kernel.open(rows.OpenParams("ada", "loss"), Call())
    shown = rows.OpenParams("ada", "loss", if_watched=True)
    await client.watches.open(shown, Call())
    with pytest.raises(NotWatchedError):
        await client.watches.open(rows.OpenParams("ada", "other", if_watched=True), Call())
    await kernel.close_watch(rows.WatchParams(first.watch), Call())
    await client.watches.open(shown, Call())
    await kernel.close()
    with pytest.raises(NotWatchedError):
        await client.watches.open(shown, Call())
