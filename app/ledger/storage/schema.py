"""The ledger's tables, and the check that a file is one of ours before it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from app.core.errors import LedgerError, reason_of
from app.ledger.entry import FORMAT_VERSION

_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_USER_VERSION: Final = slice(60, 64)
"""Where SQLite keeps `user_version`, big-endian (file format, section 1.3)."""

STATEMENTS: Final = (
    """CREATE TABLE journal (
        sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
        wall_ms INTEGER NOT NULL CHECK (wall_ms >= 0),
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        previous_hash BLOB NOT NULL CHECK (length(previous_hash) = 32),
        entry_hash BLOB NOT NULL UNIQUE CHECK (length(entry_hash) = 32)
    ) STRICT""",
    """CREATE TRIGGER journal_never_changes BEFORE UPDATE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    """CREATE TRIGGER journal_never_shrinks BEFORE DELETE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    """CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        size INTEGER NOT NULL CHECK (size > 0),
        last_hash BLOB NOT NULL CHECK (length(last_hash) = 32),
        root BLOB NOT NULL CHECK (length(root) = 32),
        signature BLOB NOT NULL CHECK (length(signature) = 64)
    ) STRICT""",
    """CREATE TABLE transfers (
        id TEXT NOT NULL PRIMARY KEY,
        sequence INTEGER NOT NULL REFERENCES journal (sequence),
        debit TEXT NOT NULL,
        credit TEXT NOT NULL CHECK (credit <> debit),
        amount INTEGER NOT NULL CHECK (amount > 0)
    ) STRICT""",
    """CREATE TRIGGER transfers_never_change BEFORE UPDATE ON transfers
        BEGIN SELECT RAISE(ABORT, 'transfers never change'); END""",
    """CREATE TRIGGER transfers_never_vanish BEFORE DELETE ON transfers
        BEGIN SELECT RAISE(ABORT, 'transfers never change'); END""",
    """CREATE TABLE balances (
        account TEXT NOT NULL PRIMARY KEY,
        amount INTEGER NOT NULL,
        CHECK (amount >= 0 OR account = 'mint')
    ) STRICT""",
)

LATER_STATEMENTS: Final = (
    """CREATE TABLE IF NOT EXISTS snapshot (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        content BLOB NOT NULL,
        signature BLOB NOT NULL CHECK (length(signature) = 64)
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS snapshot_parts (
        number INTEGER PRIMARY KEY CHECK (number > 0),
        content BLOB NOT NULL
    ) STRICT""",
    """CREATE INDEX IF NOT EXISTS journal_slashes ON journal (sequence) WHERE kind = 'slashed'""",
    """CREATE INDEX IF NOT EXISTS transfers_in_order ON transfers (sequence)""",
)
"""What files of earlier versions lack: it only helps to open and read them sooner."""


def check_header(path: Path) -> None:
    """Refuse a file that is not a ledger this version can read, without opening it as one.

    A missing or empty file is fine. Raises `LedgerError`.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LedgerError("ledger.unreadable", path=str(path), reason=reason_of(error)) from None
    if not header:
        return
    version = int.from_bytes(header[_USER_VERSION], "big")
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC) or version == 0:
        raise LedgerError("ledger.no_ledger", path=str(path))
    if version > FORMAT_VERSION:
        raise LedgerError(
            "ledger.newer_format", path=str(path), format=version, known=FORMAT_VERSION
        )
