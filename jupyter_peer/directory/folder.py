"""The folder of a directory's publisher: the key, the draft and the signed version.

Changes are made in a draft. Signing replaces the published file in one step, so that nodes find the
old version or the new one, and never something unsigned.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import msgspec

from ..errors import BadRequestError, BusyError, LookupFailedError, PeerError, StoreError
from ..files.data_dir import load_or_make_identity
from ..files.durable_files import replace_file
from ..files.file_lock import try_lock, unlock
from ..wire.directory import MAX_SERIAL, Directory, Member, parse_document
from ..wire.link.identity import Identity, decode_public_key, node_id_of
from .source import read_document

KEY = "directory.key"
DRAFT = "directory.draft.json"
PUBLISHED = "directory.json"
_LOCK = "directory.lock"


class DirectoryFolder:
    """One folder; only one command changes it at a time.

    Args:
        path: The folder. Whoever can read ``directory.key`` in it decides who is a member.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.published_path = path / PUBLISHED
        self._key_path = path / KEY
        self._draft_path = path / DRAFT

    def make(self, name: str, seed: Callable[[], bytes]) -> Identity:
        """Create an empty directory with its own key.

        Args:
            name: Name of the directory, for people.
            seed: Returns 32 random bytes.

        Raises:
            BadRequestError: The folder has a directory already.
            StoreError: The folder cannot be written.
        """
        with self._translated():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            for path in (self._key_path, self._draft_path, self.published_path):
                if path.exists():
                    raise BadRequestError(
                        f"there is a directory already: {path}", hint="choose another --folder"
                    )
            key = load_or_make_identity(self._key_path, seed)
            self._write_draft(Directory(serial=0, expires=0.0, name=name))
            return key

    def key(self) -> Identity:
        """Return the directory's key.

        Raises:
            LookupFailedError: The folder has no key.
            KeyFileError: The key cannot be read.
        """

        def refuse() -> NoReturn:
            raise LookupFailedError(
                f"there is no {KEY} in {self.path.absolute()}",
                hint="run `jupyter peer directory init`, or choose another folder with --folder",
            )

        return load_or_make_identity(self._key_path, refuse)

    def published(self) -> Directory | None:
        """Return the signed version after verifying it; None if nothing was signed yet.

        Raises:
            PeerError: This folder's key has not signed it in this form.
        """
        if not self.published_path.exists():
            return None
        return Directory.from_bytes(read_document(self.published_path), self.key().public_key)

    def draft(self) -> Directory | None:
        """Return the version to sign next; None if it equals the published one.

        Raises:
            PeerError: It cannot be read.
        """
        if not self._draft_path.exists():
            return None
        return Directory.from_fields(parse_document(read_document(self._draft_path)))

    def add(self, member: Member) -> bool:
        """Add or change a node; return whether it is new.

        Raises:
            PeerError: The node cannot be listed.
        """
        with self._alone():
            before = self._newest()
            members = {**before.members, member.id: member}
            self._write_draft(_with_members(before, members.values()))
            return member.id not in before.members

    def remove(self, node: str) -> Member:
        """Remove a node from the list.

        Args:
            node: Its id, its name, or the unique beginning of one of these.

        Raises:
            LookupFailedError: No node or more than one fits.
        """
        with self._alone():
            before = self._newest()
            found = find_member(before, node)
            left = [member for member in before.members.values() if member.id != found.id]
            self._write_draft(_with_members(before, left))
            return found

    def sign(self, expires: float) -> Directory:
        """Publish the draft, or the published version again, under the next serial.

        Args:
            expires: End of the new version, epoch seconds.

        Raises:
            PeerError: There is no key, or no reader would accept the result.
        """
        with self._alone():
            key = self.key()
            published = self.published()
            newest = self._newest()
            serial = max(newest.serial, published.serial if published else 0) + 1
            if serial > MAX_SERIAL:
                raise BadRequestError("this directory has used up its serials")
            signed = Directory(
                serial=serial,
                expires=expires,
                members=newest.members.values(),
                name=newest.name,
            )
            with self._translated():
                replace_file(self.published_path, signed.to_bytes(key))
                # nodes and web servers of other users read it; it has no secrets
                self.published_path.chmod(0o644)
                self._draft_path.unlink(missing_ok=True)
            return signed

    def _newest(self) -> Directory:
        newest = self.draft() or self.published()
        if newest is None:
            self.key()  # raises if the folder has no directory
            return Directory(serial=0, expires=0.0)
        return newest

    def _write_draft(self, directory: Directory) -> None:
        raw = json.dumps(directory.to_fields(), indent=1).encode() + b"\n"
        with self._translated():
            replace_file(self._draft_path, raw)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock that keeps other commands out.

        Raises:
            BusyError: Another command changes the directory right now.
        """
        if not self.path.is_dir():
            raise LookupFailedError(
                f"there is no folder {self.path.absolute()}",
                hint="create it with `jupyter peer directory init`, or choose another --folder",
            )
        with self._translated():
            lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not try_lock(lock):
                raise BusyError("another command changes this directory right now")
            try:
                yield
            finally:
                unlock(lock)
        finally:
            os.close(lock)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"the directory in {self.path.absolute()} cannot be written: {error.strerror}",
                hint=f"choose another --folder, or check the permissions of {self.path.absolute()}",
            ) from error


def find_member(directory: Directory, text: str) -> Member:
    """Return the node with an id, a name, or the beginning of one.

    Raises:
        LookupFailedError: No node or more than one fits.
    """
    wanted = text.strip().casefold()
    members = list(directory.members.values())
    if not wanted:
        members = []
    for fits in (
        [member for member in members if wanted in (member.id, member.name.casefold())],
        [
            member
            for member in members
            if any(n.casefold().startswith(wanted) for n in (member.id, member.name))
        ],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            listed = ", ".join(f"{member.name or 'unnamed'} ({member.id})" for member in fits)
            raise LookupFailedError(f"more than one node fits: {listed}", hint="give the id")
    raise LookupFailedError(
        f"the directory has no node {text[:64]!r}",
        hint="see its nodes with `jupyter peer directory verify`",
    )


def member_from(
    text: str, *, name: str = "", groups: tuple[str, ...] = (), expires: float | None = None
) -> Member:
    """Return the entry of a node.

    Args:
        text: Its public key in base64, or the JSON that ``jupyter peer id --json`` prints.
        name: Name of the node in the directory; if empty, the name in the JSON.
        groups: Groups of the node.
        expires: End of its membership, epoch seconds.

    Raises:
        PeerError: The text has another form, or an argument cannot be used.
    """
    text = text.strip()
    if text.startswith("{"):
        fields = parse_document(text.encode())
        key, said = fields.get("public_key"), fields.get("node_name")
        name = name or (said[:64] if isinstance(said, str) else "")
    else:
        key = text
    try:
        node_id = node_id_of(decode_public_key(key))
    except PeerError as error:
        raise BadRequestError(
            "this is not the public key of a node",
            hint="give the public key that `jupyter peer id` shows on that node",
        ) from error
    assert isinstance(key, str)
    try:
        member = msgspec.convert(
            {"id": node_id, "pk": key, "name": name, "groups": list(dict.fromkeys(groups))}
            | ({} if expires is None else {"expires": expires}),
            Member,
        )
        member.check()
    except msgspec.ValidationError as error:
        raise BadRequestError(f"this node cannot be listed: {error}") from error
    except PeerError as error:
        raise BadRequestError(
            f"this node cannot be listed: {error.message}",
            hint="use letters, digits, dots, dashes and underscores for groups",
        ) from error
    return member


def _with_members(directory: Directory, members: Iterable[Member]) -> Directory:
    return Directory(
        serial=directory.serial,
        expires=directory.expires,
        members=members,
        name=directory.name,
    )
