"""Opening a ledger wherever it is kept."""

from __future__ import annotations

from pathlib import Path

from app.ledger.storage.addresses import LedgerPlace
from app.ledger.storage.sql import JournalStorage
from app.ledger.storage.sqlite import SqliteStorage


def open_storage(place: LedgerPlace) -> JournalStorage:
    """Open a ledger for writing; one that is missing is made, empty. Raises `LedgerError`.

    It is written by one at a time.
    """
    if isinstance(place, Path):
        return SqliteStorage.open(place)
    from app.ledger.storage.postgres import PostgresStorage  # noqa: PLC0415 - psycopg loads slowly

    return PostgresStorage.open(place)


def open_storage_read_only(place: LedgerPlace) -> JournalStorage:
    """Open an existing ledger to read it. Raises `LedgerError`."""
    if isinstance(place, Path):
        return SqliteStorage.open_read_only(place)
    from app.ledger.storage.postgres import PostgresStorage  # noqa: PLC0415 - psycopg loads slowly

    return PostgresStorage.open_read_only(place)
