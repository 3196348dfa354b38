"""Keeps a directory up to date while its node runs.

Below is a source, which may be unreachable for long. Above are the callers that ask for members. If
a download fails, the newest known version answers until it expires: then nobody is a member.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec

from ..errors import PeerError, StaleError, to_wire
from ..phrase import phrase
from ..primitives.backoff import Backoff, spread
from ..primitives.owned_task import OwnedTask
from ..wire.directory import Directory
from . import DEFAULT_INTERVAL_S
from .cache import DirectoryCache
from .source import DirectorySource

log = logging.getLogger(__name__)

# Pause after a failed download, shorter than after a success.
_FIRST_RETRY_S = 5.0
# Sleep of the machine, or a changed clock, is detected within this time.
_LOOK_S = 30.0


class DirectoryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a directory; times are epoch seconds.

    Attributes:
        url: URL of its source.
        name: Its own name.
        serial: Serial of the newest known version; None without one.
        expires: End of that version.
        members: Number of nodes that it lists.
        checked: Time when the source last returned a valid version.
        error: Why the last download failed, ``{code, message, hint}``; None after a success.
    """

    url: str
    name: str = ""
    serial: int | None = None
    expires: float | None = None
    members: int = 0
    checked: float | None = None
    error: dict[str, str] | None = None


class DirectoryRefresher:
    """Fetches a directory at intervals.

    Args:
        source: The source of the directory.
        key: The pinned key, 32 bytes.
        cache: Stores the newest version; None to keep it only in memory.
        on_change: Awaited after each event that may have changed memberships.
        interval_s: Seconds between two downloads.
        clock: Epoch seconds.
        jitter: Returns a factor around 1, so that not all nodes ask at once.
    """

    def __init__(
        self,
        source: DirectorySource,
        key: bytes,
        cache: DirectoryCache | None = None,
        *,
        on_change: Callable[[], Awaitable[None]] | None = None,
        interval_s: float = DEFAULT_INTERVAL_S,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = spread(0.8, 1.2),  # noqa: B008 - draws when it is called
    ) -> None:
        self.on_change = on_change
        self._source = source
        self._key = key
        self._cache = cache
        self._interval_s = interval_s
        self._clock = clock
        self._jitter = jitter
        self._current = cache.load() if cache is not None else None
        self._etag: str | None = None
        self._checked: float | None = None
        self._error: PeerError | None = None
        self._task = OwnedTask("refreshing the directory")
        self._lock = asyncio.Lock()

    @property
    def current(self) -> Directory | None:
        """The newest known version, even if it has expired."""
        return self._current

    def start(self) -> None:
        """Fetch the directory now and at intervals."""
        self._task.start(self._run)

    async def close(self) -> None:
        """Stop; may be called twice."""
        await self._task.close()

    def status(self) -> DirectoryStatus:
        """Return the state."""
        current = self._current
        return DirectoryStatus(
            url=self._source.url,
            name=current.name if current else "",
            serial=current.serial if current else None,
            expires=current.expires if current else None,
            members=len(current.members) if current else 0,
            checked=self._checked,
            error=to_wire(self._error) if self._error else None,
        )

    async def refresh(self) -> Directory:
        """Fetch the directory once, and return the version that is valid now.

        Raises:
            PeerError: It cannot be fetched, or the document is not signed by the pinned key, older
                than the known version, or expired.
        """
        async with self._lock:
            try:
                current = await self._fetch()
            except PeerError as error:
                self._error = error.with_traceback(None)
                raise
            self._error = None
            self._checked = self._clock()
            return current

    async def _fetch(self) -> Directory:
        fetched = await self._source.fetch(self._etag)
        await self._learn_from_cache()
        if fetched is not None:
            newest = Directory.from_bytes(fetched.raw, self._key)
            self._check_not_older(newest)
            if self._current is None or newest.serial > self._current.serial:
                # It supersedes the former version even if it has expired itself.
                self._current = await self._keep(newest, fetched.raw)
            self._etag = fetched.etag
        assert self._current is not None
        if not self._current.is_current(self._clock()):
            raise StaleError(
                "the directory has expired",
                hint="ask its publisher to sign it again: `jupyter peer directory sign`",
            )
        return self._current

    def _check_not_older(self, newest: Directory) -> None:
        seen = self._current
        if seen is None or newest.serial > seen.serial:
            return
        if newest.serial < seen.serial:
            raise StaleError(
                phrase(
                    "the directory has serial {serial}, but serial {known} is known already",
                    serial=newest.serial,
                    known=seen.serial,
                ),
                hint="check its source, which serves an old version; the newer one stays valid",
            )
        if newest.to_fields() != seen.to_fields():
            raise StaleError(
                phrase(
                    "there are two different versions of the directory with serial {serial}",
                    serial=seen.serial,
                ),
                hint="sign it again under a new serial; the version that came first stays valid",
            )

    async def _learn_from_cache(self) -> None:
        """Use the newer version of another program that shares the cache."""
        kept = await asyncio.to_thread(self._cache.news) if self._cache is not None else None
        if kept is not None and (self._current is None or kept.serial > self._current.serial):
            self._current = kept

    async def _keep(self, newest: Directory, raw: bytes) -> Directory:
        """Store a new version; return the valid one, which may be newer."""
        if self._cache is None:
            return newest
        try:
            kept = await asyncio.to_thread(self._cache.save, raw)
        except OSError as error:
            log.warning(
                "the directory cannot be stored in %s (%s): after a restart it is missing offline, "
                "and an older version would not be recognised",
                self._cache.path,
                error.strerror,
            )
            return newest
        return kept

    async def _run(self) -> None:
        backoff = Backoff(_FIRST_RETRY_S, self._interval_s)
        while True:
            pause = self._interval_s
            try:
                await self.refresh()
                backoff.reset()
            except PeerError as error:
                log.warning("%s", error)
                pause = backoff.next()
            except Exception:
                log.exception("the directory cannot be refreshed")
            await self._tell()
            await self._wait(pause * self._jitter())

    async def _wait(self, pause: float) -> None:
        """Wait until the next download is due; report memberships that expire meanwhile."""
        loop = asyncio.get_running_loop()
        until = loop.time() + pause
        while (left := until - loop.time()) > 0:
            now = self._clock()
            expiry = self._current.next_expiry(now) if self._current else now
            step = min(left, _LOOK_S, expiry - now if expiry > now else left)
            await asyncio.sleep(max(step, 0.001))
            if now < expiry <= self._clock():
                await self._tell()

    async def _tell(self) -> None:
        if self.on_change is None:
            return
        try:
            await self.on_change()
        except Exception:
            log.exception("applying a change of the directory failed")
