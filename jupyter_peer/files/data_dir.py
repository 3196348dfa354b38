"""The directory of a node's identity and store: one directory for each server.

``app`` opens it first. This module prevents three things: two servers with one identity, a private
key that others can read, and a damaged key that is silently replaced by a new one.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import DataDirError, KeyFileError
from ..phrase import phrase
from ..wire.link.identity import Identity
from .durable_files import put_in_place, sweep_leftovers, temporary_name, write_file
from .file_lock import try_lock, unlock

log = logging.getLogger(__name__)

MAX_SIBLINGS = 64
_MAX_KEY_FILE = 16 * 1024
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class DataDir:
    """A data directory that this process holds until it closes the directory or ends.

    Attributes:
        path: The directory.
        fallback: Whether it is a sibling, because another server holds the configured one.
    """

    def __init__(self, path: Path, *, fallback: bool, lock: int) -> None:
        self.path = path
        self.fallback = fallback
        self._lock: int | None = lock

    def close(self) -> None:
        """Release the directory; may be called twice."""
        lock, self._lock = self._lock, None
        if lock is not None:
            unlock(lock)
            os.close(lock)


def open_data_dir(base: Path) -> DataDir:
    """Acquire ``base``, or the first of ``base-2``, ``base-3``, ... that no other server holds.

    A missing directory is created with mode 0700.

    Raises:
        DataDirError: A directory cannot be created or locked, belongs to another user or is
            writable for other users, or all siblings are in use.
    """
    for number in range(1, MAX_SIBLINGS + 1):
        path = base if number == 1 else base.with_name(f"{base.name}-{number}")
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_private(path)
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | _NO_FOLLOW, 0o600)
        except OSError as error:
            raise DataDirError(
                phrase(
                    "the data directory {path} cannot be used: {strerror}",
                    path=path,
                    strerror=error.strerror,
                ),
                path=str(path),
            ) from error
        try:
            is_ours = try_lock(lock)
        except OSError as error:
            os.close(lock)
            raise DataDirError(
                phrase(
                    "the data directory {path} cannot be locked: {strerror}",
                    path=path,
                    strerror=error.strerror,
                ),
                hint="set PeerExtension.data_dir to a directory on a local disk",
                path=str(path),
            ) from error
        if is_ours:
            if number > 1:
                log.warning(
                    "another server of yours uses the data directory %s, so this server is a "
                    "separate node "
                    "in %s, with its own identity and peers",
                    base,
                    path,
                )
            return DataDir(path, fallback=number > 1, lock=lock)
        os.close(lock)
    raise DataDirError(
        phrase(
            "the data directory {base} and all {count} siblings are in use",
            base=base,
            count=MAX_SIBLINGS - 1,
        ),
        path=str(base),
    )


def load_or_make_identity(path: Path, seed: Callable[[], bytes]) -> Identity:
    """Read the identity in the key file at ``path``, or create one without a file.

    Args:
        path: The key file, PKCS#8 PEM of mode 0600.
        seed: Returns the 32 random bytes of a new identity; called only if one is created.

    Raises:
        KeyFileError: The file cannot be read or written, or does not hold an Ed25519 key. It is
            never replaced.
    """
    try:
        pem = _read_key(path)
        if pem is None:
            identity = Identity.from_seed(seed())
            temporary = temporary_name(path)
            write_file(temporary, identity.to_pem())
            if put_in_place(temporary, path):
                log.info("made the identity %s in %s", identity.node_id, path)
                return identity
            pem = _read_key(path)
        sweep_leftovers(path)
    except OSError as error:
        raise KeyFileError(
            phrase(
                "the key file {path} cannot be used: {strerror}", path=path, strerror=error.strerror
            ),
            path=str(path),
        ) from error
    try:
        return Identity.from_pem(pem or b"")
    except KeyFileError as error:
        raise KeyFileError(
            phrase("{reason}: {path}", reason=error.message_phrase, path=path), path=str(path)
        ) from error


def _read_key(path: Path) -> bytes | None:
    """Return the content of the key file after restricting its mode; None without a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(
                phrase("the key file {path} is not a regular file", path=path), path=str(path)
            )
        mode = stat.S_IMODE(status.st_mode)
        if sys.platform != "win32" and mode & 0o077:
            os.fchmod(file.fileno(), 0o600)
            log.warning(
                "other users could read the key file %s (mode %03o); the mode is 600 now, but "
                "whoever "
                "read the key before can pose as this node",
                path,
                mode,
            )
        return file.read(_MAX_KEY_FILE)


def _check_private(path: Path) -> None:
    status = path.stat()
    if sys.platform != "win32" and status.st_uid != os.geteuid():
        raise DataDirError(
            phrase("the data directory {path} belongs to another user", path=path), path=str(path)
        )
    if sys.platform != "win32" and status.st_mode & 0o022:
        raise DataDirError(
            phrase(
                "other users can write to the data directory {path} (mode {mode:03o})",
                path=path,
                mode=stat.S_IMODE(status.st_mode),
            ),
            hint=phrase(
                "chmod 700 {path}, or set PeerExtension.data_dir to another directory", path=path
            ),
            path=str(path),
        )
