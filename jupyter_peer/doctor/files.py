"""The data directory: who can read it, whether it is sound, whether there is room."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import PeerError
from ..findings import Finding, failed, failure, ok, warning

LOW_BYTES = 100 * 1024 * 1024
FULL_BYTES = 5 * 1024 * 1024
KEY_NAME = "identity.key"


def check_files(
    path: Path, *, is_fallback: bool = False, damage: Callable[[], list[str]] | None = None
) -> list[Finding]:
    """Return how it stands with a data directory.

    Args:
        path: The directory.
        is_fallback: Whether it is a sibling of the one that was set.
        damage: Returns what is wrong with the database; None when it is not open here.
    """
    if not path.is_dir():
        return [ok("data-dir", f"{path} is not there yet; the first start of a server makes it.")]
    findings = [_modes(path), _space(path)]
    if is_fallback:
        findings.append(
            warning(
                "data-dir",
                f"Another server of yours uses the data directory that was set, so this one is a "
                f"node of its own, in {path}: with its own id, and without the other's peers.",
                "stop the other server, or give each its PeerExtension.data_dir",
            )
        )
    if damage is not None:
        findings.append(_store(damage))
    return findings


def _modes(path: Path) -> Finding:
    if sys.platform == "win32":
        return ok("data-dir", f"It is {path}.")
    try:
        status = path.stat()
        key = path / KEY_NAME
        key_mode = stat.S_IMODE(key.stat().st_mode) if key.exists() else 0o600
    except OSError as error:
        return failed(
            "data-dir", f"{path} cannot be read: {error.strerror}.", "see to its permissions"
        )
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid != os.geteuid():
        return failed(
            "data-dir",
            f"{path} belongs to another user.",
            "set PeerExtension.data_dir to a directory of your own",
        )
    if key_mode & 0o077:
        return failed(
            "data-dir",
            f"The key in {path} can be read by others (mode {key_mode:03o}): whoever has it can "
            "pose as this node.",
            f"chmod 600 {path / KEY_NAME}; if others may have read it, move it away and pair anew",
        )
    if mode & 0o022:
        return failed(
            "data-dir", f"{path} can be written by others (mode {mode:03o}).", f"chmod 700 {path}"
        )
    if mode & 0o077:
        return warning(
            "data-dir",
            f"Others can look into {path} (mode {mode:03o}), though not into the key.",
            f"chmod 700 {path}",
        )
    return ok("data-dir", f"{path} is yours alone.")


def _space(path: Path) -> Finding:
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        return failed(
            "disk", f"The disk of {path} cannot be asked: {error.strerror}.", "see to the disk"
        )
    text = f"{free // (1024 * 1024):,} MiB are free for the data directory."
    hint = "make room on the disk: what is changed while it is full is lost"
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
            f"The database is damaged: {wrong[0][:200]}.",
            "stop the server, keep a copy of peer.sqlite, and restore an older one; without one, "
            "move it away: the identity stays, peers have to pair anew",
        )
    return ok("store", "The database is sound.")
