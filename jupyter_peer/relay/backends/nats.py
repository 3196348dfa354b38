"""Any number of brokers as one, joined by NATS (https://docs.nats.io).

A broker subscribes to the subject of every node that is attached to it, and records that in the
table. It publishes a frame for a node elsewhere to the node's subject, with a reply subject that
names the frame. If nobody is subscribed, NATS answers there ("no responders"), and the link ends at
once and not by a timeout. So no broker has to find out which other brokers are alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
from collections import deque
from typing import Any
from weakref import WeakValueDictionary

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from ...errors import UnreachableError
from ...primitives.task_set import TaskSet
from ...wire.relay.frames import CLOSE, DST, HEAD, LINK, SRC, TTL, VERSION
from .base import Backend, ConflictError, Sink, Take
from .nats_table import NatsTable

log = logging.getLogger(__name__)

CONNECT_S = 10.0
RECONNECT_S = 0.5
# Bytes published and not yet accepted by the server.
_UNDER_WAY = 1024 * 1024
_CONGESTED = 4 * 1024 * 1024
_MAX_QUEUED = 64 * 1024 * 1024
# Messages that may wait for a node in this program before they are in the node's outbox.
_PENDING_BYTES = 64 * 1024 * 1024
_BEAT_S = 1.0
_DEAD_S = 5.0
_POST_S = 2.0
_TIDY_S = 300.0
_AT = "at."
_RELAY = "relay"
_SUBJECTS = re.compile(r"[A-Za-z0-9_-]{1,64}")


class NatsBackend(Backend):
    """The backend of one broker among several.

    Args:
        urls: NATS servers, ``nats://[user:password@]host:port`` or ``tls://``.
        credentials: Path of a credentials file, for servers that ask for one.
        prefix: First word of all subjects, and name of the bucket; brokers of one prefix are one relay.
        replicas: NATS servers that keep the table.
    """

    name = "nats"

    def __init__(
        self,
        urls: list[str],
        *,
        credentials: str | None = None,
        prefix: str = "jupyter-peer",
        replicas: int = 1,
    ) -> None:
        if not _SUBJECTS.fullmatch(prefix):
            raise ValueError("a prefix has 1 to 64 letters, digits, dashes and underscores")
        self.broker_id = self.relay_id = secrets.token_hex(8)
        self._urls = urls
        self._credentials = credentials
        self._prefix = prefix
        self._client = Client()
        self.table: NatsTable = NatsTable(self._client, f"{prefix}-table", replicas)
        self._sink: Sink | None = None
        self._nodes: dict[bytes, Subscription] = {}
        self._mailboxes: dict[str, tuple[Take, Subscription]] = {}
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        # Nodes that were not at the broker in the table, by the revision of that record.
        self._missed: dict[bytes, int] = {}
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._has_frames = asyncio.Event()
        self._has_drained = asyncio.Event()
        self._heard: dict[str, float] = {}
        self._tasks = TaskSet("work of a broker with NATS")
        self._is_joined = False
        self._is_closing = False

    # Start and end.

    async def start(self, sink: Sink) -> None:
        self._sink = sink
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._connect()
        except (TimeoutError, nats.errors.Error, OSError, ValueError) as error:
            await self.close()
            raise UnreachableError(
                f"NATS does not answer: {str(error) or 'no connection in time'}",
                hint="check --nats, and whether nats-server runs",
            ) from error
        try:
            await self.table.open()
            await self._name_relay()
            await self._client.subscribe(f"{self._lost}.>", cb=self._on_lost)
            await self._client.subscribe(f"{self._prefix}.alive", cb=self._on_beat)
        except BaseException:
            await self.close()
            raise
        self.table.watch(self._on_change)
        self._is_joined = True
        self._tasks.start(self._publish())
        self._tasks.start(self._beat())
        self._tasks.start(self._tidy())

    async def _name_relay(self) -> None:
        """Read the name of the relay from the table, or choose one."""
        entry = self.table.get(_RELAY)
        if entry is None:
            with contextlib.suppress(ConflictError):  # another broker was quicker
                await self.table.update(_RELAY, self.relay_id.encode(), 0)
            entry = await self.table.fetch(_RELAY)
        self.relay_id = entry.value.decode("ascii", "replace")

    async def _connect(self) -> None:
        await self._client.connect(
            self._urls,
            name=f"{self._prefix} {self.broker_id}",
            user_credentials=self._credentials,
            max_reconnect_attempts=-1,
            reconnect_time_wait=RECONNECT_S,  # type: ignore[arg-type]
            ping_interval=10,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
        )

    async def close(self) -> None:
        self._is_closing = True
        await self._tasks.close()
        self._has_drained.set()
        await self.table.close()
        with contextlib.suppress(nats.errors.Error, OSError):
            await self._client.close()

    @property
    def is_healthy(self) -> bool:
        return self._is_joined and self._client.is_connected

    # Nodes.

    async def attach(self, node: bytes) -> None:
        if not self.is_healthy:
            raise UnreachableError(
                "this broker has lost its connection to the others",
                hint="connect to another broker, or wait",
            )
        async with self._lock(node):
            if node not in self._nodes:
                self._nodes[node] = await self._subscribe("frame", node.decode(), self._on_frame)
            try:
                await self.table.put(_AT + node.decode(), self.broker_id.encode())
            except UnreachableError:
                await self._unsubscribe(self._nodes.pop(node, None))
                raise

    async def detach(self, node: bytes) -> None:
        async with self._lock(node):
            await self._unsubscribe(self._nodes.pop(node, None))
            entry = self.table.get(_AT + node.decode())
            if entry is not None and entry.value == self.broker_id.encode():
                await self._forget(node, entry.revision)

    async def _forget(self, node: bytes, revision: int) -> None:
        """Remove a node from the table, unless it has come back meanwhile."""
        with contextlib.suppress(ConflictError, UnreachableError):
            await self.table.delete(_AT + node.decode(), revision)

    def is_elsewhere(self, node: bytes) -> bool:
        entry = self.table.get(_AT + node.decode())
        return (
            entry is not None
            and entry.value != self.broker_id.encode()
            and self._missed.get(node) != entry.revision
        )

    def send(self, frame: bytes) -> None:
        if self._queued > _MAX_QUEUED:
            self._tell_lost(frame)
            return
        self._queue.append(frame)
        self._queued += len(frame)
        self._has_frames.set()

    @property
    def is_congested(self) -> bool:
        return self._queued > _CONGESTED

    async def until_drained(self) -> None:
        if self.is_congested and self._tasks:
            self._has_drained.clear()
            await self._has_drained.wait()

    async def _publish(self) -> None:
        """Publish the queued frames, and flush from time to time."""
        client, under_way = self._client, 0
        # The client's own waiting swallows cancellations.
        while not self._is_closing:
            if not self._queue:
                self._has_frames.clear()
                await self._has_frames.wait()
            frame = self._queue.popleft()
            self._queued -= len(frame)
            try:
                await client.publish(
                    f"{self._prefix}.frame.{frame[DST].decode()}", frame, self._reply(frame)
                )
                under_way += len(frame)
                if under_way >= _UNDER_WAY:
                    await client.flush()
                    under_way = 0
            except (TimeoutError, nats.errors.Error, OSError):
                self._tell_lost(frame)
            if not self.is_congested:
                self._has_drained.set()

    async def _on_frame(self, message: Msg) -> None:
        frame = message.data
        # If the node has just moved, its new broker delivers the frame.
        if self._sink is not None and frame[DST] in self._nodes:
            self._sink.deliver(frame)

    # Frames that no broker received.

    @property
    def _lost(self) -> str:
        return f"{self._prefix}.lost.{self.broker_id}"

    def _reply(self, frame: bytes) -> str:
        if frame[1] == CLOSE:
            return ""
        return f"{self._lost}.{frame[DST].decode()}.{frame[SRC].decode()}.{frame[LINK].hex()}"

    async def _on_lost(self, message: Msg) -> None:
        dst, src, link = message.subject.removeprefix(f"{self._lost}.").split(".")
        node = dst.encode()
        entry = self.table.get(_AT + dst)
        if entry is not None and self._missed.get(node) != entry.revision:
            self._missed[node] = entry.revision
            self._tasks.start(self._forget(node, entry.revision))
        self._tell_lost(HEAD.pack(VERSION, 0, TTL, node, src.encode(), bytes.fromhex(link)))

    def _tell_lost(self, frame: bytes) -> None:
        if self._sink is not None:
            self._sink.lost(frame)

    # The table.

    def _on_change(self, key: str, before: bytes | None, after: bytes | None) -> None:
        if not key.startswith(_AT) or self._sink is None:
            return
        node = key.removeprefix(_AT).encode()
        self._missed.pop(node, None)
        if after == self.broker_id.encode():
            return
        if after is not None:
            here = self._nodes.pop(node, None)
            if here is not None:
                self._sink.moved(node)
                self._tasks.start(self._unsubscribe(here))
            self._sink.appeared(node)
        elif node in self._nodes:
            # Another broker missed it while this one had lost the server.
            self._tasks.start(self._say_again(node))

    async def _say_again(self, node: bytes) -> None:
        async with self._lock(node):
            if node in self._nodes and self.table.get(_AT + node.decode()) is None:
                with contextlib.suppress(UnreachableError, ConflictError):
                    await self.table.update(_AT + node.decode(), self.broker_id.encode(), 0)

    # The lobby.

    async def open_mailbox(self, node: str, take: Take) -> None:
        async def on_letter(message: Msg) -> None:
            taken = take(message.data.decode())
            await message.respond(b"1" if taken else b"0")

        subscription = await self._subscribe("mail", node, on_letter)
        try:
            # As soon as the mailbox is open, other connections may write to it. The ping of a flush
            # overtakes queued commands, so only a second flush follows the subscription.
            await self._client.flush()
            await self._client.flush()
        except (TimeoutError, nats.errors.Error, OSError) as error:
            await self._unsubscribe(subscription)
            raise UnreachableError(f"NATS does not answer: {error}") from error
        old = self._mailboxes.get(node)
        self._mailboxes[node] = (take, subscription)
        if old is not None:
            await self._unsubscribe(old[1])

    async def close_mailbox(self, node: str, take: Take) -> None:
        here = self._mailboxes.get(node)
        if here is not None and here[0] == take:
            del self._mailboxes[node]
            await self._unsubscribe(here[1])

    async def post(self, node: str, text: str) -> bool:
        here = self._mailboxes.get(node)
        if here is not None and here[0](text):
            return True
        try:
            answer = await self._client.request(
                f"{self._prefix}.mail.{node}", text.encode(), timeout=_POST_S
            )
        except (TimeoutError, nats.errors.Error, OSError):
            return False
        return answer.data == b"1"

    # Other brokers.

    def is_broker_alive(self, broker_id: str) -> bool:
        if broker_id == self.broker_id or not self.is_healthy:
            return True  # a broker without a connection cannot judge others
        now = asyncio.get_running_loop().time()
        return now - self._heard.setdefault(broker_id, now) < _DEAD_S

    async def _tidy(self) -> None:
        while not self._is_closing:
            await asyncio.sleep(_TIDY_S)
            with contextlib.suppress(UnreachableError):
                await self.table.tidy(_TIDY_S)

    async def _beat(self) -> None:
        while not self._is_closing:
            with contextlib.suppress(nats.errors.Error, OSError):
                await self._client.publish(f"{self._prefix}.alive", self.broker_id.encode())
            await asyncio.sleep(_BEAT_S)

    async def _on_beat(self, message: Msg) -> None:
        now = asyncio.get_running_loop().time()
        self._heard[message.data.decode("ascii", "replace")[:64]] = now
        for broker_id, heard in list(self._heard.items()):
            if now - heard > 60 * _DEAD_S:
                del self._heard[broker_id]

    # The connection to NATS.

    async def _on_error(self, error: Exception) -> None:
        log.warning("NATS: %s", str(error) or type(error).__name__)

    async def _on_disconnected(self) -> None:
        if not self._client.is_closed:
            self._is_joined = False
            log.warning("NATS: the connection is lost")

    async def _on_reconnected(self) -> None:
        log.info("NATS: connected again")
        self._tasks.start(self._rejoin())

    async def _rejoin(self) -> None:
        """Read the table again, and record again which nodes are here."""
        while self._client.is_connected and not self._is_closing:
            if await self._catch_up():
                return
            await asyncio.sleep(RECONNECT_S)

    async def _catch_up(self) -> bool:
        own = self.broker_id.encode()
        try:
            await self.table.open()
            await self._name_relay()
            for node in list(self._nodes):
                entry = self.table.get(_AT + node.decode())
                if entry is None or entry.value != own:
                    await self.table.put(_AT + node.decode(), own)
        except (UnreachableError, nats.errors.Error) as error:
            log.warning("NATS: the table cannot be used yet: %s", error)
            return False
        self._heard = dict.fromkeys(self._heard, asyncio.get_running_loop().time())
        self._is_joined = True
        return True

    async def _subscribe(self, kind: str, node: str, callback: Any) -> Subscription:
        try:
            return await self._client.subscribe(
                f"{self._prefix}.{kind}.{node}", cb=callback, pending_bytes_limit=_PENDING_BYTES
            )
        except (nats.errors.Error, OSError) as error:
            raise UnreachableError(f"NATS does not answer: {error}") from error

    @staticmethod
    async def _unsubscribe(subscription: Subscription | None) -> None:
        if subscription is not None:
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()

    def _lock(self, node: bytes) -> asyncio.Lock:
        lock = self._locks.get(node)
        if lock is None:
            lock = self._locks[node] = asyncio.Lock()
        return lock
