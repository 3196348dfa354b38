"""A database of an earlier version, with what a node had in it: copied, updated, and able to go back."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from jupyter_peer.errors import StoreError
from jupyter_peer.store import schema
from jupyter_peer.store.store import Store

from .store_worker import state_of

SCHEMAS = Path(__file__).parent / "schemas"
#: Databases as versions that people have used made them.
VERSIONS = {int(path.stem.rpartition("_")[2]): path for path in SCHEMAS.glob("schema_*.sql")}
NEXT = (*schema.STEPS, ("ALTER TABLE panes ADD COLUMN colour TEXT",))


def write_database(path: Path, version: int) -> Path:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript(VERSIONS[version].read_text(encoding="utf-8"))
    path.chmod(0o600)
    return path


@pytest.fixture(params=VERSIONS)
def older(tmp_path, request):
    return write_database(tmp_path / "peer.sqlite", request.param)


@pytest.fixture
def current(tmp_path):
    """A database of this version, with the content of the newest one that is kept."""
    path = write_database(tmp_path / "peer.sqlite", max(VERSIONS))
    Store.open(path).close()
    for copy in path.parent.glob("peer-schema-*"):
        copy.unlink()
    return path


def content(path):
    store = Store.open(path)
    try:
        return state_of(store)
    finally:
        store.close()


def dump(path):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return [*database.iterdump(), *database.execute("PRAGMA user_version").fetchone()]


def test_a_database_of_an_earlier_version_keeps_all_that_it_held(older):
    peers, invites, panes, links, askers, name, audit = content(older)
    bob = next(peer for peer in peers if peer.node_name == "bob")
    assert bob.alias == "Bob von nebenan"
    assert bob.addresses == ["ws://192.168.1.20:9797/peer-ws", "relay:wss://relay.example"]
    assert bob.trusted
    assert [peer.blocked for peer in peers if peer.node_name == "cleo"] == [True]
    assert sorted(invite.note for invite in invites) == ["", "Bob, for the review", "müde"]
    assert {pane.name: pane.grants for pane in panes} == {
        "loss": {bob.node_id: "interact"},
        "metrics": {bob.node_id: "view"},
    }
    assert [(link.id, link.pane) for link in links] == [("7d1f", "loss")]
    assert askers == {}
    assert name == "ada"
    assert len(audit) == 41


def test_an_update_leaves_a_copy_of_what_was_there(current, monkeypatch, caplog):
    before = dump(current)
    monkeypatch.setattr(schema, "STEPS", NEXT)
    with caplog.at_level(logging.INFO):
        Store.open(current).close()
    copy = current.with_name(f"peer-schema-{len(NEXT) - 1}.sqlite")
    assert sorted(file.name for file in current.parent.iterdir()) == [copy.name, current.name]
    assert dump(copy) == before
    assert dump(current) != before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert str(copy) in caplog.text


def test_a_database_that_is_not_updated_is_not_copied(current):
    Store.open(current).close()
    assert [file.name for file in current.parent.iterdir()] == [current.name]


def test_the_copy_in_place_of_the_database_is_the_way_back(current, monkeypatch):
    before = content(current)
    with monkeypatch.context() as newer:
        newer.setattr(schema, "STEPS", NEXT)
        store = Store.open(current)
        store.set_setting("node_name", "newer")
        store.close()
    with pytest.raises(StoreError, match="newer version"):
        Store.open(current)
    schema.copy_before(current, len(schema.STEPS)).replace(current)
    assert content(current) == before


def test_what_is_only_in_the_log_is_in_the_copy_too(current, monkeypatch):
    monkeypatch.setattr(schema, "STEPS", NEXT[:-1])
    open_elsewhere = Store.open(current)  # keeps the log from being written back
    open_elsewhere.set_setting("node_name", "in the log")
    monkeypatch.setattr(schema, "STEPS", NEXT)
    Store.open(current).close()
    open_elsewhere.close()
    assert "in the log" in str(dump(schema.copy_before(current, len(NEXT) - 1)))


def test_an_update_without_room_for_a_copy_does_not_begin(current, monkeypatch):
    before = dump(current)
    monkeypatch.setattr(schema, "STEPS", NEXT)

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(schema, "write_file", full)
    with pytest.raises(StoreError) as refused:
        Store.open(current)
    assert "free space" in refused.value.hint
    assert dump(current) == before


@pytest.mark.parametrize(
    "step",
    [
        "ALTER TABLE panes ADD COLUMN title TEXT",
        "INSERT INTO settings VALUES ('node_name', 'x')",
    ],
)
def test_an_update_that_fails_says_so_and_blames_no_disk(current, monkeypatch, step):
    before = dump(current)
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, (step,)))
    with pytest.raises(StoreError, match="could not be updated from schema") as failed:
        Store.open(current)
    assert "disk" not in failed.value.hint
    assert "nothing was changed in peer.sqlite" in failed.value.hint
    assert dump(current) == before


def test_a_disk_that_is_full_and_a_database_in_use_are_told_apart(current):
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    for error, advice in ((full, "free space"), (busy, "other programs")):
        with pytest.raises(StoreError) as failed, schema.translated(current):
            raise error
        assert advice in failed.value.hint


def test_the_newest_schema_has_a_database_to_start_from():
    # A step that is added needs a file of the schema before it, made by the version before.
    assert max(VERSIONS) >= len(schema.STEPS) - 1
