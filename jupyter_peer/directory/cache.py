"""The newest known version of a directory, stored for offline use.

The file also keeps the serial: after a restart an older version is refused, because the newest one
is still here, expired or not. So it is never removed. If several programs share the folder, such as
the brokers of a relay, none of them replaces it by an older version.
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
    """One file for each key that was ever pinned, so that a change of keys loses nothing.

    Args:
        folder: Folder of the file; created when a version is stored.
        key: The pinned key, 32 bytes.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self.path = folder / f"directory-{node_id_of(key)}.json"
        self._key = key
        self._read: tuple[int, int] | None = None

    def load(self) -> Directory | None:
        """Return the stored version after verifying it again; None without a valid one."""
        self._read = self._stamp()
        if self._read is None:
            return None
        try:
            return Directory.from_bytes(read_document(self.path), self._key)
        except PeerError as error:
            log.warning("the stored directory %s cannot be used: %s", self.path, error)
            return None

    def news(self) -> Directory | None:
        """Return the stored version if another program has written it since the last call."""
        return self.load() if self._stamp() != self._read else None

    def save(self, raw: bytes) -> Directory:
        """Store a verified version, unless one with the same or a newer serial is stored.

        Returns:
            The version that is stored afterwards.

        Raises:
            OSError: It cannot be written; the former version stays.
        """
        newest = Directory.from_bytes(raw, self._key)
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            kept = self.load()
            if kept is not None and kept.serial >= newest.serial:
                return kept  # of two versions with one serial the first one stays
            replace_file(self.path, raw)
            self._read = self._stamp()
            sweep_leftovers(self.path)
        return newest

    def _stamp(self) -> tuple[int, int] | None:
        """Return a value that changes when the file is replaced; None without a file."""
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return 0, 0  # reading the file later raises the reason
        return found.st_mtime_ns, found.st_ino

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock that keeps other programs from writing."""
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
