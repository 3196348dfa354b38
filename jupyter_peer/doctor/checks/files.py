"""Checks the data directory: its permissions, its database, and free space on its disk."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from ...errors import PeerError
from ...findings import Finding, failed, failure, ok, warning
from ...phrase import phrase

LOW_BYTES = 100 * 1024 * 1024
FULL_BYTES = 5 * 1024 * 1024
KEY_NAME = "identity.key"


def check_files(
    path: Path, *, is_fallback: bool = False, damage: Callable[[], list[str]] | None = None
) -> list[Finding]:
    """Return the findings about a data directory.

    Args:
        path: The directory.
        is_fallback: Whether it is a sibling of the configured one.
        damage: Returns the faults of the database; None when it is not open here.
    """
    if not path.is_dir():
        return [
            ok(
                "data-dir",
                phrase(
                    "{path} does not exist yet; the first start of a server creates it.", path=path
                ),
            )
        ]
    findings = [_modes(path), _space(path)]
    if is_fallback:
        findings.append(
            warning(
                "data-dir",
                phrase(
                    "Another server of yours uses the configured data directory. So this server is "
                    "a separate node in {path}, with another id and without the other's peers.",
                    path=path,
                ),
                phrase("stop the other server, or give each its PeerExtension.data_dir"),
            )
        )
    if damage is not None:
        findings.append(_store(damage))
    return findings


def _modes(path: Path) -> Finding:
    if sys.platform == "win32":
        return ok("data-dir", phrase("The data directory is {path}.", path=path))
    try:
        status = path.stat()
        key = path / KEY_NAME
        key_mode = stat.S_IMODE(key.stat().st_mode) if key.exists() else 0o600
    except OSError as error:
        return failed(
            "data-dir",
            phrase("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror),
            phrase("check the permissions of {path}", path=path),
        )
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid != os.geteuid():
        return failed(
            "data-dir",
            phrase("{path} belongs to another user.", path=path),
            phrase("set PeerExtension.data_dir to a directory of your own"),
        )
    if key_mode & 0o077:
        return failed(
            "data-dir",
            phrase(
                "Other users can read the key in {path} (mode {key_mode:03o}). Whoever has it "
                "can pose as this node.",
                path=path,
                key_mode=key_mode,
            ),
            phrase(
                "chmod 600 {path}; if somebody may have read it, move it away and pair again",
                path=path / KEY_NAME,
            ),
        )
    if mode & 0o022:
        return failed(
            "data-dir",
            phrase("Other users can write to {path} (mode {mode:03o}).", path=path, mode=mode),
            phrase("chmod 700 {path}", path=path),
        )
    if mode & 0o077:
        return warning(
            "data-dir",
            phrase(
                "Other users can list {path} (mode {mode:03o}), but cannot read the key.",
                path=path,
                mode=mode,
            ),
            phrase("chmod 700 {path}", path=path),
        )
    return ok("data-dir", phrase("Only you can read {path}.", path=path))


def _space(path: Path) -> Finding:
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        return failed(
            "disk",
            phrase(
                "Reading the free space of {path} failed: {strerror}.",
                path=path,
                strerror=error.strerror,
            ),
            phrase("check the disk of {path}", path=path),
        )
    text = phrase("{free:,} MiB are free for the data directory.", free=free // (1024 * 1024))
    hint = phrase("free space on the disk: changes are lost while it is full")
    if free < FULL_BYTES:
        return failed("disk", text, hint, free_bytes=free)
    if free < LOW_BYTES:
        return warning("disk", text, hint, free_bytes=free)
    return ok("disk", text, free_bytes=free)


def _store(damage: Callable[[], list[str]]) -> Finding:
    try:
        wrong = damage()
    except PeerError as error:
        return failure("store", error)
    if wrong:
        return failed(
            "store",
            phrase("The database is damaged: {wrong}.", wrong=wrong[0][:200]),
            phrase(
                "stop the server, copy peer.sqlite, and restore an older copy; if there is "
                "none, move peer.sqlite away: the identity stays, but peers must pair again"
            ),
        )
    return ok("store", phrase("The database is intact."))
