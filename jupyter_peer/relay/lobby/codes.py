"""Mailboxes for codes: two nodes exchange messages under a number, once (SPEC, *Codes*).

A mailbox is a record in the table of all brokers, so nodes at any broker can use it. It belongs to the
first node that leaves a message; for all other nodes it then no longer exists. Messages are passed on
and never stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable

import msgspec

from ...errors import BusyError, CodeUnknownError, NotConnectedError, PeerError
from ...primitives.backoff import Backoff
from ...wire.relay import lobby as wire
from ..backends.base import Backend, ConflictError
from .limits import LobbyLimits
from .session import Guest

_PREFIX = "code."
_TRIES = 8
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.64


class _Seat(msgspec.Struct, frozen=True):
    """A node at a mailbox, with its connection."""

    node_id: str
    visit: str


class _Record(msgspec.Struct, frozen=True):
    """A mailbox; ``broker`` is the broker of its owner."""

    broker: str
    owner: _Seat
    claimer: _Seat | None = None

    def seats(self) -> list[_Seat]:
        return [self.owner, *([self.claimer] if self.claimer is not None else ())]


class Codes:
    """The mailboxes at this and all other brokers.

    Args:
        backend: Has the table, and reaches nodes at other brokers.
        limits: Limits of number and lifetime.
        monotonic: Seconds.
    """

    def __init__(
        self, backend: Backend, limits: LobbyLimits, monotonic: Callable[[], float]
    ) -> None:
        self._backend = backend
        self._limits = limits
        self._monotonic = monotonic
        # End times of the mailboxes that were opened here.
        self._ends: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._backend.table.items(_PREFIX))

    async def run(self, guest: Guest, request: wire.CodeRequest) -> wire.Notice:
        """Run a request of a node and return the answer.

        Raises:
            CodeUnknownError: There is no such mailbox for this node.
            PeerError: The reason why the request failed.
        """
        if isinstance(request, wire.OpenCode):
            number = await self._open(_seat_of(guest))
            return wire.CodeOpened(id=request.id, number=number, life_s=self._limits.code_s)
        if isinstance(request, wire.ClaimCode):
            record = await self._claim(_seat_of(guest), request.number)
            await self._pass_on(record.owner, request)
        elif isinstance(request, wire.SayCode):
            await self._pass_on(await self._other(_seat_of(guest), request.number), request)
        else:
            await self._close(request.number, _seat_of(guest), request.reason)
        return wire.Done(id=request.id)

    async def left(self, guest: Guest) -> None:
        """End the mailboxes of a node whose connection has ended.

        Raises:
            PeerError: The table cannot be changed; a sweep of any broker ends them later.
        """
        seat = _seat_of(guest)
        for number, record in self._records():
            if seat in record.seats():
                with contextlib.suppress(CodeUnknownError):
                    await self._close(number, seat, "gone")

    async def sweep(self) -> None:
        """End the mailboxes whose time is over, and those of brokers that have ended.

        Raises:
            PeerError: The table cannot be changed; the next sweep tries again.
        """
        now = self._monotonic()
        for number, record in self._records():
            is_mine = record.broker == self._backend.broker_id
            is_orphan = not is_mine and not self._backend.is_broker_alive(record.broker)
            if is_orphan or (is_mine and now >= self._ends.get(number, now)):
                with contextlib.suppress(CodeUnknownError):
                    await self._close(number, None, "expired")

    def _records(self) -> list[tuple[int, _Record]]:
        found = self._backend.table.items(_PREFIX)
        return [(int(key.removeprefix(_PREFIX)), _read(entry.value)) for key, entry in found]

    async def _open(self, seat: _Seat) -> int:
        taken = dict(self._records())
        of_node = sum(record.owner.node_id == seat.node_id for record in taken.values())
        if of_node >= self._limits.max_codes_of_node:
            raise BusyError("this node has as many codes as it may", hint="let one be used first")
        value = msgspec.json.encode(_Record(self._backend.broker_id, seat))
        for number in _candidates(taken):
            with contextlib.suppress(ConflictError):
                await self._backend.table.update(f"{_PREFIX}{number}", value, 0)
                self._ends[number] = self._monotonic() + self._limits.code_s
                return number
        raise BusyError("this lobby has as many codes as it keeps", hint="try again in a minute")

    async def _claim(self, seat: _Seat, number: int) -> _Record:
        key = f"{_PREFIX}{number}"
        entry = self._backend.table.get(key)
        record = _read(entry.value) if entry is not None else None
        if entry is None or record is None or record.claimer is not None:
            raise CodeUnknownError
        record = msgspec.structs.replace(record, claimer=seat)
        try:
            await self._backend.table.update(key, msgspec.json.encode(record), entry.revision)
        except ConflictError:
            raise CodeUnknownError from None
        return record

    async def _other(self, seat: _Seat, number: int) -> _Seat:
        backoff = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        for _ in range(_TRIES):
            entry = self._backend.table.get(f"{_PREFIX}{number}")
            seats = _read(entry.value).seats() if entry is not None else []
            others = [other for other in seats if other != seat]
            if seat not in seats:
                break
            if others:
                return others[0]
            # The first message may arrive before the record of its sender.
            await asyncio.sleep(backoff.next())
        raise CodeUnknownError

    async def _pass_on(self, to: _Seat, said: wire.ClaimCode | wire.SayCode) -> None:
        notice = wire.CodeSaid(number=said.number, body=said.body)
        if not await self._backend.post(to.node_id, notice.to_text()):
            raise NotConnectedError("the other node is no longer at the lobby")

    async def _close(self, number: int, by: _Seat | None, reason: wire.CodeEnd) -> None:
        """End a mailbox and notify its nodes, except ``by``; None means that the lobby ends it."""
        key = f"{_PREFIX}{number}"
        for _ in range(_TRIES):
            entry = self._backend.table.get(key)
            record = _read(entry.value) if entry is not None else None
            if entry is None or record is None or (by is not None and by not in record.seats()):
                raise CodeUnknownError
            try:
                await self._backend.table.delete(key, entry.revision)
            except ConflictError:
                continue  # it was claimed meanwhile
            self._ends.pop(number, None)
            notice = wire.CodeClosed(number=number, reason=reason).to_text()
            for seat in record.seats():
                if seat != by:
                    with contextlib.suppress(PeerError):
                        await self._backend.post(seat.node_id, notice)
            return
        raise BusyError("other brokers changed this at every attempt")


def _seat_of(guest: Guest) -> _Seat:
    return _Seat(guest.node_id, guest.visit)


def _read(value: bytes) -> _Record:
    return msgspec.json.decode(value, type=_Record)


def _candidates(taken: dict[int, _Record]) -> list[int]:
    """Return free numbers; those of one digit come first, because they are the easiest to say."""
    candidates: list[int] = []
    for low, high in ((1, 10), (10, 100), (100, wire.MAX_NUMBER + 1)):
        free = [number for number in range(low, high) if number not in taken]
        random.shuffle(free)
        candidates += free
    return candidates[:_TRIES]
