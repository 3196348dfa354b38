"""Lobbies of several brokers in one process, and nodes that talk to them without a socket."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from jupyter_peer.errors import UnreachableError
from jupyter_peer.relay.backends.base import Backend, ConflictError, Entry, Sink, Table, Take
from jupyter_peer.relay.broker.metrics import Metrics
from jupyter_peer.relay.lobby.limits import LobbyLimits
from jupyter_peer.relay.lobby.lobby import Lobby
from jupyter_peer.relay.proof import Proof
from jupyter_peer.sockets.frames import TEXT, MessageReader, Payload
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay import lobby as wire
from jupyter_peer.wire.relay.frames import Admission, Registration
from tests.machine.waiting import PATIENCE_S, until

ADDRESS = "ws://192.0.2.1:9797/peer-ws"


class World:
    """What brokers share: one truth, which each of them hears of a moment later."""

    def __init__(self) -> None:
        self.truth: dict[str, Entry] = {}
        self.revisions = itertools.count(1)
        self.backends: dict[str, SharedBackend] = {}

    def backend(self) -> SharedBackend:
        """Return the backend of one more broker."""
        made = SharedBackend(self)
        self.backends[made.broker_id] = made
        return made

    def kill(self, backend: Backend) -> None:
        """End a broker without a word."""
        del self.backends[backend.broker_id]

    def check(self, by: SharedTable, key: str, revision: int) -> None:
        if all(backend.table is not by for backend in self.backends.values()):
            raise UnreachableError("this broker is dead")
        entry = self.truth.get(key)
        if (0 if entry is None else entry.revision) != revision:
            raise ConflictError(key)

    def write(self, by: SharedTable, key: str, value: bytes | None) -> int:
        revision = next(self.revisions)
        if value is None:
            self.truth.pop(key, None)
        else:
            self.truth[key] = Entry(value, revision)
        by.apply(key, value, revision)
        for backend in self.backends.values():
            if backend.table is not by:
                table = backend.table
                asyncio.get_running_loop().call_later(0.001, table.apply, key, value, revision)
        return revision


class SharedTable(Table):
    """One broker's mirror."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._mirror.update(world.truth)

    def apply(self, key: str, value: bytes | None, revision: int) -> None:
        self._apply(key, value, revision)

    async def put(self, key: str, value: bytes) -> int:
        return self._world.write(self, key, value)

    async def update(self, key: str, value: bytes, revision: int) -> int:
        self._world.check(self, key, revision)
        return self._world.write(self, key, value)

    async def delete(self, key: str, revision: int) -> None:
        self._world.check(self, key, revision)
        self._world.write(self, key, None)


class SharedBackend(Backend):
    """One broker of several."""

    name = "shared"

    def __init__(self, world: World) -> None:
        self._world = world
        self.broker_id = f"broker{len(world.backends) + 1}"
        self.table: SharedTable = SharedTable(world)
        self.mailboxes: dict[str, Take] = {}

    async def start(self, sink: Sink) -> None: ...

    async def close(self) -> None: ...

    async def attach(self, node: bytes) -> None: ...

    async def detach(self, node: bytes) -> None: ...

    def is_elsewhere(self, node: bytes) -> bool:
        return False

    def send(self, frame: bytes) -> None: ...

    @property
    def is_congested(self) -> bool:
        return False

    async def until_drained(self) -> None: ...

    async def open_mailbox(self, node: str, take: Take) -> None:
        self.mailboxes[node] = take

    async def close_mailbox(self, node: str, take: Take) -> None:
        if self.mailboxes.get(node) == take:
            del self.mailboxes[node]

    async def post(self, node: str, text: str) -> bool:
        boxes = (backend.mailboxes.get(node) for backend in self._world.backends.values())
        return any(box(text) for box in boxes if box is not None)

    def is_broker_alive(self, broker_id: str) -> bool:
        return broker_id in self._world.backends

    @property
    def is_healthy(self) -> bool:
        return True


class FakeSocket:
    """What the lobby writes to and reads from; the node's end of it is :class:`LobbyNode`."""

    def __init__(self) -> None:
        self.close_code: int | None = None
        self.end_reason: str | None = None
        self.read_at = float("inf")
        self.is_pinged = False
        self.is_stuck = False
        self.incoming: asyncio.Queue[str | None] = asyncio.Queue()
        self.outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._reader = MessageReader(wire.MAX_NOTICE, from_client=False)
        self._ended = False

    async def read(self) -> list[tuple[int, Payload]]:
        text = None if self._ended else await self.incoming.get()
        if text is None:
            raise ConnectionResetError
        return [(TEXT, text.encode())]

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        if self._ended:
            return None
        for _, payload in self._reader.feed(data):
            self.outgoing.put_nowait(bytes(payload).decode())
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self.is_stuck:
            written.set_result(None)
        return written

    def send_text(self, text: str) -> None:
        self.outgoing.put_nowait(text)

    def ping(self) -> None:
        self.is_pinged = True

    def end(self, code: int, reason: str) -> None:
        self.end_reason = reason
        self.hang_up()

    def hang_up(self, code: int | None = None) -> None:
        """End the connection from the node's side; 1000 says that it is meant so."""
        if not self._ended:
            self._ended = True
            self.close_code = code
            self.incoming.put_nowait(None)


