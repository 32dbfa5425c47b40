"""A journal in one SQLite file: one writer, any number of readers.

Write-ahead log with full synchronisation: what was committed survives a power cut.
"""

from __future__ import annotations

import errno
import itertools
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self, cast

from filelock import FileLock, Timeout

from app.core.errors import LedgerError, reason_of
from app.core.facts import Fact
from app.ledger.entry import FORMAT_VERSION
from app.ledger.head import SignedHead
from app.ledger.storage.schema import LATER_STATEMENTS, STATEMENTS, check_header
from app.ledger.storage.sql import JournalStorage, StorageError, StoredBatch, StoredSnapshot

_BUSY_TIMEOUT_S = 5.0
_ENTRIES_A_COPY = 10_000
_PAGES_A_STEP = 4096
"""Of a copy: the writer gets its turn in between."""
_NO_DAMAGE: Final = frozenset(
    {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    | {sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM}
)
"""Why a sound file may not be readable."""


class SqliteStorage(JournalStorage):
    """The tables of one ledger. Used from the thread that opened it only."""

    def __init__(self, connection: sqlite3.Connection, lock: FileLock | None) -> None:
        from sqlite_utils import Database  # noqa: PLC0415 - 0.1 s to load

        self._database = Database(connection)  # triggers hold against INSERT OR REPLACE too
        self._connection = connection
        self._lock = lock
        self._database.register_function(str.casefold, deterministic=True, name="casefold")

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open for writing; a missing file is made, empty.

        Raises `LedgerError` for a newer format, another kind of file, or a ledger in use.
        """
        check_header(path)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _lock(path)
        except OSError as error:
            raise _cannot_open(path, error) from None
        try:
            connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
            path.chmod(0o600)
            storage = cls(connection, lock)
            storage._run("PRAGMA foreign_keys = ON")
            storage._run("PRAGMA synchronous = FULL")
        except (OSError, sqlite3.Error) as error:
            lock.release()
            raise _cannot_open(path, error) from None
        return storage

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open an existing ledger to read it. Raises `LedgerError`."""
        if not path.is_file():
            raise LedgerError("ledger.none_there", path=str(path))
        check_header(path)
        try:
            _undo_interrupted(path)
            mode = "ro&immutable=1" if _never_changes(path) else "ro"
            return cls(_connected(path, mode), None)
        except (OSError, sqlite3.Error) as error:
            raise _cannot_open(path, error) from None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything written inside, or nothing."""
        self._run("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise

    @contextmanager
    def consistent_read(self) -> Iterator[None]:
        """Read one moment of the ledger, whatever is written meanwhile.

        Raises `LedgerError` for a file that SQLite cannot make sense of, or cannot read now.
        """
        try:
            self._run("BEGIN")
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_DAMAGE:
                reason = failure_fact(cast(sqlite3.Error, error))
                raise LedgerError("ledger.read_failed", reason=reason) from None
            told = " ".join(str(error).split())
            raise LedgerError("ledger.file_damaged", reason=told) from None
        finally:
            with suppress(sqlite3.Error):
                self._connection.rollback()

    def is_empty(self) -> bool:
        """Say whether the tables are yet to be made. Raises `LedgerError`."""
        with self.consistent_read():
            return not self._database.table_names()

    def prepare_writing(self) -> None:
        """Let readers in while the writer writes, and add the tables that older files lack.

        Raises `StorageError`.
        """
        try:
            self._run("PRAGMA journal_mode = WAL")
            for statement in LATER_STATEMENTS:
                self._run(statement)
        except sqlite3.Error as error:
            raise StorageError(failure_fact(error)) from error

    def append(self, batch: StoredBatch) -> None:
        """Write a batch in one commit. Raises `StorageError`."""
        try:
            with self.transaction():
                if batch.entries and batch.entries[0].sequence == 1:
                    for statement in (*STATEMENTS, *LATER_STATEMENTS):
                        self._run(statement)
                if batch.format is not None:
                    # versions that cannot read this format refuse the file by it
                    self._run(f"PRAGMA user_version = {batch.format}")
                self._write(batch)
        except sqlite3.Error as error:
            raise StorageError(failure_fact(error)) from error

    def head_after_failure(self) -> SignedHead | None:
        """Return the head on the disk after a commit that failed. Raises `StorageError`."""
        try:
            self._connection.rollback()
            return self.head()
        except sqlite3.Error as error:
            raise StorageError(failure_fact(error)) from error

    def snapshot(self) -> StoredSnapshot | None:
        """Return the newest snapshot, none in a file older than they are."""
        if "snapshot" not in self._database.table_names():
            return None
        return super().snapshot()

    def damage(self) -> str:
        """Return what SQLite finds wrong with the file, nothing where it is sound."""
        findings = [row[0] for row in self._rows("PRAGMA integrity_check(1)")]
        return "" if findings == ["ok"] else " ".join(str(findings[0]).split())

    def back_up(self, path: Path) -> None:
        """Copy one moment of the ledger into a new file, page by page (SQLite's backup API)."""
        try:
            path.touch(mode=0o600, exist_ok=False)
            copy = sqlite3.connect(path, isolation_level=None)
            try:
                self._connection.backup(copy, pages=_PAGES_A_STEP)
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
        except FileExistsError:
            raise LedgerError("ledger.file_is_there", path=str(path)) from None
        except OSError as error:
            raise LedgerError(
                "ledger.copy_unwritten", path=str(path), reason=reason_of(error)
            ) from None
        except sqlite3.Error as error:
            path.unlink(missing_ok=True)
            raise LedgerError(
                "ledger.copy_unwritten", path=str(path), reason=failure_fact(error)
            ) from None

    def _run(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(statement, values)

    def _run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(statement, rows)

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        return list(self._connection.execute(query, values).fetchall())

    def _stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        return iter(self._connection.execute(query, values))

    def _containing(self, column: str, text: str, *, fold: bool) -> str:
        """Return the condition; SQLite's own `lower` knows ASCII alone and is the faster one."""
        if not fold:
            return f"instr({column}, ?) > 0"
        return f"instr({'lower' if text.isascii() else 'casefold'}({column}), ?) > 0"

    def _hexadecimal(self, column: str) -> str:
        return f"hex({column})"


def copy_into(path: Path, storage: JournalStorage) -> None:
    """Write what a storage holds into a new file; call inside its `consistent_read`.

    Raises `LedgerError` where the file is there already or cannot be written.
    """
    if path.exists():
        raise LedgerError("ledger.file_is_there", path=str(path))
    if not path.parent.is_dir():
        reason = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        raise LedgerError("ledger.copy_unwritten", path=str(path), reason=reason_of(reason))
    head, entries, transfers = storage.head(), storage.entries(), storage.transfers()
    if head is None:
        raise LedgerError("head.none")
    copy = SqliteStorage.open(path)
    try:
        balances, waiting = storage.balances(), next(transfers, None)
        while together := list(itertools.islice(entries, _ENTRIES_A_COPY)):
            theirs = []
            while waiting is not None and waiting[0] <= together[-1].sequence:
                theirs.append(waiting)
                waiting = next(transfers, None)
            last = together[-1].sequence == head.size
            number = FORMAT_VERSION if together[0].sequence == 1 else None
            copy.append(StoredBatch(together, head, theirs, balances if last else {}, number))
    except StorageError as error:
        path.unlink()
        raise LedgerError("ledger.copy_unwritten", path=str(path), reason=error.fact) from None
    finally:
        copy.close()
        path.with_name(f"{path.name}.lock").unlink(missing_ok=True)


def failure_fact(error: sqlite3.Error) -> Fact:
    """Return what went wrong with a file, as people can act on it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    match code:
        case sqlite3.SQLITE_FULL:
            return Fact("storage.disk_full")
        case sqlite3.SQLITE_READONLY:
            return Fact("storage.read_only")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Fact("storage.damaged_page")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return Fact("storage.not_allowed")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Fact("storage.in_use")
        case _:
            return Fact("storage.failed", reason=" ".join(str(error).split()))


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None)


def _undo_interrupted(path: Path) -> None:
    """Let SQLite take back what a power cut broke off; a reader alone may not.

    Raises `LedgerError` where nobody may write there.
    """
    whole = path.resolve()
    journal = whole.with_name(f"{whole.name}-journal")
    if not journal.is_file() or not journal.stat().st_size:
        return
    with closing(_connected(path, "rw")) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF not in _NO_DAMAGE:
                return  # whoever reads it says what is wrong
            raise LedgerError(
                "ledger.cannot_open", path=str(path), reason=Fact("storage.interrupted")
            ) from None


def _never_changes(path: Path) -> bool:
    """Tell whether it lies, whole, where nothing is written: SQLite needs no files beside it."""
    is_fixed = os.statvfs(path).f_flag & os.ST_RDONLY
    whole = path.resolve()
    return bool(is_fixed) and not whole.with_name(f"{whole.name}-wal").exists()


def _lock(path: Path) -> FileLock:
    lock = FileLock(path.with_name(path.name + ".lock"), 0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise LedgerError("ledger.in_use", path=str(path)) from None
    return lock


def _cannot_open(path: Path, error: OSError | sqlite3.Error) -> LedgerError:
    reason = failure_fact(error) if isinstance(error, sqlite3.Error) else reason_of(error)
    return LedgerError("ledger.cannot_open", path=str(path), reason=reason)
