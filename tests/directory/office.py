"""A directory to be published in tests, and a source that does as it is told."""

from __future__ import annotations

from jupyter_peer.directory.source import DirectorySource, Fetched
from jupyter_peer.errors import UnreachableError
from jupyter_peer.wire.directory import Directory, Member
from jupyter_peer.wire.link.identity import Identity
from tests.wire.makers import ADA, BOB

OFFICE = Identity.from_seed(b"o" * 32)


def member_of(identity: Identity, **fields) -> Member:
    return Member(id=identity.node_id, pk=identity.public_key_b64, **fields)


def signed(serial: int, *members: Identity | Member, expires: float, key: Identity = OFFICE):
    """Return the bytes of a directory."""
    entries = [m if isinstance(m, Member) else member_of(m) for m in members]
    return Directory(serial=serial, expires=expires, members=entries).to_bytes(key)


class GivenSource(DirectorySource):
    """Gives ``raw``; None stands for a source that cannot be reached."""

    def __init__(self, raw: bytes | None = None) -> None:
        super().__init__("https://office.example/directory.json")
        self.raw = raw
        self.asked: list[str | None] = []

    async def fetch(self, etag: str | None = None) -> Fetched | None:
        self.asked.append(etag)
        if self.raw is None:
            raise UnreachableError("the directory cannot be fetched")
        tag = str(hash(self.raw))
        return None if tag == etag else Fetched(self.raw, tag)


__all__ = ["ADA", "BOB", "OFFICE", "GivenSource", "member_of", "signed"]
