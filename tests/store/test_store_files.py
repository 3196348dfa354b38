"""Files that are not a whole store of ours: refused, told apart, and left as they are."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from jupyter_peer.errors import StoreCorruptError, StoreError, StoreForeignError
from jupyter_peer.store import schema as store_schema
from jupyter_peer.store.store import Store
from jupyter_peer.wire.invite import token_hash

from .store_worker import fill, peer_of, state_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A filled store that was closed properly."""
    path = tmp_path / "data" / "peer.sqlite"
    path.parent.mkdir()
    store = Store.open(path)
    fill(store)
    store.close()
    return path


@contextlib.contextmanager
def left_as_it_is(path: Path) -> Iterator[None]:
    """Check that database and log keep every byte, and that nothing else of content appears."""

    def contents() -> dict[str, bytes]:
        files = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
        # SQLite's index of the log is made anew whenever it is needed.
        return {name: text for name, text in files.items() if text and not name.endswith("-shm")}

    before = contents()
    yield
    assert contents() == before


def alter(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()


def test_a_new_store_is_closed_to_others_and_durable(tmp_path: Path) -> None:
    path = tmp_path / "peer.sqlite"
    old = os.umask(0)
    try:
        store = Store.open(path)
        store.set_setting("a", "b")
    finally:
        os.umask(old)
    assert {file.name for file in tmp_path.iterdir()} == {
        "peer.sqlite",
        "peer.sqlite-wal",
        "peer.sqlite-shm",
    }
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    for pragma, value in pragmas.items():
        assert store._database.execute(f"PRAGMA {pragma}").fetchone()[0] == value
    store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["peer.sqlite"]


def test_a_store_that_others_can_read_is_closed_to_them(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        Store.open(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "644" in caplog.text


def test_a_path_with_signs_of_a_url_in_it_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "50%25 a?mode=ro&b#c [*] ☃" / "peer.sqlite"
    path.parent.mkdir()
    Store.open(path).close()
    assert [file.name for file in path.parent.iterdir()] == ["peer.sqlite"]


def test_the_database_of_another_program_is_refused(path: Path) -> None:
    path.unlink()
    alter(path, "CREATE TABLE peers (node_id)")
    with left_as_it_is(path), pytest.raises(StoreForeignError, match="another program"):
        Store.open(path)


def test_the_log_of_another_programs_database_is_not_played_back(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs" / "peer.sqlite"
    path = tmp_path / "ours" / "peer.sqlite"
    for file in (theirs, path):
        file.parent.mkdir()
    with contextlib.closing(sqlite3.connect(theirs)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE t (x)")
        for suffix in ("", "-wal"):
            shutil.copy(f"{theirs}{suffix}", f"{path}{suffix}")
    with left_as_it_is(path), pytest.raises(StoreForeignError):
        Store.open(path)


def test_a_newer_database_is_refused(path: Path) -> None:
    alter(path, f"PRAGMA user_version = {len(store_schema.STEPS) + 1}")
    with left_as_it_is(path), pytest.raises(StoreForeignError, match="newer version"):
        Store.open(path)


def test_a_database_that_is_newer_only_in_its_log_is_refused(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "peer.sqlite"
    copy.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {len(store_schema.STEPS) + 1}")
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    with left_as_it_is(copy), pytest.raises(StoreForeignError, match="newer version"):
        Store.open(copy)


def test_an_older_database_is_brought_up_to_date(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = (*store_schema.STEPS, ("ALTER TABLE panes ADD COLUMN colour TEXT",))
    monkeypatch.setattr(store_schema, "STEPS", newer)
    store = Store.open(path)
    assert store.peer("bob") is not None
    store._database.execute("SELECT colour FROM panes")
    store.close()
    Store.open(path).close()


def test_an_upgrade_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        steps = (*store_schema.STEPS, ("DROP TABLE invites",), ("no SQL",))
        patch.setattr(store_schema, "STEPS", steps)
        with pytest.raises(StoreError):
            Store.open(path)
    store = Store.open(path)
    assert len(store.invites(5.0)) == 2
    store.close()


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"SQLite format 3\0", b"not a database" * 1000, b"SQLite format 3\0" + bytes(50)],
    ids=["empty", "a byte", "magic", "text", "half a header"],
)
def test_what_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with left_as_it_is(path), pytest.raises(StoreCorruptError) as caught:
        Store.open(path)
    assert str(path) in caught.value.message
    assert "nothing was overwritten" in caught.value.hint


@pytest.mark.parametrize("kept", [0.05, 0.2, 0.5, 0.9, 0.999])
def test_a_database_that_is_cut_off_is_refused(path: Path, kept: float) -> None:
    os.truncate(path, int(path.stat().st_size * kept))
    with left_as_it_is(path), pytest.raises(StoreCorruptError):
        Store.open(path)


@pytest.mark.parametrize(
    "table", ["peers", "invites", "panes", "grants", "links", "audit", "settings"]
)
def test_a_database_without_one_of_its_tables_is_refused(path: Path, table: str) -> None:
    alter(path, f"DROP TABLE {table}")
    with left_as_it_is(path), pytest.raises(StoreCorruptError, match=table):
        Store.open(path)


def test_a_database_without_a_schema_version_is_refused(path: Path) -> None:
    alter(path, "PRAGMA user_version = 0")
    with left_as_it_is(path), pytest.raises(StoreCorruptError):
        Store.open(path)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE peers SET addresses = 'not JSON'",
        "UPDATE peers SET addresses = '[1]'",
        f"UPDATE peers SET addresses = '{'[' * 100_000}'",
        "UPDATE peers SET origin = 'elsewhere'",
        "UPDATE peers SET node_name = x'00'",
        "UPDATE peers SET node_name = CAST(x'ff' AS TEXT)",
        "UPDATE invites SET expires = 'never'",
        "UPDATE panes SET title = x'ff'",
        "UPDATE audit SET detail = '[]'",
    ],
)
def test_a_record_that_makes_no_sense_is_refused(path: Path, change: str) -> None:
    alter(path, change)
    with left_as_it_is(path), pytest.raises(StoreCorruptError):
        Store.open(path)


def test_a_directory_or_a_dangling_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("directory", "link"):
        with pytest.raises(StoreForeignError):
            Store.open(tmp_path / name)
    assert not (tmp_path / "nowhere").exists()


def test_a_store_in_a_directory_that_is_missing_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Store.open(tmp_path / "missing" / "peer.sqlite")


def test_a_log_without_its_database_is_neither_lost_nor_mixed_with_a_new_one(
    path: Path, tmp_path: Path
) -> None:
    store = Store.open(path)
    store.put_peer(peer_of("ada"))
    copy = tmp_path / "copy" / "peer.sqlite"
    copy.parent.mkdir()
    shutil.copy(f"{path}-wal", f"{copy}-wal")
    store.close()
    with left_as_it_is(copy), pytest.raises(StoreCorruptError, match="write-ahead log"):
        Store.open(copy)


def test_the_advice_to_move_a_damaged_store_away_works(path: Path) -> None:
    path.write_bytes(b"damaged")
    with pytest.raises(StoreCorruptError):
        Store.open(path)
    path.rename(path.with_name("damaged"))
    store = Store.open(path)
    assert store.peers() == []
    store.close()


def test_leftovers_of_attempts_to_make_the_store_are_swept_up(path: Path) -> None:
    for name in ("peer.sqlite.new-0123", "peer.sqlite.new-0123-wal"):
        path.with_name(name).write_bytes(b"left")
    path.with_name("peer.sqlite.mine").write_bytes(b"kept")
    Store.open(path).close()
    assert {file.name for file in path.parent.iterdir()} == {"peer.sqlite", "peer.sqlite.mine"}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_either_refused_or_harmless(path: Path, data: st.DataObject) -> None:
    whole = path.read_bytes()
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4), label="places")):
        place = data.draw(st.integers(0, len(whole) - 1), label="place")
        patch = data.draw(st.binary(min_size=1, max_size=8), label="patch")
        damaged[place : place + len(patch)] = patch
    try:
        path.write_bytes(damaged)
        store = None
        with left_as_it_is(path), contextlib.suppress(StoreError):
            store = Store.open(path)
        if store is not None:
            with contextlib.suppress(StoreError):
                state_of(store)
            with contextlib.suppress(StoreError):
                store.put_peer(peer_of("ada"))
                assert store.peer("ada") == peer_of("ada")
            store.close()
    finally:
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(whole)
        path.chmod(0o600)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 60_000))
def test_a_torn_log_loses_only_whole_changes_from_its_end(path: Path, cut: int) -> None:
    """As after a power cut on a disk that had not written all of the log yet."""
    store = Store.open(path)
    for number in range(5):
        token = f"token {cut} {number}"
        store.add_invite(f"{cut} {number}", token_hash(token), 1.0, 100.0)
        store.redeem_invite(token, peer_of(f"{cut} {number}"), 5.0)
    torn = path.parent / "torn.sqlite"
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{torn}{suffix}")
    whole = state_of(store)
    store.close()
    size = Path(f"{torn}-wal").stat().st_size
    os.truncate(f"{torn}-wal", max(0, size - cut))
    found = Store.open(torn)
    used = {invite.used_by for invite in found.invites(5.0) if invite.status == "used"}
    assert used == {peer.node_id for peer in found.peers() if peer.trusted}
    count = sum(node_id.startswith(f"{cut} ") for node_id in used if node_id)
    assert {f"{cut} {number}" for number in range(count)} <= used
    if cut == 0:
        assert state_of(found) == whole
    found.close()
    torn.unlink()
