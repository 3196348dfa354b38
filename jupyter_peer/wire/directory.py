"""Directories: signed lists of nodes that belong together (SPEC section 10)."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from ..errors import BadSignatureError, MalformedError, TooLargeError
from .link.envelope import without_surrogates
from .link.identity import (
    SIGNATURE_BYTES,
    Identity,
    clean_name,
    decode_public_key,
    is_node_id,
    node_id_of,
    verify,
)
from .link.json_bounds import check_depth
from .payloads.validation import misfit

VERSION = 1
MAX_BYTES = 1024 * 1024
MAX_MEMBERS = 4096
MAX_GROUPS = 32
MAX_SERIAL = 2**53 - 1
# No other signed text of this program begins with this label: envelopes begin with a brace, and
# batches with another label.
_LABEL = b"jupyter-peer/1 directory"
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_Name = Annotated[str, msgspec.Meta(max_length=64)]


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node of a directory.

    Attributes:
        id: Its node id.
        pk: Its public key, base64 of 32 bytes; its fingerprint is ``id``.
        name: Its name in the directory; cosmetic.
        groups: Groups it belongs to.
        expires: End of its membership, epoch seconds; None for the expiry of the directory.
    """

    id: str
    pk: str
    name: _Name = ""
    groups: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_GROUPS)] = ()
    expires: float | None = None

    def check(self) -> None:
        """Check every field.

        Raises:
            MalformedError: A field breaks SPEC section 10.
        """
        try:
            is_own = is_node_id(self.id) and node_id_of(decode_public_key(self.pk)) == self.id
        except MalformedError:
            is_own = False
        if not is_own:
            raise MalformedError(f"the key of the node {self.id[:16]!r} does not belong to its id")
        for group in self.groups:
            if not is_group(group):
                raise MalformedError(f"{group[:64]!r} cannot be the name of a group")
        if self.expires is not None and not math.isfinite(self.expires):
            raise MalformedError("expires must be a finite number")


class _Fields(msgspec.Struct, frozen=True, kw_only=True):
    v: int
    serial: Annotated[int, msgspec.Meta(ge=0, le=MAX_SERIAL)]
    expires: float
    name: _Name = ""
    nodes: Annotated[list[Member], msgspec.Meta(max_length=MAX_MEMBERS)]


