"""The command that checks a signed directory as a server does."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, ClassVar

from traitlets import Unicode

from ...directory.cache import DirectoryCache
from ...directory.folder import PUBLISHED
from ...directory.source import DirectorySource, FileSource, pinned_key, source_of
from ...errors import BadRequestError, StaleError
from ...server_client.durations import format_duration
from ...server_client.results.drawing.blocks import Block, Facts, Line, Table, note
from ...server_client.results.drawing.markup import clock_time
from ...server_client.results.drawing.shown import Outcome, Shown
from ...wire.directory import Directory
from .directory import FolderCommand


class VerifyCommand(FolderCommand):
    """Verifies the signature of a directory and shows its members."""

    name = "jupyter-peer-directory-verify"
    words = "[SOURCE]"
    description = (
        "Check a signed list, and show its nodes, when it expires, and whether it is newer than "
        "the list that this machine's node has. SOURCE is a URL or a file; the default is "
        "directory.json "
        "of the folder. Exit code 0 means that a server would use the list."
    )
    examples = """
        jupyter peer directory verify
        jupyter peer directory verify https://host.example/directory.json --key=AAAA...=
    """

    key = Unicode(
        "", help="Public key that must have signed it; the one of the folder if empty."
    ).tag(config=True)
    data_dir = Unicode(
        "",
        help="Data directory of the node to compare with; if empty, Jupyter's.",
    ).tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "key": "VerifyCommand.key",
        "data-dir": "VerifyCommand.data_dir",
        **FolderCommand.aliases,
    }

    def work(self) -> Shown:
        """Verify the list."""
        source = self._source()
        key = self._key()
        fetched = asyncio.run(source.fetch())
        assert fetched is not None
        directory = Directory.from_bytes(fetched.raw, key)
        now = time.time()
        seen = DirectoryCache(self._data_dir(), key).load()
        if seen is not None and directory.serial < seen.serial:
            raise StaleError(
                f"serial {directory.serial} is older than serial {seen.serial}, the newest of this "
                "machine's node",
                hint="nodes keep the newer one; find out who serves an old version",
            )
        if not directory.is_current(now):
            raise StaleError(
                f"serial {directory.serial} expired on {clock_time(directory.expires)}",
                hint="sign the directory again: jupyter peer directory sign",
            )
        serial_seen = seen.serial if seen is not None else None
        answer = {**directory.to_fields(), "source": source.url, "serial_seen": serial_seen}
        blocks = _describe(directory, source.url, serial_seen, now)
        if not self.extra_args and self.place.draft() is not None:
            blocks.append(note("some changes are not signed yet: jupyter peer directory sign"))
        return Outcome(answer, *blocks)

    def _source(self) -> DirectorySource:
        if not self.extra_args:
            path = self.place.published_path
            if not path.exists():
                self.place.key()  # raises if the folder has no directory
                raise BadRequestError(
                    f"there is no {PUBLISHED} yet",
                    hint="sign the directory: jupyter peer directory sign",
                )
            return FileSource(str(path), path)
        text = self.extra_args[0]
        if "://" in text:
            return source_of(text)
        return FileSource(text, Path(text).expanduser())

    def _key(self) -> bytes:
        if not self.key:
            return self.place.key().public_key
        return pinned_key(self.key, "--key")

    def _data_dir(self) -> Path:
        if self.data_dir:
            return Path(self.data_dir).expanduser()
        from jupyter_core.paths import jupyter_data_dir

        return Path(jupyter_data_dir()) / "peer"


def _describe(directory: Directory, url: str, seen: int | None, now: float) -> list[Block]:
    if seen is None:
        moved = "this machine's node does not have it yet"
    elif seen == directory.serial:
        moved = "this machine's node has the same version"
    else:
        moved = f"newer: this machine's node has {seen}"
    expires = f"{clock_time(directory.expires)} (in {format_duration(directory.expires - now)})"
    facts = Facts(
        [
            ("directory", directory.name or "unnamed"),
            ("source", url),
            ("serial", f"{directory.serial} ({moved})"),
            ("expires", expires),
        ]
    )
    if not directory.members:
        return [facts, Line("The directory lists no node.")]
    rows = [
        (each.name or "-", each.id, ", ".join(each.groups) or "-", _until(each.expires, now))
        for each in directory.members.values()
    ]
    return [facts, Table(("node", "node id", "groups", "member until"), rows, "nodes")]


def _until(expires: float | None, now: float) -> str:
    if expires is None:
        return "-"
    return clock_time(expires) if now < expires else f"{clock_time(expires)} (over)"
