"""The newest version of a directory that this node has seen, kept for offline use.

It is also the memory of the serial: an older version is refused after a restart as well, because
the newest one is still here, expired or not. So it is never removed.
"""

from __future__ import annotations

import logging
from pathlib import Path

from ..durable_files import replace_file, sweep_leftovers
from ..errors import PeerError
from ..wire.directory import Directory
from ..wire.identity import node_id_of
from .source import read_document

log = logging.getLogger(__name__)


class DirectoryCache:
    """One file for each key that was ever pinned, so that a change of keys forgets nothing.

    Args:
        folder: The node's data directory.
        key: The pinned key, 32 bytes.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self.path = folder / f"directory-{node_id_of(key)}.json"
        self._key = key

    def load(self) -> Directory | None:
        """Return the version kept here, verified anew; None if there is none that can be used."""
        if not self.path.exists():
            return None
        try:
            return Directory.from_bytes(read_document(self.path), self._key)
        except PeerError as error:
            log.warning("the kept directory %s cannot be used: %s", self.path, error)
            return None

    def save(self, raw: bytes) -> None:
        """Keep a version that was verified.

        Raises:
            OSError: It cannot be written; the one before stays.
        """
        replace_file(self.path, raw)
        sweep_leftovers(self.path)
