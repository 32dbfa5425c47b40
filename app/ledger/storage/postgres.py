"""A journal in PostgreSQL: several control centres share it, one at a time writes.

Who writes holds a lease with a fence: a number that grows with each holder. Every commit locks the
lease's row, looks whether the fence is still its own and puts the lease off, all in the transaction
that writes: whoever lost the lease, however late it finds out, writes nothing more (Gray and
Cheriton, "Leases", 1989; the fence as in Burrows, "The Chubby lock service", 2006).
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, LiteralString, Self, cast

import psycopg
from psycopg import errors, sql
from psycopg.pq import TransactionStatus

from app.core.errors import LedgerError
from app.core.facts import Fact
from app.ledger.entry import FORMAT_VERSION
from app.ledger.head import SignedHead
from app.ledger.storage.addresses import DatabasePlace
from app.ledger.storage.postgres_schema import STATEMENTS
from app.ledger.storage.sql import JournalStorage, StorageError, StoredBatch
from app.ledger.storage.sqlite import copy_into

LEASE_S: Final = 15
"""After so long without a word from who writes, another may."""
CHANNEL: Final = "shardloom_ledger"
"""Where the size of the journal is told after each commit."""
_CONNECT_TIMEOUT_S: Final = 5
_STATEMENT_TIMEOUT_MS: Final = 30_000
_ROWS_AT_A_TIME: Final = 1000
_SETTINGS: Final = (
    "SET synchronous_commit = on",
    f"SET statement_timeout = {_STATEMENT_TIMEOUT_MS}",
    f"SET lock_timeout = {_STATEMENT_TIMEOUT_MS}",
    f"SET idle_in_transaction_session_timeout = {LEASE_S * 1000}",
)


class PostgresStorage(JournalStorage):
    """The tables of one ledger. Used from the thread that opened it only."""

    def __init__(self, place: DatabasePlace, *, writes: bool) -> None:
        self._place = place
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        self._writes = writes
        self._fence = 0
        self._connection = _connected(place)

    @classmethod
    def open(cls, place: DatabasePlace) -> Self:
        """Open for writing: take the lease. Tables are made with the first entry.

        Raises `LedgerError` where the database cannot be reached, is of a newer format, or another
        control centre writes.
        """
        storage = cls(place, writes=True)
        try:
            storage._prepare_lease()
            storage._check_format()
            storage._take_lease()
        except psycopg.Error as error:
            storage._connection.close()
            raise _cannot_open(place, error) from None
        except LedgerError:
            storage._connection.close()
            raise
        return storage

    @classmethod
    def open_read_only(cls, place: DatabasePlace) -> Self:
        """Open an existing ledger to read it. Raises `LedgerError`."""
        storage = cls(place, writes=False)
        try:
            storage._check_there()
            storage._check_format()
        except psycopg.Error as error:
            storage._connection.close()
            raise _cannot_open(place, error) from None
        except LedgerError:
            storage._connection.close()
            raise
        return storage

    def close(self) -> None:
        """Give the lease back, so that another may write at once; let go of the connection."""
        if self._fence:
            with suppress(psycopg.Error):
                self._run(
                    "UPDATE lease SET until = clock_timestamp() WHERE holder = ? AND fence = ?",
                    (self._holder, self._fence),
                )
            self._fence = 0
        self._connection.close()

    def renew(self) -> None:
        """Put the lease off while nothing is written. Raises `StorageError` where it is lost."""
        with self._told(), self.transaction():
            self._hold_lease()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything written inside, or nothing."""
        with self._connection.transaction():
            yield

    @contextmanager
    def consistent_read(self) -> Iterator[None]:
        """Read one moment of the ledger. Raises `LedgerError` where it cannot be read."""
        try:
            self._run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
        except psycopg.Error as error:
            raise LedgerError("ledger.file_damaged", reason=failure_fact(error)) from None
        finally:
            with suppress(psycopg.Error):
                self._run("ROLLBACK")

    def is_empty(self) -> bool:
        """Say whether the tables are yet to be made. Raises `LedgerError`."""
        with self.consistent_read():
            return not self._has_table("journal")

    def prepare_writing(self) -> None:
        """Nothing is to be done: tables are made whole with the first entry."""

    def append(self, batch: StoredBatch) -> None:
        """Write a batch in one commit, under the lease. Raises `StorageError`."""
        with self._told(), self.transaction():
            self._hold_lease()
            if batch.entries and batch.entries[0].sequence == 1:
                for statement in STATEMENTS:
                    self._run(statement)
            if batch.format is not None:
                self._run("UPDATE lease SET format = ?", [batch.format])
            self._write(batch)
            self._run("SELECT pg_notify(?, ?)", (CHANNEL, str(batch.head.size)))

    def head_after_failure(self) -> SignedHead | None:
        """Return the head that is kept, over a new connection where the old one is gone.

        Raises `StorageError` also where the lease was lost: what is kept may be another's.
        """
        with self._told():
            if self._connection.closed or self._connection.broken:
                self._connection.close()
                try:
                    self._connection = _connected(self._place)
                except LedgerError as error:
                    raise StorageError(error.fact) from error
            if self._connection.info.transaction_status is not TransactionStatus.IDLE:
                self._run("ROLLBACK")
            with self.transaction():
                self._hold_lease()
                return self.head() if self._has_table("journal") else None

    def damage(self) -> str:
        """Return nothing: PostgreSQL checks its pages itself, as they are read."""
        return ""

    def back_up(self, path: Path) -> None:
        """Copy one moment of the ledger into a new file of SQLite. Raises `LedgerError`."""
        with self.consistent_read():
            copy_into(path, self)

    def wait_for_news(self, timeout_s: float) -> bool:
        """Return whether something was written since `listen` or the last call, within a time.

        Raises `StorageError`.
        """
        with self._told():
            return any(True for _ in self._connection.notifies(timeout=timeout_s, stop_after=1))

    def listen(self) -> None:
        """Begin to hear of what is written. Raises `StorageError`."""
        with self._told():
            self._run(f"LISTEN {CHANNEL}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise StorageError(failure_fact(error)) from error

    def _prepare_lease(self) -> None:
        with suppress(errors.UniqueViolation, errors.DuplicateTable):  # two begin at once
            self._run(
                "CREATE TABLE IF NOT EXISTS lease (id integer PRIMARY KEY CHECK (id = 1),"
                " holder text NOT NULL, fence bigint NOT NULL, until timestamptz NOT NULL,"
                " format integer NOT NULL)"
            )
        self._run(
            "INSERT INTO lease VALUES (1, '', 0, clock_timestamp(), 0) ON CONFLICT DO NOTHING"
        )

    def _take_lease(self) -> None:
        rows = self._rows(
            "UPDATE lease SET holder = ?, fence = fence + 1,"
            " until = clock_timestamp() + make_interval(secs => ?)"
            " WHERE until <= clock_timestamp() RETURNING fence",
            (self._holder, LEASE_S),
        )
        if not rows:
            held = self._rows("SELECT holder FROM lease")
            raise LedgerError(
                "ledger.lease_held",
                path=str(self._place),
                holder=str(held[0][0]).partition(":")[0],
                seconds=LEASE_S,
            )
        self._fence = rows[0][0]

    def _hold_lease(self) -> None:
        """Lock the lease's row and put the lease off; call inside a transaction.

        An expired lease that nobody else took is still ours: only a new fence ends it.
        """
        rows = self._rows(
            "UPDATE lease SET until = clock_timestamp() + make_interval(secs => ?)"
            " WHERE holder = ? AND fence = ? RETURNING fence",
            (LEASE_S, self._holder, self._fence),
        )
        if not rows:
            raise StorageError(Fact("storage.lease_lost"))

    def _check_there(self) -> None:
        if not self._has_table("journal"):
            raise LedgerError("ledger.none_there", path=str(self._place))

    def _check_format(self) -> None:
        if not self._has_table("lease"):
            return
        rows = self._rows("SELECT format FROM lease")
        if rows and rows[0][0] > FORMAT_VERSION:
            raise LedgerError(
                "ledger.newer_format",
                path=str(self._place),
                format=rows[0][0],
                known=FORMAT_VERSION,
            )

    def _has_table(self, name: str) -> bool:
        return self._rows("SELECT to_regclass(?) IS NOT NULL", [name])[0][0] is True

    def _run(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(_query(statement), values)

    def _run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            with self._connection.cursor() as cursor:
                cursor.executemany(_query(statement), rows)

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._connection.execute(_query(query), values).fetchall()

    def _stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        cursor = self._connection.cursor(name=f"rows_{secrets.token_hex(4)}")
        cursor.itersize = _ROWS_AT_A_TIME
        with cursor:
            cursor.execute(_query(query), values)
            yield from cursor

    def _containing(self, column: str, text: str, *, fold: bool) -> str:
        """Return the condition; the text was folded by whoever asks."""
        del text
        return f"strpos({f'lower({column})' if fold else column}, ?) > 0"

    def _hexadecimal(self, column: str) -> str:
        return f"upper(encode({column}, 'hex'))"


def failure_fact(error: psycopg.Error) -> Fact:
    """Return what went wrong with a database, as people can act on it."""
    match error:
        case errors.DiskFull():
            return Fact("storage.disk_full")
        case errors.ReadOnlySqlTransaction() | errors.InsufficientPrivilege():
            return Fact("storage.read_only")
        case errors.DataCorrupted() | errors.IndexCorrupted():
            return Fact("storage.damaged_page")
        case errors.UniqueViolation():
            return Fact("storage.written_by_another")
        case errors.QueryCanceled() | errors.LockNotAvailable():
            return Fact("storage.in_use")
        case errors.AdminShutdown() | errors.CannotConnectNow() | errors.CrashShutdown():
            return Fact("storage.gone")
        case psycopg.OperationalError() if error.sqlstate is None:
            return Fact("storage.gone")
        case _:
            return Fact("storage.failed", reason=" ".join(str(error).split()))


def _connected(place: DatabasePlace) -> psycopg.Connection[Any]:
    """Return a connection that commits by itself. Raises `LedgerError`."""
    try:
        connection = psycopg.connect(
            place.address, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S
        )
        for setting in _SETTINGS:
            connection.execute(_query(setting))
    except (psycopg.Error, UnicodeError, ValueError) as error:
        raise _cannot_open(place, error) from None
    return connection


def _cannot_open(place: DatabasePlace, error: Exception) -> LedgerError:
    reason = failure_fact(error) if isinstance(error, psycopg.Error) else Fact("storage.gone")
    return LedgerError("ledger.cannot_open", path=str(place), reason=reason)


def _query(statement: str) -> sql.SQL:
    """Return a statement with psycopg's marks; it is one of ours, no part comes from outside."""
    return sql.SQL(cast(LiteralString, statement.replace("?", "%s")))  # type: ignore[redundant-cast]