class LobbyNode:
    """A node at a lobby.

    Attributes:
        news: What the lobby told without being asked, oldest first.
    """

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.node_id = identity.node_id
        self.socket = FakeSocket()
        self.news: list[Any] = []
        self.task: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)

    async def enter(self, lobby: Lobby, *, listed: bool = True, name: str = "") -> wire.Registered:
        """Connect to a lobby, by a new connection, and register."""
        self.socket = FakeSocket()
        self.task = asyncio.get_running_loop().create_task(self._serve(lobby, self.socket))
        answer = await self.ask(
            wire.Register(
                id=0, addresses=[ADDRESS], node_name=name, capabilities=["panes"], listed=listed
            )
        )
        assert isinstance(answer, wire.Registered), answer
        return answer

    async def _serve(self, lobby: Lobby, socket: FakeSocket) -> None:
        with contextlib.suppress(ConnectionResetError):
            await lobby.serve(socket, proof_of(self.identity))

    async def ask(self, request: Any) -> Any:
        """Send a request and return its answer; whatever else comes is in :attr:`news`."""
        if request.id is None:
            request = _with_id(request, next(self._ids))
        self.socket.incoming.put_nowait(request.to_text())
        while True:
            notice = await asyncio.wait_for(self._next(), PATIENCE_S)
            if notice is not None and notice.id == request.id:
                return notice
            self.news.append(notice)

    async def _next(self) -> Any:
        while "registered" in (text := await self.socket.outgoing.get()) and "max_message" in text:
            pass
        return wire.read_notice(text)

    async def hears(self, kind: type[Any]) -> Any:
        """Return the next news of a kind."""

        def found() -> Any:
            while not self.socket.outgoing.empty():
                text = self.socket.outgoing.get_nowait()
                if "max_message" not in text:
                    self.news.append(wire.read_notice(text))
            for notice in self.news:
                if isinstance(notice, kind):
                    self.news.remove(notice)
                    return notice
            return None

        return await until(found, what=kind.__name__)

    def hears_nothing(self) -> bool:
        """Return whether no news wait."""
        return not self.news and self.socket.outgoing.empty()

    async def leave(self, code: int | None = None) -> None:
        """Hang up; wait until the lobby has seen it."""
        self.socket.hang_up(code)
        if self.task is not None:
            await asyncio.wait_for(self.task, PATIENCE_S)

    async def create(self, name: str, policy: str = "open", **fields: Any) -> Any:
        fields = {"visibility": "public", "join_policy": policy, **fields}
        return await self.ask(wire.CreateRoom(name=name, **fields))

    async def join(self, name: str, token: str | None = None) -> Any:
        return await self.ask(wire.JoinRoom(name=name, token=token))


def _with_id(request: Any, id: int) -> Any:
    return msgspec.structs.replace(request, id=id)


def proof_of(identity: Identity) -> Proof:
    admission, registration = Admission(b"n" * 32), Registration(identity)
    challenge = admission.receive(registration.begin())
    assert challenge is not None
    proof = registration.receive(challenge)
    assert proof is not None
    assert admission.receive(proof) is None
    assert admission.node_id is not None
    return Proof(admission.node_id, admission.public_key, admission.registered)


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextlib.asynccontextmanager
async def lobbies(
    count: int = 1, *, clock: Clock | None = None, directory: Any = None, **limits: Any
) -> AsyncIterator[list[Lobby]]:
    """Yield the lobbies of several brokers that share one table; ``world`` is an attribute."""
    world = World()
    made = []
    for _ in range(count):
        lobby = Lobby(
            world.backend(),
            Metrics(),
            LobbyLimits(**{"sweep_s": 3600.0, **limits}),
            directory=lambda: directory,
            monotonic=clock or Clock(),
            now=lambda: 1000.0,
        )
        lobby.world = world  # type: ignore[attr-defined]
        lobby.start()
        made.append(lobby)
    try:
        yield made
    finally:
        for lobby in made:
            await lobby.close()


def node(letter: str) -> LobbyNode:
    """Return a node; one letter, one identity."""
    return LobbyNode(Identity.from_seed(letter.encode() * 32))
