"""Typed records of the store.

:func:`record_of` checks what is read from the database, :func:`checked` what is written to it. Both
check the same types, so that every stored record can be read again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from ..errors import BadRequestError
from ..phrase import phrase
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
        public_key: Its key, base64 of 32 bytes; pinned at the first meeting.
        node_name: The name that it announces now.
        local_name: The name that it got here at the first meeting; empty at first.
        alias: The name that the user of this node gave it.
        trusted: Whether it may connect without asking the policy.
        blocked: Whether it must not connect; takes precedence over ``trusted``.
        addresses: Addresses that it has announced, best first.
        worked: Addresses at which it was dialled and proved its key, newest first.
        capabilities: Capabilities from its last handshake.
        added: Time when it was first stored, epoch seconds.
        last_seen: Time when it was last connected, epoch seconds, or None.
        origin: The policy that accepted it.
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
    """An invite of this node. Only the hash of its token is stored."""

    id: str
    created: float
    expires: float
    note: str
    status: InviteStatus
    used_by: str | None = None
    used_at: float | None = None


class PaneRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A pane that this node shares, with the grant of each node (by node id)."""

    name: str
    title: str
    created: float
    grants: dict[str, Grant] = {}


class AskersRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that not every paired peer may ask, and the node ids of those who may."""

    agent: str
    askers: list[str]


class LinkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A guest link, which opens one pane for anybody who has it. Only the hash of its secret is stored.

    Attributes:
        id: Public part, in the path of the URL.
        secret_hash: Hex SHA-256 of the secret's text.
        pane: The pane that it opens.
        grant: Grant of its guests.
        created, expires: Epoch seconds.
        max_guests: Highest number of guests at once.
    """

    id: str
    secret_hash: str
    pane: str
    grant: Grant
    created: float
    expires: float
    max_guests: int


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the audit log."""

    at: float
    kind: str
    peer: str | None
    detail: dict[str, Any]


Record = TypeVar(
    "Record", PeerRecord, InviteRecord, PaneRecord, AskersRecord, LinkRecord, AuditRecord
)


def record_of(cls: type[Record], fields: Mapping[str, object]) -> Record:
    """Return the record with these fields after checking each.

    Raises:
        msgspec.ValidationError: A field is missing or has the wrong type.
    """
    return msgspec.convert(fields, cls)


def checked(record: Record) -> Record:
    """Return the record after checking the types of its fields.

    Raises:
        BadRequestError: A field has the wrong type.
    """
    try:
        return record_of(type(record), msgspec.structs.asdict(record))
    except msgspec.ValidationError as error:
        raise BadRequestError(phrase("this cannot be stored: {why}", why=misfit(error))) from None


def peer_columns(peer: PeerRecord) -> dict[str, object]:
    """Return the values for the row of a peer.

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
        # The record refuses values that are not numbers.
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
    """Return the value of a JSON column; None, which no record accepts, if it is damaged."""
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
