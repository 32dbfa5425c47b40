"""`shardloom ledger follow`: entries as they are written, whoever writes them."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.command_line.output.terminal import print_json, print_line
from app.core.errors import LedgerError
from app.ledger.storage.places import open_storage_read_only
from app.ledger.storage.sql import JournalStorage, StorageError
from app.ledger.views.rows import journal_row
from app.ledger.views.snapshot import JournalRow
from app.rack.home import Home
from app.words.ledger import summary_text

WAIT_S = 1.0
"""A database tells at once; a file is looked at as often."""


def execute(arguments: argparse.Namespace) -> int:
    """Print what is written from now on. Raises `LedgerError` where the ledger is gone."""
    storage = open_storage_read_only(Home(arguments.home).ledger_place)
    try:
        storage.listen()
        known = _size(storage)
        while True:
            for row in _rows_after(storage, known):
                _print(row, as_json=arguments.json)
                known = row.sequence
            storage.wait_for_news(WAIT_S)
    except StorageError as error:
        raise LedgerError("ledger.file_damaged", reason=error.fact) from None
    finally:
        storage.close()


def _size(storage: JournalStorage) -> int:
    with storage.consistent_read():
        head = storage.head()
    return head.size if head else 0


def _rows_after(storage: JournalStorage, known: int) -> list[JournalRow]:
    with storage.consistent_read():
        return [journal_row(entry) for entry in storage.entries(known)]


def _print(row: JournalRow, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(row), "summary": summary_text(row), "code": row.summary.code})
    else:
        print_line(f"{row.sequence} {row.kind} {row.subject} {summary_text(row)}")
