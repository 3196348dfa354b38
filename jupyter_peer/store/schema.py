"""Opens the database file after checking its origin, version and integrity, or creates it.

A refused file is never altered. The numbers that identify the database are read
from the raw header (https://www.sqlite.org/fileformat2.html section 1.3). The content is
checked over a read-only connection, because a writable one would replay or checkpoint the
write-ahead log of a file that may belong to another program.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import sqlite3
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from ..errors import BadRequestError, StoreCorruptError, StoreError, StoreForeignError
from ..files.durable_files import (
    put_in_place,
    sweep_leftovers,
    sync_directory,
    temporary_name,
    write_file,
)
from ..phrase import phrase

log = logging.getLogger(__name__)

APPLICATION_ID = 0x6A706565  # "jpee"
BUSY_TIMEOUT_S = 5.0
_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100

# One entry for each schema version, oldest first. A released entry is never edited; add a new one.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE peers (
            node_id TEXT PRIMARY KEY NOT NULL,
            public_key TEXT NOT NULL,
            node_name TEXT NOT NULL,
            alias TEXT,
            trusted INTEGER NOT NULL CHECK (trusted IN (0, 1)),
            blocked INTEGER NOT NULL CHECK (blocked IN (0, 1)),
            addresses TEXT NOT NULL,
            capabilities TEXT NOT NULL,
            added REAL NOT NULL,
            last_seen REAL,
            origin TEXT NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE invites (
            id TEXT PRIMARY KEY NOT NULL,
            token_hash TEXT NOT NULL UNIQUE,
            created REAL NOT NULL,
            expires REAL NOT NULL,
            note TEXT NOT NULL,
            revoked_at REAL,
            used_by TEXT,
            used_at REAL,
            CHECK ((used_by IS NULL) = (used_at IS NULL))
        ) WITHOUT ROWID""",
        """CREATE TABLE panes (
            name TEXT PRIMARY KEY NOT NULL,
            title TEXT NOT NULL,
            created REAL NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE grants (
            pane TEXT NOT NULL REFERENCES panes (name) ON DELETE CASCADE,
            node_id TEXT NOT NULL,
            level TEXT NOT NULL CHECK (level IN ('view', 'interact')),
            PRIMARY KEY (pane, node_id)
        ) WITHOUT ROWID""",
        """CREATE TABLE audit (
            number INTEGER PRIMARY KEY NOT NULL,
            at REAL NOT NULL,
            kind TEXT NOT NULL,
            peer TEXT,
            detail TEXT NOT NULL
        )""",
        """CREATE TABLE settings (
            key TEXT PRIMARY KEY NOT NULL,
            value TEXT NOT NULL
        ) WITHOUT ROWID""",
    ),
    ("ALTER TABLE peers ADD COLUMN local_name TEXT NOT NULL DEFAULT ''",),
    (
        """CREATE TABLE links (
            id TEXT PRIMARY KEY NOT NULL,
            secret_hash TEXT NOT NULL,
            pane TEXT NOT NULL REFERENCES panes (name) ON DELETE CASCADE,
            level TEXT NOT NULL CHECK (level IN ('view', 'interact')),
            created REAL NOT NULL,
            expires REAL NOT NULL,
            max_guests INTEGER NOT NULL
        ) WITHOUT ROWID""",
    ),
    ("ALTER TABLE peers ADD COLUMN worked TEXT NOT NULL DEFAULT '[]'",),
    (
        # The agents that not every paired peer may ask.
        "CREATE TABLE limited_agents (name TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID",
        """CREATE TABLE askers (
            agent TEXT NOT NULL REFERENCES limited_agents (name) ON DELETE CASCADE,
            node_id TEXT NOT NULL,
            PRIMARY KEY (agent, node_id)
        ) WITHOUT ROWID""",
    ),
)


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database at ``path`` for writing; create it if missing.

    The connection is in autocommit mode, uses the write-ahead log with ``synchronous=FULL`` and
    may be used from any thread, one at a time.

    Raises:
        StoreForeignError: The file was made by another program or a newer version.
        StoreCorruptError: The file is damaged, or is missing while its write-ahead log exists.
        StoreError: The system refuses to open it.
    """
    with translated(path):
        # Checked before the file itself: another process that creates the database has the
        # file before it has a log.
        has_log = _size_of(_log_of(path)) > 0
        if not path.exists() and not path.is_symlink():
            if has_log:
                raise StoreCorruptError(
                    phrase(
                        "{path} is missing, but its write-ahead log {name}-wal exists",
                        path=path,
                        name=path.name,
                    ),
                    hint=phrase("restore {name}, or move {name}-wal away too", name=path.name),
                    path=str(path),
                )
            _create(path)
        sweep_leftovers(path)
        _check_header(path)
        _check_content(path)
        _close_to_others(path)
        return _open_writable(path)


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise errors of SQLite and of the file system as errors of this project."""
    try:
        yield
    except (UnicodeEncodeError, OverflowError) as error:
        raise BadRequestError("this text or number cannot be stored") from error
    except UnicodeDecodeError as error:
        raise corrupt(path, "it contains text that is not UTF-8") from error
    except sqlite3.IntegrityError as error:
        raise StoreError(
            phrase("the database refuses this entry: {error}", error=error),
            hint=phrase("nothing was changed in {name}; check the text or number", name=path.name),
            path=str(path),
        ) from error
    except (sqlite3.Error, OSError) as error:
        # Python has a class for every other relevant code. The plain class is left for
        # SQLITE_CORRUPT and SQLITE_NOTADB. Damaged text has no code.
        if type(error) is sqlite3.DatabaseError or "decode to UTF-8" in str(error):
            raise corrupt(path, str(error)) from error
        raise StoreError(
            phrase("the database {path} cannot be used: {error}", path=path, error=error),
            hint=_advice(error, path),
            path=str(path),
        ) from error


