"""The table that all brokers share, in a key-value bucket of NATS JetStream."""

from __future__ import annotations

import asyncio
import logging

import nats.errors
from nats.aio.client import Client
from nats.js.api import KeyValueConfig
from nats.js.errors import (
    APIError,
    BucketNotFoundError,
    KeyWrongLastSequenceError,
)
from nats.js.kv import KV_DEL, KV_OP, KV_PURGE, KeyValue

from ...errors import UnreachableError
from ...primitives.owned_task import OwnedTask
from .base import ConflictError, Entry, Table

log = logging.getLogger(__name__)

_EXPECTED = "Nats-Expected-Last-Subject-Sequence"
_ERRORS = (nats.errors.Error, TimeoutError, OSError)
_SNAPSHOT_S = 10.0


class NatsTable(Table):
    """A mirror of a bucket, kept up to date by a watch.

    Args:
        client: A connected client.
        bucket: Name of the bucket, which is created if it does not exist.
        replicas: Number of NATS servers that store the bucket.
    """

    def __init__(self, client: Client, bucket: str, replicas: int = 1) -> None:
        super().__init__()
        self._client = client
        self._js = client.jetstream()
        self._bucket = bucket
        self._replicas = replicas
        self._kv: KeyValue | None = None
        self._watcher: KeyValue.KeyWatcher | None = None
        self._following = OwnedTask("following a table in NATS")
        # Own deletions that the watch has not reported yet; earlier reports about their keys are old.
        self._deleted: dict[str, int] = {}
        # Own deletions whose marker is still in the bucket, with revision and time.
        self._marks: dict[str, tuple[int, float]] = {}

    async def open(self) -> None:
        """Read the whole bucket and follow it from there; called again after every reconnection.

        Raises:
            UnreachableError: JetStream does not answer.
        """
        await self.close()
        try:
            self._kv = await self._bucket_there()
            self._watcher = await self._kv.watchall()
            async with asyncio.timeout(_SNAPSHOT_S):
                found = await self._snapshot(self._watcher)
        except _ERRORS as error:
            raise _unreachable(error) from error
        self._deleted.clear()
        self._replace(found)
        watcher = self._watcher
        self._following.start(lambda: self._follow(watcher))

    async def close(self) -> None:
        """Stop following; may be called twice."""
        await self._following.close()
        watcher, self._watcher = self._watcher, None
        if watcher is not None and not self._client.is_closed:
            try:
                await watcher.stop()  # type: ignore[no-untyped-call]
            except _ERRORS as error:
                log.debug("the watch was not ended: %s", error)

    async def put(self, key: str, value: bytes) -> int:
        try:
            revision = await self._opened().put(key, value)
        except _ERRORS as error:
            raise _unreachable(error) from error
        self._apply(key, value, revision)
        return revision

    async def update(self, key: str, value: bytes, revision: int) -> int:
        try:
            if revision:
                changed = await self._opened().update(key, value, last=revision)
            else:
                changed = await self._opened().create(key, value)
        except KeyWrongLastSequenceError as error:
            raise ConflictError(key) from error
        except _ERRORS as error:
            raise _unreachable(error) from error
        self._apply(key, value, changed)
        return changed

    async def delete(self, key: str, revision: int) -> None:
        # As `KeyValue.delete` does, which does not return the revision.
        headers = {KV_OP: KV_DEL, _EXPECTED: str(revision)}
        try:
            ack = await self._js.publish(f"$KV.{self._bucket}.{key}", headers=headers)
        except APIError as error:
            if error.err_code in (10071, 10164):  # wrong last sequence
                raise ConflictError(key) from error
            raise _unreachable(error) from error
        except _ERRORS as error:
            raise _unreachable(error) from error
        self._deleted[key] = ack.seq
        self._marks[key] = (ack.seq, asyncio.get_running_loop().time())
        self._apply(key, None, ack.seq)

    async def tidy(self, older_than: float) -> None:
        """Purge the markers of own deletions after some seconds; otherwise they would stay for ever.

        A broker that has not seen the deletion by then is not connected, and will read the whole table.

        Raises:
            UnreachableError: JetStream does not answer.
        """
        until = asyncio.get_running_loop().time() - older_than
        for key, (revision, since) in list(self._marks.items()):
            if since > until:
                continue
            try:
                # only up to this revision; later values stay
                await self._js.purge_stream(
                    f"KV_{self._bucket}", seq=revision + 1, subject=f"$KV.{self._bucket}.{key}"
                )
            except _ERRORS as error:
                raise _unreachable(error) from error
            if self._marks.get(key) == (revision, since):
                del self._marks[key]

    async def fetch(self, key: str) -> Entry:
        """Read the current value of a key from the server.

        Raises:
            UnreachableError: JetStream does not answer, or nothing is stored there.
        """
        try:
            entry = await self._opened().get(key)
        except _ERRORS as error:
            raise _unreachable(error) from error
        return Entry(entry.value or b"", entry.revision or 0)

    def _opened(self) -> KeyValue:
        if self._kv is None:
            raise UnreachableError("the table is not open")
        return self._kv

    async def _bucket_there(self) -> KeyValue:
        try:
            return await self._js.key_value(self._bucket)
        except BucketNotFoundError:
            config = KeyValueConfig(bucket=self._bucket, replicas=self._replicas)
            return await self._js.create_key_value(config)

    @staticmethod
    async def _snapshot(watcher: KeyValue.KeyWatcher) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        async for entry in watcher:
            if entry is None:
                break
            if entry.operation not in (KV_DEL, KV_PURGE):
                found[entry.key] = Entry(entry.value or b"", entry.revision or 0)
        return found

    def _replace(self, found: dict[str, Entry]) -> None:
        """Replace the mirror; after a restart of the server, revisions may be lower than before."""
        before, self._mirror = self._mirror, found
        for key in before.keys() | found.keys():
            old, new = before.get(key), found.get(key)
            values = (old and old.value, new and new.value)
            if values[0] != values[1]:
                self._changed.emit(key, *values)

    async def _follow(self, watcher: KeyValue.KeyWatcher) -> None:
        async for entry in watcher:
            if entry is None:
                continue
            revision = entry.revision or 0
            deleted = self._deleted.get(entry.key, 0)
            if revision <= deleted:
                if revision == deleted:
                    del self._deleted[entry.key]
                continue
            gone = entry.operation in (KV_DEL, KV_PURGE)
            self._apply(entry.key, None if gone else entry.value or b"", revision)


def _unreachable(error: BaseException) -> UnreachableError:
    reason = str(error) or type(error).__name__
    return UnreachableError(
        f"NATS JetStream does not answer: {reason[:200]}",
        hint="does nats-server run, and with JetStream (`nats-server -js`)?",
    )
