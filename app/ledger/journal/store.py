"""Where the journal is kept: one SQLite file, one writer, any number of readers.

The only module that speaks SQL. Write-ahead log with full synchronisation: what was committed
survives a power cut. `transfers` and `balances` only repeat what the journal implies.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from app.core.errors import LedgerError, reason_of
from app.ledger.entry import Entry
from app.ledger.journal.head import SignedHead
from app.ledger.journal.schema import STATEMENTS, check_header
from app.ledger.rules.accounts import Posting

_BUSY_TIMEOUT_S = 5.0
_BEYOND_ANY = 2**63 - 1
"""SQLite's largest number."""
_HASH = re.compile(r"[0-9A-Fa-f]{6,64}")
"""What is looked for in hashes; less than six digits would be in many of them."""


class LedgerStore:
    """The tables of one ledger. Used from the thread that opened it only."""

    def __init__(self, connection: sqlite3.Connection, lock: FileLock | None) -> None:
        from sqlite_utils import Database  # noqa: PLC0415 - 0.1 s to load

        self._database = Database(connection)
        self._connection = connection
        self._lock = lock
        connection.create_function("casefold", 1, str.casefold, deterministic=True)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open for writing; a missing file is made, empty.

        Raises `LedgerError` for a newer format, another kind of file, or a ledger in use.
        """
        check_header(path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _lock(path)
        try:
            connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
            path.chmod(0o600)
            store = cls(connection, lock)
            store._run("PRAGMA foreign_keys = ON")
            store._run("PRAGMA synchronous = FULL")
        except (OSError, sqlite3.Error) as error:
            lock.release()
            raise _cannot_open(path, error) from None
        return store

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open an existing ledger to read it. Raises `LedgerError`."""
        if not path.is_file():
            raise LedgerError("ledger.none_there", path=str(path))
        check_header(path)
        address = f"{path.absolute().as_uri()}?mode=ro"
        try:
            return cls(sqlite3.connect(address, uri=True, isolation_level=None), None)
        except sqlite3.Error as error:
            raise _cannot_open(path, error) from None

    def close(self) -> None:
        """Close the file."""
        self._database.close()
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

        Raises `LedgerError` for a file that SQLite cannot make sense of.
        """
        try:
            self._run("BEGIN")
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise LedgerError("ledger.file_damaged", reason=reason) from None
        finally:
            self._connection.rollback()

    def is_empty(self) -> bool:
        """Say whether the tables are yet to be made. Raises `LedgerError`."""
        with self.consistent_read():
            return not self._rows("SELECT 1 FROM sqlite_master")

    def create_tables(self) -> None:
        """Make the tables; call inside the transaction that writes the first entry."""
        for statement in STATEMENTS:
            self._run(statement)

    def mark_format(self, number: int) -> None:
        """Let versions that cannot read this format refuse the file; call inside a transaction."""
        self._run(f"PRAGMA user_version = {number}")

    def use_write_ahead_log(self) -> None:
        """Let readers in while the writer writes."""
        self._run("PRAGMA journal_mode = WAL")

    def insert_entries(self, entries: Sequence[Entry]) -> None:
        """Append entries."""
        rows = (
            (
                entry.sequence,
                entry.wall_ms,
                entry.kind,
                entry.body,
                entry.previous_hash,
                entry.entry_hash,
            )
            for entry in entries
        )
        self._connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)", rows)

    def replace_head(self, head: SignedHead) -> None:
        """Put the head that covers the newest entry in place of the last one."""
        self._run(
            "INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?, ?)",
            (head.size, head.last_hash, head.root, head.signature),
        )

    def insert_transfers(self, transfers: Iterable[tuple[int, Posting]]) -> None:
        """Repeat transfers, each with its entry's sequence, for readers."""
        rows = (
            (transfer.id, sequence, transfer.debit, transfer.credit, transfer.amount)
            for sequence, transfer in transfers
        )
        self._connection.executemany("INSERT INTO transfers VALUES (?, ?, ?, ?, ?)", rows)

    def replace_balances(self, balances: Mapping[str, int]) -> None:
        """Repeat the balances that the newest transfers lead to, for readers."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO balances VALUES (?, ?)", balances.items()
        )

    def entries(self) -> Iterator[Entry]:
        """Return the entries from the first to the newest."""
        query = "SELECT sequence, wall_ms, kind, body, previous_hash, entry_hash FROM journal"
        return (Entry(*row) for row in self._database.execute(f"{query} ORDER BY sequence"))

    def entries_with(self, words: str) -> Iterator[Entry]:
        """Return the entries whose body has these words, the newest first."""
        query = "SELECT sequence, wall_ms, kind, body, previous_hash, entry_hash FROM journal"
        where = "WHERE instr(body, ?) > 0 ORDER BY sequence DESC"
        return (Entry(*row) for row in self._database.execute(f"{query} {where}", [words]))

    def entries_before(
        self, sequence: int | None, count: int, words: str, kinds: Collection[str]
    ) -> list[Entry]:
        """Return the newest entries older than one, or than any; the newest first.

        With `words` only those whose body has them in whatever case, those of that number or with
        that in the hexadecimal of their hash, and those of one of the `kinds`.
        """
        query = "SELECT sequence, wall_ms, kind, body, previous_hash, entry_hash FROM journal"
        matching, wanted = _matching(words, kinds) if words else ("TRUE", [])
        query = f"{query} WHERE sequence < ? AND ({matching}) ORDER BY sequence DESC LIMIT ?"
        values = [_BEYOND_ANY if sequence is None else sequence, *wanted, count]
        return [Entry(*row) for row in self._database.execute(query, values)]

    def entry_hashes(self, start: int, end: int) -> list[bytes]:
        """Return the hashes of the entries from `start`, counted from 0, to before `end`.

        Raises `LedgerError` where there are not so many.
        """
        query = "SELECT entry_hash FROM journal WHERE sequence BETWEEN ? AND ? ORDER BY sequence"
        rows = self._database.execute(query, (start + 1, end)).fetchall()
        if len(rows) != end - start:
            raise LedgerError("ledger.entries_missing", count=end - start - len(rows))
        return [row[0] for row in rows]

    def head(self) -> SignedHead | None:
        """Return the head, None where there is not exactly one."""
        rows = self._rows("SELECT size, last_hash, root, signature FROM head")
        return SignedHead(*rows[0]) if len(rows) == 1 else None

    def head_after_failure(self) -> SignedHead | None:
        """Return the head on the disk after a commit that failed; it may have been written.

        Raises `sqlite3.Error` where that cannot be told yet.
        """
        self._connection.rollback()
        return self.head()

    def transfers(self) -> Iterator[tuple[int, Posting]]:
        """Return every transfer with its entry's sequence."""
        query = "SELECT sequence, id, debit, credit, amount FROM transfers"
        return ((row[0], Posting(*row[1:])) for row in self._database.execute(query))

    def balances(self) -> dict[str, int]:
        """Return the balance of every account, in micro-credits."""
        return dict(self._rows("SELECT account, amount FROM balances"))

    def damage(self) -> str:
        """Return what SQLite finds wrong with the file, nothing where it is sound."""
        findings = [row[0] for row in self._rows("PRAGMA integrity_check(1)")]
        return "" if findings == ["ok"] else " ".join(str(findings[0]).split())

    def _run(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._database.execute(statement, values)

    def _rows(self, query: str) -> list[Any]:
        return list(self._database.execute(query).fetchall())


def _matching(words: str, kinds: Collection[str]) -> tuple[str, list[int | str]]:
    """Return the condition of a search, and what its marks stand for.

    SQLite's own `lower` knows ASCII alone and is the faster one.
    """
    fold = "lower" if words.isascii() else "casefold"
    conditions = [f"instr({fold}(body), ?) > 0", f"kind IN ({', '.join('?' * len(kinds))})"]
    values: list[int | str] = [words.casefold(), *kinds]
    if words.isascii() and words.isdecimal():
        conditions.append("CAST(sequence AS TEXT) = ?")
        values.append(words.lstrip("0"))
    if _HASH.fullmatch(words):
        conditions.append("instr(hex(entry_hash), ?) > 0")
        values.append(words.upper())
    return " OR ".join(conditions), values


def _lock(path: Path) -> FileLock:
    lock = FileLock(path.with_name(path.name + ".lock"), 0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise LedgerError("ledger.in_use", path=str(path)) from None
    return lock


def _cannot_open(path: Path, error: OSError | sqlite3.Error) -> LedgerError:
    return LedgerError("ledger.cannot_open", path=str(path), reason=reason_of(error))