def _advice(error: sqlite3.Error | OSError, path: Path) -> str:
    """Return the hint for an error of the system; it names a full disk."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or getattr(error, "errno", 0) in (errno.ENOSPC, errno.EDQUOT):
        return f"free space on the disk of {path.parent}"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"end the other programs that have {path.name} open, and try again"
    return f"check that the disk is not full and that you can write to {path.parent}"


def copy_before(path: Path, version: int) -> Path:
    """Return the path of the copy that an update of the schema makes of the old database."""
    return path.with_name(f"{path.stem}-schema-{version}{path.suffix}")


def corrupt(path: Path, why: str) -> StoreCorruptError:
    """Return the error for a damaged database."""
    return StoreCorruptError(
        phrase("the database {path} is damaged: {why}", path=path, why=why),
        hint=(
            phrase(
                "restore a copy, or move {name} and {name}-wal away together to start with an "
                "empty database; nothing was overwritten",
                name=path.name,
            )
        ),
        path=str(path),
    )


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _create(path: Path) -> None:
    temporary = temporary_name(path)
    write_file(temporary, b"")
    try:
        with contextlib.closing(_connect(temporary, "rw")) as database:
            # Set before others see the file: a later switch would use a rollback journal,
            # which a read-only connection cannot replay after a crash.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            _upgrade(database, None)
        if put_in_place(temporary, path):
            log.info("made the database %s", path)
    except (sqlite3.Error, OSError):
        # Another process was first and removed this attempt.
        if not path.exists():
            raise
    finally:
        for leftover in (temporary, _log_of(temporary), Path(f"{temporary}-shm")):
            leftover.unlink(missing_ok=True)


def _check_header(path: Path) -> None:
    """Check the origin of the file without SQLite, which could alter it."""
    if not path.is_file():
        raise StoreForeignError(phrase("{path} is not a regular file", path=path), path=str(path))
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if not header:
        raise corrupt(path, "it is empty")
    if not header.startswith(_MAGIC):
        raise corrupt(path, "it is not an SQLite database")
    if len(header) < _HEADER_BYTES:
        raise corrupt(path, "it is truncated")
    _check_numbers(path, int.from_bytes(header[68:72], "big"), int.from_bytes(header[60:64], "big"))


def _check_numbers(path: Path, application_id: int, version: int) -> None:
    if application_id != APPLICATION_ID:
        raise StoreForeignError(
            phrase("{path} was made by another program", path=path), path=str(path)
        )
    if version > len(STEPS):
        raise StoreForeignError(
            phrase(
                "{path} was made by a newer version of jupyter-peer (schema {version}, this one "
                "knows {known})",
                path=path,
                version=version,
                known=len(STEPS),
            ),
            hint="update jupyter-peer, or set PeerExtension.data_dir; nothing was overwritten",
            path=str(path),
            version=version,
        )
    if version < 1:
        raise corrupt(path, "it has no schema version")


def _check_content(path: Path) -> None:
    """Check the numbers again, now with the log, and every page."""
    with contextlib.closing(_connect(path, "ro")) as database:
        database.execute("PRAGMA cell_size_check = ON")
        _check_numbers(path, _number(database, "application_id"), _number(database, "user_version"))
        (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise corrupt(path, str(verdict))
        missing = _columns_of_version(_number(database, "user_version")) - _columns(database)
        if missing:
            table, column = min(missing)
            raise corrupt(path, f"its table {table} has no column {column}")


def _columns(database: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(
        database.execute(
            "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c "
            "WHERE t.type = 'table'"
        )
    )


def _columns_of_version(version: int) -> set[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as sample:
        for step in STEPS[:version]:
            for statement in step:
                sample.execute(statement)
        return _columns(sample)


def _number(database: sqlite3.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").fetchone()[0])


def _close_to_others(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if sys.platform != "win32" and mode & 0o077:
        log.warning("%s could be read by others (mode %03o); it is now 600", path, mode)
        path.chmod(0o600)


def _open_writable(path: Path) -> sqlite3.Connection:
    database = _connect(path, "rw")
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("PRAGMA cell_size_check = ON")
        if _number(database, "user_version") < len(STEPS):
            _upgrade(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _upgrade(database: sqlite3.Connection, path: Path | None) -> None:
    """Update the schema in one transaction, after a copy of the database.

    Args:
        database: The open database.
        path: Its file; None for a new one, of which no copy is made.

    Raises:
        StoreError: A step fails with the content of the database. Nothing was changed.
    """
    database.execute("BEGIN IMMEDIATE")
    try:
        # Read again: another process may have updated it while this one waited for the lock.
        version = _number(database, "user_version")
        if path is not None and version < len(STEPS):
            _copy(path, copy_before(path, version))
        try:
            for step in STEPS[version:]:
                for statement in step:
                    database.execute(statement)
        except sqlite3.OperationalError as error:
            if path is None or error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            raise _not_updated(path, version, error) from error
        except sqlite3.IntegrityError as error:
            if path is None:
                raise
            raise _not_updated(path, version, error) from error
        database.execute(f"PRAGMA user_version = {len(STEPS)}")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _copy(path: Path, copy: Path) -> None:
    """Copy the committed content of a database, its log included, to a file of mode 0600.

    The caller holds the lock for writing, so the copy has the state before the update.
    """
    temporary = temporary_name(copy)
    write_file(temporary, b"")
    try:
        with (
            contextlib.closing(_connect(path, "ro")) as source,
            contextlib.closing(_connect(temporary, "rw")) as target,
        ):
            source.backup(target)
        temporary.replace(copy)
        sync_directory(copy.parent)
    finally:
        for leftover in (temporary, _log_of(temporary), Path(f"{temporary}-shm")):
            leftover.unlink(missing_ok=True)
    log.info("copied the database to %s before its update", copy)


def _not_updated(path: Path, version: int, error: sqlite3.Error) -> StoreError:
    return StoreError(
        phrase(
            "the database {path} could not be updated from schema {version} to {known}: {error}",
            path=path,
            version=version,
            known=len(STEPS),
            error=error,
        ),
        hint=phrase(
            "nothing was changed in {name}; use the former version of jupyter-peer, and "
            "report this message",
            name=path.name,
        ),
        path=str(path),
    )
