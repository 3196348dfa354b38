"""Files that appear whole or not at all.

A new file is filled under a temporary name. :func:`put_in_place` then links it to its own, for the
identity and the database: linking fails when the name is taken, so a crash or a second process at
the same instant can neither leave half a file nor overwrite one. :func:`replace_file` is for files
of which the newest counts.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path

_MARK = ".new-"


def temporary_name(path: Path) -> Path:
    """Return an unused name beside ``path`` under which its content can be prepared."""
    return path.with_name(f"{path.name}{_MARK}{secrets.token_hex(8)}")


def write_file(path: Path, content: bytes) -> None:
    """Create a file of mode 0600 and force its content to the disk.

    Raises:
        FileExistsError: There is one already.
        OSError: It cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def put_in_place(temporary: Path, path: Path) -> bool:
    """Give a prepared file its final name, unless that is taken.

    The temporary name is gone afterwards in any case.

    Returns:
        Whether the prepared file is now at ``path``; False means that another one is there.

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
            # have swept the temporary away.
            if path.exists():
                return False
            temporary.rename(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    sync_directory(path.parent)
    return True


def replace_file(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 in place of what is there: a reader finds the old or the new one.

    Raises:
        OSError: It cannot be written; what was there stays.
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
    """Remove what earlier crashes left of attempts to make ``path``, which is in place by now.

    An attempt that is still under way loses nothing by it: it could not win any more.
    """
    for leftover in path.parent.iterdir():
        if leftover.name.startswith(f"{path.name}{_MARK}"):
            with contextlib.suppress(OSError):
                leftover.unlink()


def sync_directory(directory: Path) -> None:
    """Force the names in a directory to the disk, where the system can do that."""
    if sys.platform != "win32":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
