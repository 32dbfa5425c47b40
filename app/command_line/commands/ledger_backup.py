"""`shardloom ledger backup FILE`: one moment of the ledger in a file of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.command_line.output.terminal import print_fact, print_json
from app.core.errors import LedgerError
from app.core.facts import Fact
from app.ledger.storage.places import open_storage_read_only
from app.rack.home import Home


def execute(arguments: argparse.Namespace) -> int:
    """Write the copy. Raises `LedgerError` where it is there already or cannot be written."""
    path: Path = arguments.file
    entries = _copied(Home(arguments.home), path)
    if arguments.json:
        print_json({"path": str(path), "entries": entries})
    else:
        print_fact(Fact("ledger.backed_up", entries=entries, path=str(path)))
    return 0


def _copied(home: Home, path: Path) -> int:
    storage = open_storage_read_only(home.ledger_place)
    try:
        storage.back_up(path)
    finally:
        storage.close()
    copy = open_storage_read_only(path)
    try:
        with copy.consistent_read():
            head = copy.head()
    finally:
        copy.close()
    if head is None:
        raise LedgerError("head.none")
    return head.size
