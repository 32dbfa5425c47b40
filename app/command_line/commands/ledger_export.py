"""`shardloom ledger export`: every entry, as one JSON object, JSON Lines or CSV."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys

from app.command_line.output.terminal import print_json
from app.ledger.entry import Entry
from app.ledger.storage.addresses import LedgerPlace
from app.ledger.views.export import (
    CSV_COLUMNS,
    entry_report,
    entry_row,
    export_ledger,
    read_through,
)
from app.rack.home import Home


def execute(arguments: argparse.Namespace) -> int:
    """Print the ledger. Lines come as entries are read, each checked before it is printed.

    Raises `LedgerError` with the first thing that is wrong.
    """
    place = Home(arguments.home).ledger_place
    try:
        _print(place, arguments.format)
    except BrokenPipeError:  # whoever reads it has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _print(place: LedgerPlace, form: str) -> None:
    match form:
        case "jsonl":
            read_through(place, _print_line)
        case "csv":
            writer = csv.writer(sys.stdout)
            writer.writerow(CSV_COLUMNS)

            def write(entry: Entry) -> None:
                writer.writerow(entry_row(entry))

            read_through(place, write)
        case _:
            print_json(export_ledger(place))


def _print_line(entry: Entry) -> None:
    sys.stdout.write(json.dumps(entry_report(entry), ensure_ascii=False) + "\n")
