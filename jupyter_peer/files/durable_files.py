"""Creates and replaces files atomically.

A new file is written under a temporary name. :func:`put_in_place` then links it to its final name.
Linking fails if the name exists, so neither a crash nor a second process can leave half a file or
overwrite one: this is for the identity and the database. :func:`replace_file` is for files whose
newest version counts.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path

_MARK = ".new-"


def temporary_name(path: Path) -> Path:
    """Return an unused name beside ``path`` for its temporary content."""
    return path.with_name(f"{path.name}{_MARK}{secrets.token_hex(8)}")


def write_file(path: Path, content: bytes) -> None:
    """Create a file of mode 0600 and sync it to the disk.

    Raises:
        FileExistsError: The file exists already.
        OSError: It cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def put_in_place(temporary: Path, path: Path) -> bool:
    """Give a prepared file its final name, unless that name exists.

    The temporary name is removed in any case.

    Returns:
        Whether the prepared file is now at ``path``; False if another file is there.

    Raises:
        OSError: The directory does not allow it.
    """
    try:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            # Some file systems have no hard links, and a process that found `path` in place may
            # have removed the temporary file.
            if path.exists():
                return False
            temporary.rename(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    sync_directory(path.parent)
    return True


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file by one of mode 0600; a reader finds the old or the new content.

    Raises:
        OSError: It cannot be written; the old file stays.
    """
    temporary = temporary_name(path)
    try:
        write_file(temporary, content)
        os.replace(temporary, path)  # noqa: PTH105 - of both names the second may exist
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def sweep_leftovers(path: Path) -> None:
    """Remove temporary files of crashed attempts to create ``path``, which exists now.

    An attempt that still runs loses nothing, because ``path`` exists already.
    """
    for leftover in path.parent.iterdir():
        if leftover.name.startswith(f"{path.name}{_MARK}"):
            with contextlib.suppress(OSError):
                leftover.unlink()


def sync_directory(directory: Path) -> None:
    """Sync the names in a directory to the disk, where the system supports it."""
    if sys.platform != "win32":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
