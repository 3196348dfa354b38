"""The lobby: listed nodes, rooms, and signals between nodes (SPEC, *The lobby*).

A request changes the table that all brokers share. Each broker sees every change of the table and
sends the news to its own nodes that it concerns. So rooms and presence are the same at every
broker, and survive the end of one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable

import msgspec

from ...errors import (
    BusyError,
    MalformedError,
    NotConnectedError,
    PeerError,
    PeerTimeoutError,
    ProtocolError,
    RoomExistsError,
    UnknownRoomError,
)
from ...primitives.owned_task import OwnedTask
from ...primitives.pauses import pause_until
from ...sockets.frames import TEXT
from ...sockets.websocket import NORMAL, to_text
from ...wire.link.identity import clean_name
from ...wire.relay import lobby as wire
from ..backends.base import Backend
from ..broker.metrics import Metrics
from ..proof import Proof
from .absence import Absences
from .codes import Codes
from .entry import Entry, Membership
from .limits import LobbyLimits
from .rooms import NodeRecord, RoomRecord, Rooms, room_key
from .session import Guest, Socket

log = logging.getLogger(__name__)

# A message that reaches others costs one message more for each so many receivers.
_TOLD_PER_UNIT = 16
_LISTED_PER_UNIT = 200
_WRITE_COST = 2.0
# A node can try ten codes at once, and then one per second.
_CODE_COST = 20.0
_DRAIN_S = 3.0


class Lobby:
    """One broker's lobby.

    Args:
        backend: Has the table, and reaches the nodes of other brokers.
        metrics: Counters of the lobby.
        limits: Limits of nodes and rooms.
        directory: Returns the current directory of members; None without one.
        monotonic: Clock of rates and absences, in seconds.
        now: Wall clock for the directory, epoch seconds.
    """

    def __init__(
        self,
        backend: Backend,
        metrics: Metrics,
        limits: LobbyLimits | None = None,
        *,
        directory: Callable[[], Membership | None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._metrics = metrics
        self._backend = backend
        self._limits = limits or LobbyLimits()
        self._entry = Entry(directory, now)
        self._monotonic = monotonic
        self._guests: dict[str, Guest] = {}
        # Nodes that leave a room themselves, so that they get no notice of a removal.
        self._leaving: set[tuple[str, str]] = set()
        self._rooms = Rooms(backend.table, self._on_node, self._on_room)
        self._codes = Codes(backend, self._limits, monotonic)
        self._absences = Absences(self._rooms, self._limits.grace_s, self._is_here, monotonic)
        self._sweeping = OwnedTask("removing expired entries from the lobby")
        self._is_draining = False
        self._emptied = asyncio.Event()
        metrics.add_gauge(
            "lobby_nodes", "Nodes connected to this lobby.", lambda: len(self._guests)
        )
        metrics.add_gauge("rooms", "Rooms at all brokers.", lambda: len(self._rooms))
        metrics.add_gauge("codes", "Mailboxes for codes.", lambda: len(self._codes))

    def start(self) -> None:
        """Start to remove nodes that have been away for too long."""
        self._sweeping.start(self._sweep_forever)

    async def close(self) -> None:
        """Ask every node to use another broker, and close; may be called twice.

        The nodes stay in their rooms for the grace period of a broken connection.
        """
        self._is_draining = True
        for guest in self._guests.values():
            guest.send_elsewhere()
        if self._guests:
            await pause_until(self._emptied, _DRAIN_S)
        await self._sweeping.close()

    # One node.

    async def serve(self, socket: Socket, proof: Proof) -> None:
        """Answer a node that has proven its id, until its connection ends.

        Raises:
            PeerError: The node is refused, or broke the protocol.
            ConnectionError: The connection ended.
        """
        node_id = proof.node_id
        if self._is_draining:
            raise BusyError("this lobby is shutting down", hint="another one may run already")
        if len(self._rooms.nodes) >= self._limits.max_nodes and node_id not in self._rooms.nodes:
            raise BusyError("this lobby has as many nodes as it allows", hint="use another lobby")
        guest = Guest(socket, proof, secrets.token_hex(8), self._limits)
        await self._backend.open_mailbox(node_id, guest.take)
        earlier = self._guests.get(node_id)
        self._guests[node_id] = guest
        if earlier is not None:
            earlier.replace()
        try:
            socket.send_text(proof.answer(max_message=wire.MAX_REQUEST))
            while True:
                for opcode, payload in await socket.read():
                    if opcode != TEXT:
                        raise MalformedError("the lobby accepts text messages only")
                    await self._take(guest, to_text(payload))
        finally:
            if self._guests.get(node_id) is guest:
                del self._guests[node_id]
            await self._backend.close_mailbox(node_id, guest.take)
            # The server's log has the reason when the table cannot be reached; the sweep of any
            # broker finds the node later.
            with contextlib.suppress(PeerError):
                is_over = socket.close_code == NORMAL
                await (self._absences.remove if is_over else self._absences.mark)(
                    node_id, guest.visit
                )
                await self._codes.left(guest)
            if not self._guests:
                self._emptied.set()

    async def _take(self, guest: Guest, text: str) -> None:
        self._metrics.lobby_messages += 1
        cost = 1.0
        try:
            request = wire.read_request(text)
        except PeerError as error:
            self._metrics.refused[error.code] += 1
            await guest.answer(wire.Refusal.of(error, wire.request_id(text)))
        else:
            cost = self._cost(guest, request)
            try:
                await self._run(guest, request)
            except PeerError as error:
                self._metrics.refused[error.code] += 1
                await guest.answer(wire.Refusal.of(error, request.id))
        wait = guest.charge(cost, self._monotonic())
        if wait > 0:
            await asyncio.sleep(wait)

    def _cost(self, guest: Guest, request: wire.Request) -> float:
        if isinstance(request, wire.Signal | wire.SayCode | wire.CloseCode):
            return 1.0
        if isinstance(request, wire.OpenCode | wire.ClaimCode):
            return _CODE_COST
        if isinstance(request, wire.Who):
            return 1.0 + len(self._rooms.nodes) / _LISTED_PER_UNIT
        if isinstance(request, wire.ListRooms):
            return 1.0 + len(self._rooms) / _LISTED_PER_UNIT
        return _WRITE_COST + len(self._rooms.fellows(guest.node_id)) / _TOLD_PER_UNIT

    async def _run(self, guest: Guest, request: wire.Request) -> None:
        if isinstance(request, wire.Register):
            await self._register(guest, request)
        elif not guest.is_registered:
            raise ProtocolError("the first message to the lobby is register")
        elif isinstance(request, wire.Who):
            await guest.answer(wire.Presence(id=request.id, nodes=self._listed()))
        elif isinstance(request, wire.ListRooms):
            await guest.answer(wire.Rooms(id=request.id, rooms=self._visible_to(guest.node_id)))
        elif isinstance(request, wire.CreateRoom):
            await self._create(guest, request)
        elif isinstance(request, wire.JoinRoom):
            await self._join(guest, request)
        elif isinstance(request, wire.LeaveRoom):
            await self._leave(guest, request)
        elif isinstance(request, wire.Leave):
            await self._leave_all(guest)
            await guest.answer(wire.Left(id=request.id))
        elif isinstance(request, wire.CodeRequest):
            await guest.answer(await self._codes.run(guest, request))
        else:
            await self._signal(guest, request)

    # Registration.

    async def _register(self, guest: Guest, said: wire.Register) -> None:
        record = NodeRecord(
            node_name=clean_name(said.node_name),
            addresses=list(dict.fromkeys(said.addresses)),
            capabilities=said.capabilities,
            listed=said.listed,
            broker=self._backend.broker_id,
            visit=guest.visit,
        )
        await self._rooms.change_node(guest.node_id, lambda _: record)
        guest.is_registered = True
        self._check_visit(guest)
        rooms = self._rooms.of(guest.node_id)
        names = [room.name for room in rooms]
        await guest.answer(
            wire.Registered(
                id=said.id,
                node_id=guest.node_id,
                listed=said.listed,
                rooms=names,
                grace_s=self._limits.grace_s,
            )
        )
        for room in rooms:
            await guest.answer(self._rooms.info(room))

    def _check_visit(self, guest: Guest) -> None:
        record = self._rooms.nodes.get(guest.node_id)
        if record is not None and record.visit != guest.visit:
            guest.replace()

    def _listed(self) -> list[wire.NodeCard]:
        cards = [
            record.card(node_id, with_addresses=False)
            for node_id, record in self._rooms.nodes.items()
            if record.listed
        ]
        return sorted(cards, key=lambda card: (card.node_name, card.node_id))[: wire.MAX_LISTED]

    # Rooms.

    def _visible_to(self, node_id: str) -> list[wire.RoomCard]:
        cards = [
            room.card()
            for room in self._rooms.all()
            if room.visibility == "public" or node_id in room.members
        ]
        return sorted(cards, key=lambda card: card.name.casefold())[: wire.MAX_LISTED]

    def _check_may_enter_more(self, node_id: str) -> None:
        limit = self._limits.max_rooms_of_node
        if len(self._rooms.of(node_id)) >= limit:
            raise BusyError(f"this node is in {limit} rooms already", hint="leave one first")

    async def _create(self, guest: Guest, asked: wire.CreateRoom) -> None:
        name = wire.check_room_name(asked.name)
        token, token_sha256, group = None, None, None
        if asked.join_policy == "token":
            token_sha256 = asked.token_sha256
            if token_sha256 is None:
                token = wire.make_token(secrets.token_bytes(wire.TOKEN_BYTES))
                token_sha256 = wire.token_hash(token)
        elif asked.join_policy == "directory":
            group = asked.group
            self._entry.check_directory(guest, group)
        self._check_may_enter_more(guest.node_id)
        new = RoomRecord(
            name=name,
            visibility=asked.visibility,
            join_policy=asked.join_policy,
            group=group,
            token_sha256=token_sha256,
            members=[guest.node_id],
        )

        def created(room: RoomRecord | None) -> RoomRecord:
            if room is not None:
                raise RoomExistsError(f"a room '{name}' already exists")
            if len(self._rooms) >= self._limits.max_rooms:
                raise BusyError("this lobby has as many rooms as it keeps")
            return new

        await self._rooms.change_room(name, created)
        await guest.answer(self._rooms.info(new, asked.id, token))

    async def _join(self, guest: Guest, asked: wire.JoinRoom) -> None:
        node_id = guest.node_id
        entered: list[RoomRecord] = []

        def joined(room: RoomRecord | None) -> RoomRecord:
            if room is None:
                raise UnknownRoomError(f"there is no room '{asked.name}'")
            if node_id not in room.members:
                self._entry.check(guest, room, asked.token)
                self._check_may_enter_more(node_id)
                if len(room.members) >= self._limits.max_members:
                    raise BusyError(f"this room is full: it has {len(room.members)} members")
                room = msgspec.structs.replace(room, members=[*room.members, node_id])
            entered[:] = [room]
            return room

        await self._rooms.change_room(wire.check_room_name(asked.name), joined)
        await guest.answer(self._rooms.info(entered[0], asked.id))

    async def _leave(self, guest: Guest, asked: wire.LeaveRoom) -> None:
        await self._leave_by_will(guest.node_id, asked.name)
        await guest.answer(wire.Left(id=asked.id, room=asked.name))

    async def _leave_by_will(self, node_id: str, name: str) -> None:
        leaving = node_id, room_key(name)
        self._leaving.add(leaving)
        try:
            await self._rooms.take_out(node_id, name)
        finally:
            self._leaving.discard(leaving)

    async def _leave_all(self, guest: Guest) -> None:
        def hidden(record: NodeRecord | None) -> NodeRecord | None:
            if record is None or record.visit != guest.visit:
                return record
            return msgspec.structs.replace(record, listed=False)

        await self._rooms.change_node(guest.node_id, hidden)
        for room in self._rooms.of(guest.node_id):
            with contextlib.suppress(UnknownRoomError):
                await self._leave_by_will(guest.node_id, room.name)

    # Signals.

    async def _signal(self, guest: Guest, signal: wire.Signal) -> None:
        record = self._rooms.nodes.get(signal.to)
        passed = False
        if record is not None and not record.away:
            told = wire.Signalled(sender=guest.node_id, kind=signal.kind, sdp=signal.sdp)
            passed = await self._backend.post(signal.to, told.to_text())
        if not passed:
            raise NotConnectedError("this node is not at the lobby")
        self._metrics.signals += 1
        if signal.id is not None:
            await guest.answer(wire.Done(id=signal.id))

    # Notices.

    def _on_node(self, node_id: str, before: NodeRecord | None, after: NodeRecord | None) -> None:
        guest = self._guests.get(node_id)
        if guest is not None and guest.is_registered:
            self._check_visit(guest)
        card = None if after is None else after.card(node_id, with_addresses=True)
        if card is None or (before and before.card(node_id, with_addresses=True) == card):
            return
        for other in self._rooms.fellows(node_id):
            if other in self._guests:
                self._guests[other].tell(wire.Presence(nodes=[card]))

    def _on_room(self, before: RoomRecord | None, after: RoomRecord | None) -> None:
        room = after or before
        assert room is not None
        was = set(before.members if before else ())
        now = set(after.members if after else ())
        here = [self._guests[node_id] for node_id in now if node_id in self._guests]
        for node_id in now - was:
            joining = wire.PeerJoining(room=room.name, peer=self._rooms.member(node_id))
            for guest in here:
                if guest.node_id != node_id:
                    guest.tell(joining)
        for node_id in was - now:
            for guest in here:
                guest.tell(wire.PeerLeaving(room=room.name, node_id=node_id))
            gone = self._guests.get(node_id)
            if gone is not None and (node_id, room.key) not in self._leaving:
                gone.tell(wire.Left(room=room.name, reason=self._why_out(gone, room)))

    def _why_out(self, guest: Guest, room: RoomRecord) -> str:
        try:
            if room.join_policy == "directory":
                self._entry.check_directory(guest, room.group)
        except PeerError as error:
            return error.code
        return PeerTimeoutError.code

    # Absent nodes.

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self._limits.sweep_s)
            try:
                await self.sweep()
            except PeerError as error:
                log.warning("the lobby could not look for who is gone: %s", error)

    async def sweep(self) -> None:
        """Handle nodes that are silent, away for too long, or no longer in the directory."""
        now = self._monotonic()
        for guest in list(self._guests.values()):
            guest.check_alive(now)
        await self._absences.sweep()
        await self._codes.sweep()
        await self._check_directory_rooms()

    def _is_here(self, node_id: str, record: NodeRecord) -> bool:
        if record.broker != self._backend.broker_id:
            return self._backend.is_broker_alive(record.broker)
        guest = self._guests.get(node_id)
        return guest is not None and guest.visit == record.visit

    async def _check_directory_rooms(self) -> None:
        for guest in list(self._guests.values()):
            for room in self._rooms.of(guest.node_id):
                if room.join_policy == "directory":
                    try:
                        self._entry.check_directory(guest, room.group)
                    except PeerError:
                        with contextlib.suppress(UnknownRoomError):
                            await self._rooms.take_out(guest.node_id, room.name)
