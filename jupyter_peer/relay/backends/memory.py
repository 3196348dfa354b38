"""One broker alone: nodes, rooms and presence in its own memory."""

from __future__ import annotations

import secrets

from .base import Backend, ConflictError, Sink, Table, Take


class MemoryTable(Table):
    """A table to which nobody else writes; it ends with the program."""

    def __init__(self) -> None:
        super().__init__()
        self._revision = 0

    async def put(self, key: str, value: bytes) -> int:
        return self._set(key, value)

    async def update(self, key: str, value: bytes, revision: int) -> int:
        self._check(key, revision)
        return self._set(key, value)

    async def delete(self, key: str, revision: int) -> None:
        self._check(key, revision)
        self._set(key, None)

    def _check(self, key: str, revision: int) -> None:
        entry = self._mirror.get(key)
        if (entry.revision if entry is not None else 0) != revision:
            raise ConflictError(key)

    def _set(self, key: str, value: bytes | None) -> int:
        self._revision += 1
        self._apply(key, value, self._revision)
        return self._revision


class MemoryBackend(Backend):
    """The backend of a single broker."""

    has_groups = True
    name = "memory"

    def __init__(self) -> None:
        self.broker_id = self.relay_id = secrets.token_hex(8)
        self.table = MemoryTable()
        self._mailboxes: dict[str, Take] = {}

    async def start(self, sink: Sink) -> None:
        """Do nothing: memory needs no connection."""

    async def close(self) -> None:
        self._mailboxes.clear()

    async def attach(self, node: bytes) -> None:
        """The broker knows its own nodes."""

    async def detach(self, node: bytes) -> None:
        """The broker knows its own nodes."""

    def is_elsewhere(self, node: bytes) -> bool:
        return False

    def send(self, frame: bytes) -> None:
        raise AssertionError("there is no other broker")

    @property
    def is_congested(self) -> bool:
        return False

    async def until_drained(self) -> None:
        """Return at once: memory is never congested."""

    async def open_mailbox(self, node: str, take: Take) -> None:
        self._mailboxes[node] = take

    async def close_mailbox(self, node: str, take: Take) -> None:
        if self._mailboxes.get(node) == take:
            del self._mailboxes[node]

    async def post(self, node: str, text: str) -> bool:
        take = self._mailboxes.get(node)
        return take is not None and take(text)

    def is_broker_alive(self, broker_id: str) -> bool:
        return broker_id == self.broker_id

    @property
    def is_healthy(self) -> bool:
        return True