class Directory:
    """The content of a directory; immutable.

    Args:
        serial: Version of the directory; each new version has a higher number.
        expires: Its expiry, epoch seconds.
        members: The nodes in it.
        name: Its title; cosmetic.

    Attributes:
        members: The members by node id.

    Raises:
        MalformedError: A field breaks SPEC section 10, or two members have the same id.
    """

    def __init__(
        self, *, serial: int, expires: float, members: Iterable[Member] = (), name: str = ""
    ) -> None:
        by_id: dict[str, Member] = {}
        for member in members:
            member.check()
            if member.id in by_id:
                raise MalformedError(f"the node {member.id} is in the directory twice")
            by_id[member.id] = msgspec.structs.replace(member, name=clean_name(member.name))
        if not 0 <= serial <= MAX_SERIAL or len(by_id) > MAX_MEMBERS:
            raise MalformedError(f"a directory has up to {MAX_MEMBERS} nodes and 2^53 serials")
        if not math.isfinite(expires):
            raise MalformedError("expires must be a finite number")
        self.serial = serial
        self.expires = expires
        self.members: Mapping[str, Member] = MappingProxyType(by_id)
        self.name = clean_name(name)

    def is_current(self, now: float) -> bool:
        """Return whether the directory is still valid at ``now``, epoch seconds."""
        return now < self.expires

    def member(self, node_id: str, now: float) -> Member | None:
        """Return the member with this id; None if there is none at ``now``."""
        member = self.members.get(node_id)
        if member is None or not self.is_current(now):
            return None
        return member if member.expires is None or now < member.expires else None

    def is_member(
        self, node_id: str, public_key: str, now: float, group: str | None = None
    ) -> bool:
        """Return whether a node is a member of the directory.

        Args:
            node_id: The node's id.
            public_key: The key that the node has proven to hold, base64.
            now: Epoch seconds.
            group: A group that the member has to be in; None accepts every member.
        """
        member = self.member(node_id, now)
        if member is None or member.pk != public_key:
            return False
        return group is None or group in member.groups

    def next_expiry(self, now: float) -> float:
        """Return the time of the next expiry: of a membership, or of the directory itself."""
        ends = [member.expires for member in self.members.values() if member.expires is not None]
        return min([self.expires, *(end for end in ends if end > now)])

    # Bytes

    def to_fields(self) -> dict[str, Any]:
        """Return the unsigned document as a JSON object."""
        fields: dict[str, Any] = {
            "v": VERSION,
            "serial": self.serial,
            "expires": self.expires,
            "name": self.name,
            "nodes": msgspec.to_builtins(list(self.members.values())),
        }
        return fields

    @classmethod
    def from_fields(cls, fields: object) -> Directory:
        """Read the directory from an unsigned document; unknown keys are ignored.

        Raises:
            MalformedError: The document is not a directory, or has another version.
        """
        version = fields.get("v") if isinstance(fields, dict) else None
        if type(version) is int and version != VERSION:
            raise MalformedError(
                f"this directory has version {version}, which this program does not know"
                if version < 10**6
                else "this directory has an unknown version",
                hint="update jupyter-peer",
            )
        try:
            # Signed text may hold lone surrogates, but later steps cannot handle them.
            clean = without_surrogates(fields) if isinstance(fields, dict) else fields
            read = msgspec.convert(clean, _Fields)
        except (msgspec.ValidationError, OverflowError, RecursionError) as error:
            raise MalformedError(f"this is not a directory: {misfit(error)}") from None
        if read.v != VERSION:
            raise MalformedError("this is not a directory: its version is missing")
        return cls(serial=read.serial, expires=read.expires, members=read.nodes, name=read.name)

    def to_bytes(self, key: Identity) -> bytes:
        """Return the document signed with the directory's key, as JSON in lines.

        Raises:
            TooLargeError: The document is too large.
        """
        fields = self.to_fields()
        signature = key.sign(_LABEL + _canonical(fields))
        fields["sig"] = base64.b64encode(signature).decode()
        raw = json.dumps(fields, indent=1).encode() + b"\n"
        if len(raw) > MAX_BYTES:
            raise TooLargeError(f"a directory of {len(raw)} bytes is over the limit of {MAX_BYTES}")
        return raw

    @classmethod
    def from_bytes(cls, raw: bytes, public_key: bytes) -> Directory:
        """Read a signed document.

        Args:
            raw: The bytes, as received.
            public_key: The 32 bytes of the key that must have signed it.

        Raises:
            TooLargeError: The document is too large.
            MalformedError: It is not a directory of version 1.
            BadSignatureError: The document was not signed with this key, or was changed.
        """
        fields = parse_document(raw)
        signature = _signature_in(fields.pop("sig", None))
        verify(public_key, signature, _LABEL + _canonical(fields))
        return cls.from_fields(fields)


def parse_document(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a document; its fields are not checked.

    Raises:
        TooLargeError: The document is too large.
        MalformedError: It is not a JSON object, or nested too deeply.
    """
    if len(raw) > MAX_BYTES:
        raise TooLargeError(f"a directory of over {MAX_BYTES} bytes is refused")
    check_depth(raw)
    try:
        fields = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedError("this is not a directory: it is not JSON") from error
    if not isinstance(fields, dict):
        raise MalformedError("this is not a directory: it is not a JSON object")
    return fields


def is_group(name: str) -> bool:
    """Return whether a text can be the name of a group."""
    return _GROUP.fullmatch(name) is not None


def _canonical(fields: dict[str, Any]) -> bytes:
    try:
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the directory cannot be written as JSON") from error
    return text.encode("ascii")


def _signature_in(text: object) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != SIGNATURE_BYTES:
        raise BadSignatureError(
            "the directory is not signed", hint="sign it with `jupyter peer directory sign`"
        )
    return raw


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
