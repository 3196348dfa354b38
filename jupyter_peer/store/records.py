"""What the store holds, as typed records.

:func:`record_of` is the gate out of the database and :func:`checked` the one into it. They check the
same things, so that nothing gets in that could not come out again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from ..errors import BadRequestError
from ..wire.payloads.validation import misfit

Grant = Literal["view", "interact"]
#: Columns of a peer that hold a list as JSON.
_LISTS = ("addresses", "worked", "capabilities")

InviteStatus = Literal["open", "used", "revoked", "expired"]
Origin = Literal["invite", "open-lan", "directory"]


class PeerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A node that this node knows.

    Attributes:
        node_id: Its self-certifying id.
        public_key: Its key, base64 of 32 bytes; pinned from the first meeting on.
        node_name: What it calls itself, at the moment.
        local_name: The name it got here at the first meeting; empty before it has one.
        alias: The name its owner's friend, the user of this node, gave it.
        trusted: Whether it may connect without any further policy.
        blocked: Whether it may not connect at all; stronger than ``trusted``.
        addresses: Where it can be dialled, best first, as it announced.
        worked: Addresses at which it was dialled and proved its key, newest first.
        capabilities: What its last handshake said it can do.
        added: When it was first stored, epoch seconds.
        last_seen: When it was last connected, epoch seconds, or None.
        origin: The policy that let it in.
    """

    node_id: str
    public_key: str
    node_name: str = ""
    local_name: str = ""
    alias: str | None = None
    trusted: bool = False
    blocked: bool = False
    addresses: list[str] = []
    worked: list[str] = []
    capabilities: list[str] = []
    added: float
    last_seen: float | None = None
    origin: Origin = "invite"


class InviteRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An invite this node made. Its token is not here: only the token's hash is ever stored."""

    id: str
    created: float
    expires: float
    note: str
    status: InviteStatus
    used_by: str | None = None
    used_at: float | None = None


class PaneRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A pane this node shares, and what each node may do with it (by node id)."""

    name: str
    title: str
    created: float
    grants: dict[str, Grant] = {}


class LinkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A guest link: opens one pane for whoever has it. Only the hash of its secret is ever stored.

    Attributes:
        id: Public part, in the path of the URL.
        secret_hash: Hex SHA-256 of the secret's text.
        pane: The pane that it opens.
        grant: What its guests may do with the pane.
        created, expires: Epoch seconds.
        max_guests: How many may have it open at once.
    """

    id: str
    secret_hash: str
    pane: str
    grant: Grant
    created: float
    expires: float
    max_guests: int


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened which the user may want to look up later."""

    at: float
    kind: str
    peer: str | None
    detail: dict[str, Any]


Record = TypeVar("Record", PeerRecord, InviteRecord, PaneRecord, LinkRecord, AuditRecord)


def record_of(cls: type[Record], fields: Mapping[str, object]) -> Record:
    """Return the record of these fields, every one checked.

    Raises:
        msgspec.ValidationError: A field is missing or has the wrong type.
    """
    return msgspec.convert(fields, cls)


def checked(record: Record) -> Record:
    """Return the record when every field of it has the type it should have.

    Raises:
        BadRequestError: One has not.
    """
    try:
        return record_of(type(record), msgspec.structs.asdict(record))
    except msgspec.ValidationError as error:
        raise BadRequestError(f"this cannot be stored: {misfit(error)}") from None


def peer_columns(peer: PeerRecord) -> dict[str, object]:
    """Return what is written to the row of a peer.

    Raises:
        BadRequestError: A field has a wrong type.
    """
    columns = msgspec.structs.asdict(checked(peer))
    for key in _LISTS:
        columns[key] = json_text(columns[key])
    return columns


def peer_fields(row: sqlite3.Row) -> dict[str, object]:
    """Return the fields of a peer's record from its row."""
    fields = dict(row)
    for key in ("trusted", "blocked"):
        fields[key] = bool(fields[key])
    for key in _LISTS:
        fields[key] = _json_value(fields[key])
    return fields


def invite_fields(row: sqlite3.Row, now: float) -> dict[str, object]:
    """Return the fields of an invite's record from its row."""
    fields = dict(row)
    del fields["token_hash"]
    revoked_at = fields.pop("revoked_at")
    if fields["used_by"] is not None:
        status = "used"
    elif revoked_at is not None:
        status = "revoked"
    else:
        expires = fields["expires"]
        # What is not a number is left to the record to refuse.
        status = "open" if isinstance(expires, float) and now < expires else "expired"
    return {**fields, "status": status}


def link_fields(row: sqlite3.Row) -> dict[str, object]:
    """Return the fields of a guest link's record from its row."""
    fields = dict(row)
    fields["grant"] = fields.pop("level")
    return fields


def audit_fields(row: sqlite3.Row) -> dict[str, object]:
    """Return the fields of an audit record from its row."""
    return {**dict(row), "detail": _json_value(row["detail"])}


def json_text(value: object) -> str:
    """Return a value as JSON.

    Raises:
        BadRequestError: It is not JSON.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRequestError("this cannot be stored: it is not JSON") from error


def _json_value(text: object) -> object:
    """Return the value of a JSON column, or None, which no record accepts, when it is damaged."""
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
