"""The newest version of a directory that was seen here, kept for offline use.

It is also the memory of the serial: an older version is refused after a restart as well, because
the newest one is still here, expired or not. So it is never removed, and of several programs that
keep it in one folder (the brokers of a relay) none puts an older version in its place.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import PeerError
from ..files.durable_files import replace_file, sweep_leftovers
from ..files.file_lock import try_lock, unlock
from ..wire.directory import Directory
from ..wire.link.identity import node_id_of
from .source import read_document

log = logging.getLogger(__name__)

_LOCK_TRIES = 100
_LOCK_PAUSE_S = 0.02


class DirectoryCache:
    """One file for each key that was ever pinned, so that a change of keys forgets nothing.

    Args:
        folder: Where; it is made when there is something to keep.
        key: The pinned key, 32 bytes.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self.path = folder / f"directory-{node_id_of(key)}.json"
        self._key = key
        self._read: tuple[int, int] | None = None

    def load(self) -> Directory | None:
        """Return the version kept here, verified anew; None if there is none that can be used."""
        self._read = self._stamp()
        if self._read is None:
            return None
        try:
            return Directory.from_bytes(read_document(self.path), self._key)
        except PeerError as error:
            log.warning("the kept directory %s cannot be used: %s", self.path, error)
            return None

    def news(self) -> Directory | None:
        """Return the version kept here if another program has put it there since the last look."""
        return self.load() if self._stamp() != self._read else None

    def save(self, raw: bytes) -> Directory:
        """Keep a version that was verified, unless one as new is here by now.

        Returns:
            The version that is kept afterwards.

        Raises:
            OSError: It cannot be written; the one before stays.
        """
        newest = Directory.from_bytes(raw, self._key)
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            kept = self.load()
            if kept is not None and kept.serial >= newest.serial:
                return kept  # of two that claim one serial the one seen first stays
            replace_file(self.path, raw)
            self._read = self._stamp()
            sweep_leftovers(self.path)
        return newest

    def _stamp(self) -> tuple[int, int] | None:
        """Return what is different as soon as the file has been replaced; None without one."""
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return 0, 0  # reading it says why
        return found.st_mtime_ns, found.st_ino

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep the other programs from writing."""
        path = self.path.with_suffix(".lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for _ in range(_LOCK_TRIES):
                if try_lock(descriptor):
                    break
                time.sleep(_LOCK_PAUSE_S)
            else:
                raise TimeoutError(None, "another program holds its lock", str(path))
            try:
                yield
            finally:
                unlock(descriptor)
        finally:
            os.close(descriptor)
