"""The stored state of a node: peers, invites, panes with their grants, audit log, settings.

It is one SQLite file (:mod:`.schema` opens it). Every change is one transaction that is on the disk
when the call returns. So a process that is killed loses nothing that it has reported as done. Calls
block for about as long as the disk needs to sync. Above it are ``trust`` and ``hub``; clocks are
arguments.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ..errors import (
    BlockedError,
    InviteExpiredError,
    InviteRevokedError,
    InviteUnknownError,
    InviteUsedError,
    KeyChangedError,
    LookupFailedError,
    StoreError,
    UnknownPaneError,
    UnknownPeerError,
)
from ..phrase import phrase
from ..primitives.signal import Signal
from ..wire.invite import token_hash
from .records import (
    AskersRecord,
    AuditRecord,
    Grant,
    InviteRecord,
    LinkRecord,
    PaneRecord,
    PeerRecord,
    Record,
    audit_fields,
    checked,
    invite_fields,
    json_text,
    link_fields,
    peer_columns,
    peer_fields,
    record_of,
)
from .schema import corrupt, open_database, translated

log = logging.getLogger(__name__)

__all__ = [
    "AuditRecord",
    "Grant",
    "InviteRecord",
    "LinkRecord",
    "PaneRecord",
    "PeerRecord",
    "Store",
]

AUDIT_KEPT = 10_000
AUDIT_DETAIL_BYTES = 4096
CLOSED_INVITES_KEPT_S = 30 * 24 * 3600.0


class Store:
    """The open database of a node; safe to use from several threads and processes at once."""

    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._database = database
        self._database.row_factory = sqlite3.Row
        self._lock = threading.RLock()
        #: Emits each entry of the audit log once it is stored.
        self.audited = Signal[[AuditRecord]]("an entry of the audit log")

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the store at ``path``; create it if missing.

        Raises:
            StoreForeignError: The file was made by another program or a newer version.
            StoreCorruptError: The file is damaged. As above, nothing was written to it.
            StoreError: The system refuses to open it.
        """
        store = cls(open_database(path), path)
        try:
            # Read once completely, so that damage shows now and not during a session.
            store.peers()
            store.invites(0.0)
            store.panes()
            store.askers()
            store.links()
            store.audit(1)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close the store; may be called twice. Any later call raises StoreError."""
        with self._lock:
            self._database.close()

    # Invites

    def add_invite(
        self, id: str, token_hash: str, created: float, expires: float, note: str = ""
    ) -> None:
        """Store an invite with the hash of its token.

        Invites that ended more than 30 days before ``created`` are dropped.

        Raises:
            StoreError: An invite with this id or token exists already.
        """
        checked(InviteRecord(id=id, created=created, expires=expires, note=note, status="open"))
        with self._change() as database:
            database.execute(
                "DELETE FROM invites WHERE expires < ?", (created - CLOSED_INVITES_KEPT_S,)
            )
            database.execute(
                "INSERT INTO invites (id, token_hash, created, expires, note) "
                "VALUES (?, ?, ?, ?, ?)",
                (id, token_hash, created, expires, note),
            )

    def invites(self, now: float) -> list[InviteRecord]:
        """Return all invites, newest first, with the status they have at ``now``."""
        rows = self._rows("SELECT * FROM invites ORDER BY created DESC, id")
        return [self._record(InviteRecord, invite_fields(row, now)) for row in rows]

    def revoke_invite(self, id: str, now: float) -> None:
        """Revoke an invite. A used or revoked invite stays as it is.

        Raises:
            LookupFailedError: There is no invite of this id.
        """
        with self._change() as database:
            if not _one(database, "SELECT 1 FROM invites WHERE id = ?", id):
                raise LookupFailedError(
                    phrase("there is no invite {id}", id=repr(id)),
                    hint=phrase("%peer invites lists them").on_page(
                        phrase("“Open invites” lists them")
                    ),
                )
            database.execute(
                "UPDATE invites SET revoked_at = ? "
                "WHERE id = ? AND used_by IS NULL AND revoked_at IS NULL",
                (now, id),
            )

    def redeem_invite(self, token: str, peer: PeerRecord, now: float) -> None:
        """Redeem an invite and store the peer as trusted, in one transaction and only once.

        A known peer keeps its names, the time it was added and, if it now sends
        none, its addresses and capabilities. The node that redeemed an invite may present it again
        (the answer may have been lost) for as long as it is a trusted peer.

        Raises:
            InviteUnknownError, InviteUsedError, InviteRevokedError, InviteExpiredError: It cannot
                be redeemed.
            BlockedError: The peer is blocked; the invite stays open.
            KeyChangedError: The node id is known with another key; the invite stays open.
            BadRequestError: A field of the record has a wrong type.
        """
        with self._change() as database:
            invite = _invite_of(database, token)
            known = self._known_peer(database, peer.node_id)
            if known is not None and known.blocked:
                raise BlockedError
            if known is not None and known.public_key != peer.public_key:
                raise KeyChangedError
            if invite["used_by"] == peer.node_id and known is not None and known.trusted:
                return
            _check_open(invite, now)
            database.execute(
                "UPDATE invites SET used_by = ?, used_at = ? WHERE id = ?",
                (peer.node_id, now, invite["id"]),
            )
            changes: dict[str, Any] = {"trusted": True, "blocked": False}
            if known is not None:
                changes["added"] = known.added
                changes["alias"] = known.alias
                changes["local_name"] = known.local_name
                changes["addresses"] = peer.addresses or known.addresses
                changes["worked"] = peer.worked or known.worked
                changes["capabilities"] = peer.capabilities or known.capabilities
                changes["last_seen"] = known.last_seen if peer.last_seen is None else peer.last_seen
            _write_peer(database, msgspec.structs.replace(peer, **changes))
            used = {"invite": str(invite["id"])}
            _write_audit(database, "invite_used", peer.node_id, used, now)
        self.audited.emit(AuditRecord(at=now, kind="invite_used", peer=peer.node_id, detail=used))

    # Peers

    def peers(self) -> list[PeerRecord]:
        """Return all known peers, in the order of their addition."""
        rows = self._rows("SELECT * FROM peers ORDER BY added, node_id")
        return [self._record(PeerRecord, peer_fields(row)) for row in rows]

    def peer(self, node_id: str) -> PeerRecord | None:
        """Return the peer of this id, or None."""
        with self._read() as database:
            return self._known_peer(database, node_id)

    def put_peer(self, peer: PeerRecord) -> None:
        """Store a peer, in place of the record with its id.

        Raises:
            BadRequestError: A field has a wrong type.
        """
        with self._change() as database:
            _write_peer(database, peer)

    def update_peer(self, node_id: str, **fields: Any) -> PeerRecord:
        """Change single fields of a known peer and return the new record.

        Raises:
            UnknownPeerError: It is not known.
            BadRequestError: A field has a wrong type.
            TypeError: A field does not exist, or is the node id.
        """
        if "node_id" in fields:
            raise TypeError("the id of a peer cannot change")
        with self._change() as database:
            known = self._known_peer(database, node_id)
            if known is None:
                raise UnknownPeerError(phrase("no peer has the id {id}", id=node_id[:64]))
            changed = msgspec.structs.replace(known, **fields)
            _write_peer(database, changed)
            return changed

    def delete_peer(self, node_id: str) -> bool:
        """Delete a peer and its grants; return whether it was known."""
        with self._change() as database:
            database.execute("DELETE FROM grants WHERE node_id = ?", (node_id,))
            database.execute("DELETE FROM askers WHERE node_id = ?", (node_id,))
            return database.execute("DELETE FROM peers WHERE node_id = ?", (node_id,)).rowcount > 0

    # Panes

    def panes(self) -> list[PaneRecord]:
        """Return all shared panes with their grants, in the order of their creation."""
        rows = self._rows(
            "SELECT panes.*, grants.node_id, grants.level FROM panes "
            "LEFT JOIN grants ON grants.pane = panes.name "
            "ORDER BY panes.created, panes.name, grants.node_id"
        )
        panes: dict[str, dict[str, Any]] = {}
        for row in rows:
            fields = {key: row[key] for key in ("name", "title", "created")}
            grants = panes.setdefault(row["name"], {**fields, "grants": {}})["grants"]
            if row["node_id"] is not None:
                grants[row["node_id"]] = row["level"]
        return [self._record(PaneRecord, fields) for fields in panes.values()]

    def put_pane(self, name: str, title: str, created: float) -> None:
        """Store a pane; a known pane keeps its grants.

        Raises:
            BadRequestError: An argument has a wrong type.
        """
        checked(PaneRecord(name=name, title=title, created=created))
        with self._change() as database:
            database.execute(
                "INSERT INTO panes (name, title, created) VALUES (?, ?, ?) ON CONFLICT (name) "
                "DO UPDATE SET title = excluded.title, created = excluded.created",
                (name, title, created),
            )

    def set_grant(self, pane: str, node_id: str, grant: Grant | None) -> None:
        """Set the grant of a node for a pane; None removes it.

        Raises:
            UnknownPaneError: There is no such pane.
            BadRequestError: There is no such grant, or an argument has a wrong type.
        """
        grants: dict[str, Grant] = {} if grant is None else {node_id: grant}
        checked(PaneRecord(name=pane, title="", created=0.0, grants=grants))
        with self._change() as database:
            if not _one(database, "SELECT 1 FROM panes WHERE name = ?", pane):
                raise UnknownPaneError(phrase("this node shares no pane {pane}", pane=repr(pane)))
            if grant is None:
                database.execute(
                    "DELETE FROM grants WHERE pane = ? AND node_id = ?", (pane, node_id)
                )
            else:
                database.execute(
                    "INSERT OR REPLACE INTO grants (pane, node_id, level) VALUES (?, ?, ?)",
                    (pane, node_id, grant),
                )

    def delete_pane(self, name: str) -> bool:
        """Delete a pane with its grants and guest links; return whether it existed."""
        with self._change() as database:
            return database.execute("DELETE FROM panes WHERE name = ?", (name,)).rowcount > 0

    # Agents

    def askers(self) -> dict[str, frozenset[str]]:
        """Return who may ask, by node id, for each agent that not every paired peer may ask."""
        rows = self._rows(
            "SELECT name, node_id FROM limited_agents LEFT JOIN askers ON agent = name "
            "ORDER BY name, node_id"
        )
        found: dict[str, list[str]] = {}
        for row in rows:
            may_ask = found.setdefault(row["name"], [])
            if row["node_id"] is not None:
                may_ask.append(row["node_id"])
        records = [
            self._record(AskersRecord, {"agent": name, "askers": node_ids})
            for name, node_ids in found.items()
        ]
        return {record.agent: frozenset(record.askers) for record in records}

    def set_askers(self, agent: str, node_ids: Iterable[str] | None) -> None:
        """Let only these nodes ask an agent; None lets every paired peer ask it again.

        Raises:
            BadRequestError: An argument has a wrong type.
        """
        allowed = sorted(set(node_ids or ()))
        checked(AskersRecord(agent=agent, askers=allowed))
        with self._change() as database:
            database.execute("DELETE FROM limited_agents WHERE name = ?", (agent,))
            if node_ids is not None:
                database.execute("INSERT INTO limited_agents (name) VALUES (?)", (agent,))
                database.executemany(
                    "INSERT INTO askers (agent, node_id) VALUES (?, ?)",
                    [(agent, node_id) for node_id in allowed],
                )

    # Guest links

    def add_link(self, link: LinkRecord) -> None:
        """Store a guest link, and delete expired ones.

        Raises:
            UnknownPaneError: There is no such pane.
            BadRequestError: A field has a wrong type.
        """
        fields = msgspec.structs.asdict(checked(link))
        with self._change() as database:
            database.execute("DELETE FROM links WHERE expires <= ?", (link.created,))
            if not _one(database, "SELECT 1 FROM panes WHERE name = ?", link.pane):
                raise UnknownPaneError(
                    phrase("this node shares no pane {pane}", pane=repr(link.pane))
                )
            database.execute(
                "INSERT INTO links (id, secret_hash, pane, level, created, expires, max_guests) "
                "VALUES (:id, :secret_hash, :pane, :grant, :created, :expires, :max_guests)",
                fields,
            )

    def links(self) -> list[LinkRecord]:
        """Return all guest links, newest first, expired ones included."""
        rows = self._rows("SELECT * FROM links ORDER BY created DESC, id")
        return [self._record(LinkRecord, link_fields(row)) for row in rows]

    def link(self, id: str) -> LinkRecord | None:
        """Return the guest link of this id, or None."""
        rows = self._rows("SELECT * FROM links WHERE id = ?", id)
        return self._record(LinkRecord, link_fields(rows[0])) if rows else None

    def delete_link(self, id: str) -> bool:
        """Delete a guest link; return whether it existed."""
        with self._change() as database:
            return database.execute("DELETE FROM links WHERE id = ?", (id,)).rowcount > 0

    # Health

    def damage(self) -> list[str]:
        """Return the faults that SQLite finds in the file; empty if it is intact."""
        rows = self._rows("PRAGMA quick_check(10)")
        return [text for text in (str(row[0]) for row in rows) if text != "ok"]

    # Settings and audit log

    def setting(self, key: str) -> str | None:
        """Return a setting, or None when it was never set."""
        with self._read() as database:
            row = _one(database, "SELECT value FROM settings WHERE key = ?", key)
            return None if row is None else str(row["value"])

    def set_setting(self, key: str, value: str) -> None:
        """Store a setting."""
        with self._change() as database:
            database.execute(
                "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", (key, value)
            )

    def add_audit(self, kind: str, peer: str | None, detail: dict[str, Any], at: float) -> None:
        """Add an entry to the audit log, which keeps the newest 10,000.

        A detail of more than 4 KiB is replaced by its size: it may come from a peer, and only
        the user may decide how large this file becomes.

        Raises:
            BadRequestError: The detail is not JSON.
        """
        entry = AuditRecord(at=at, kind=kind, peer=peer, detail=detail)
        checked(entry)
        with self._change() as database:
            _write_audit(database, kind, peer, detail, at)
        self.audited.emit(entry)

    def note_audit(self, kind: str, peer: str | None, detail: dict[str, Any], at: float) -> None:
        """Add an entry about something that has happened already.

        If the file cannot be written, the act itself stays, and the log has the missing entry.
        """
        try:
            self.add_audit(kind, peer, detail, at)
        except StoreError as error:
            log.warning("the audit log misses an entry %s: %s", kind, error)

    def audit(self, limit: int) -> list[AuditRecord]:
        """Return the newest entries of the audit log, newest first."""
        rows = self._rows(
            "SELECT at, kind, peer, detail FROM audit ORDER BY number DESC LIMIT ?",
            max(0, min(limit, AUDIT_KEPT)),
        )
        return [self._record(AuditRecord, audit_fields(row)) for row in rows]

    # Access

    @contextlib.contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """Run one transaction that excludes other writers."""
        with self._read() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translated(self.path):
            yield self._database

    def _rows(self, query: str, *arguments: object) -> list[sqlite3.Row]:
        with self._read() as database:
            return database.execute(query, arguments).fetchall()

    def _known_peer(self, database: sqlite3.Connection, node_id: str) -> PeerRecord | None:
        row = _one(database, "SELECT * FROM peers WHERE node_id = ?", node_id)
        return None if row is None else self._record(PeerRecord, peer_fields(row))

    def _record(self, cls: type[Record], fields: dict[str, Any]) -> Record:
        try:
            return record_of(cls, fields)
        except msgspec.ValidationError as error:
            raise corrupt(self.path, f"a {cls.__name__} in it: {error}") from error


def _one(database: sqlite3.Connection, query: str, *arguments: object) -> sqlite3.Row | None:
    row: sqlite3.Row | None = database.execute(query, arguments).fetchone()
    return row


def _invite_of(database: sqlite3.Connection, token: str) -> sqlite3.Row:
    row = _one(database, "SELECT * FROM invites WHERE token_hash = ?", token_hash(token))
    if row is None:
        raise InviteUnknownError
    return row


def _check_open(invite: sqlite3.Row, now: float) -> None:
    if invite["used_by"] is not None:
        raise InviteUsedError
    if invite["revoked_at"] is not None:
        raise InviteRevokedError
    if not now < invite["expires"]:
        raise InviteExpiredError


def _write_peer(database: sqlite3.Connection, peer: PeerRecord) -> None:
    database.execute(
        "INSERT OR REPLACE INTO peers (node_id, public_key, node_name, local_name, alias, trusted, "
        "blocked, addresses, worked, capabilities, added, last_seen, origin) VALUES (:node_id, "
        ":public_key, "
        ":node_name, :local_name, :alias, :trusted, :blocked, :addresses, :worked, "
        ":capabilities, :added, "
        ":last_seen, :origin)",
        peer_columns(peer),
    )


def _write_audit(
    database: sqlite3.Connection, kind: str, peer: str | None, detail: dict[str, Any], at: float
) -> None:
    text = json_text(detail)
    if len(text) > AUDIT_DETAIL_BYTES:
        text = json_text({"too_large": len(text)})
    number = database.execute(
        "INSERT INTO audit (at, kind, peer, detail) VALUES (?, ?, ?, ?)", (at, kind, peer, text)
    ).lastrowid
    database.execute("DELETE FROM audit WHERE number <= ?", ((number or 0) - AUDIT_KEPT,))
