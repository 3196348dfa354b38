"""The folder from which somebody publishes a directory: its key, the draft, and what is signed.

Changes go into a draft; signing makes the published file of it, in one step, so that nodes find
either the old version or the new one and never something unsigned.
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
    """One folder; commands that change it exclude each other.

    Args:
        path: The folder. Whoever can read ``directory.key`` in it decides who is a member.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.published_path = path / PUBLISHED
        self._key_path = path / KEY
        self._draft_path = path / DRAFT

    def make(self, name: str, seed: Callable[[], bytes]) -> Identity:
        """Make a new, empty directory with a key of its own.

        Args:
            name: What it is a directory of.
            seed: Gives 32 random bytes.

        Raises:
            BadRequestError: There is one here already.
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
            LookupFailedError: There is none here.
            KeyFileError: It cannot be read.
        """

        def refuse() -> NoReturn:
            raise LookupFailedError(
                f"there is no {KEY} in {self.path.absolute()}",
                hint="`jupyter peer directory init` makes one, --folder says where it is",
            )

        return load_or_make_identity(self._key_path, refuse)

    def published(self) -> Directory | None:
        """Return the signed version, verified, or None if nothing was signed yet.

        Raises:
            PeerError: It is not as this folder's key has signed it.
        """
        if not self.published_path.exists():
            return None
        return Directory.from_bytes(read_document(self.published_path), self.key().public_key)

    def draft(self) -> Directory | None:
        """Return what is to be signed next, or None if it would be what is published.

        Raises:
            PeerError: It cannot be read.
        """
        if not self._draft_path.exists():
            return None
        return Directory.from_fields(parse_document(read_document(self._draft_path)))

    def add(self, member: Member) -> bool:
        """List a node; returns whether it is new rather than changed.

        Raises:
            PeerError: It cannot be listed.
        """
        with self._alone():
            before = self._newest()
            members = {**before.members, member.id: member}
            self._write_draft(_with_members(before, members.values()))
            return member.id not in before.members

    def remove(self, node: str) -> Member:
        """Take a node off the list.

        Args:
            node: Its id, its name, or the unique beginning of one of these.

        Raises:
            LookupFailedError: None or more than one is meant.
        """
        with self._alone():
            before = self._newest()
            found = find_member(before, node)
            left = [member for member in before.members.values() if member.id != found.id]
            self._write_draft(_with_members(before, left))
            return found

    def sign(self, expires: float) -> Directory:
        """Publish the draft, or what is published once more, under the next serial.

        Args:
            expires: When the new version ends, epoch seconds.

        Raises:
            PeerError: There is no key, or no reader would take what it would sign.
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
                # nodes and web servers of other users read it; nothing in it is secret
                self.published_path.chmod(0o644)
                self._draft_path.unlink(missing_ok=True)
            return signed

    def _newest(self) -> Directory:
        newest = self.draft() or self.published()
        if newest is None:
            self.key()  # says that nothing is here, if nothing is
            return Directory(serial=0, expires=0.0)
        return newest

    def _write_draft(self, directory: Directory) -> None:
        raw = json.dumps(directory.to_fields(), indent=1).encode() + b"\n"
        with self._translated():
            replace_file(self._draft_path, raw)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other commands out.

        Raises:
            BusyError: Another one changes the directory right now.
        """
        if not self.path.is_dir():
            raise LookupFailedError(
                f"there is no folder {self.path.absolute()}",
                hint="`jupyter peer directory init` makes one",
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
                hint="choose another --folder, or see to its permissions",
            ) from error


def find_member(directory: Directory, text: str) -> Member:
    """Return the node that somebody means.

    Raises:
        LookupFailedError: None or more than one fits.
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
        f"no node {text[:64]!r} is in the directory",
        hint="`jupyter peer directory verify` lists it",
    )


def member_from(
    text: str, *, name: str = "", groups: tuple[str, ...] = (), expires: float | None = None
) -> Member:
    """Return the entry of a node.

    Args:
        text: Its public key in base64, or the JSON that ``jupyter peer id --json`` prints.
        name: What the directory is to call it; of the JSON's own name if empty.
        groups: Groups it is to be in.
        expires: When its membership ends, epoch seconds.

    Raises:
        PeerError: It is neither, or an argument cannot be used.
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
            hint="give what `jupyter peer id` shows as its public key",
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
            hint="groups are letters, digits, dots, dashes and underscores",
        ) from error
    return member


def _with_members(directory: Directory, members: Iterable[Member]) -> Directory:
    return Directory(
        serial=directory.serial,
        expires=directory.expires,
        members=members,
        name=directory.name,
    )
