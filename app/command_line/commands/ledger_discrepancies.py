"""`shardloom ledger discrepancies`: receipts that phones keep and the journal has not, and back."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

from app.command_line.options import rack_options
from app.command_line.output.progress import shown_progress
from app.command_line.output.terminal import print_fact, print_json, print_table, right, translated
from app.command_line.rack_session import found_rack
from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.ledger.views.discrepancy_rows import ContradictionRow, Discrepancies, ReceiptRow
from app.rack.commands import CompareReceipts
from app.words.catalogue import message, tr
from app.words.pages.receipts import contradiction_word, discrepancy_facts

COMPARE_LIMIT_S: Final = 300.0
RECEIPTS: Final = (
    message("phone"),
    message("transaction"),
    right(message("stage")),
    right(message("number")),
    right(message("entry")),
    message("kept by"),
)
CONTRADICTIONS: Final = (
    message("who signed"),
    message("what"),
    right(message("number")),
    message("key"),
)
SHOWN: Final = 20
_KEY_DIGITS: Final = 16


def execute(arguments: argparse.Namespace) -> int:
    """Ask the phones, print what differs; the exit status is 1 where anything does."""
    with found_rack(rack_options(arguments)) as session, shown_progress(session):
        session.wait_until_ready()
        found = session.control.do(CompareReceipts()).result(COMPARE_LIMIT_S)
    if arguments.out is not None:
        _write(arguments.out, found)
    if arguments.json:
        print_json({**asdict(found), "even": found.even})
    else:
        _print(found)
        if arguments.out is not None:
            print_fact(Fact("replicas.written", path=str(arguments.out)))
    return 0 if found.even else 1


def _print(found: Discrepancies) -> None:
    for fact in discrepancy_facts(found):
        print_fact(fact)
    for rows, title in (
        (found.only_phones, tr("With phones, not in the journal")),
        (found.only_journal, tr("In the journal, with no phone")),
    ):
        if rows:
            print_table(translated(RECEIPTS), [_row(each) for each in rows[:SHOWN]], title=title)
    if found.contradictions:
        lies = [_lie(each) for each in found.contradictions[:SHOWN]]
        print_table(translated(CONTRADICTIONS), lies, title=tr("Contradictions"))


def _row(row: ReceiptRow) -> list[str]:
    entry = str(row.entry) if row.entry else ""
    named = [row.serial, row.transaction, str(row.stage), str(row.sequence)]
    return [*named, entry, ", ".join(row.phones)]


def _lie(row: ContradictionRow) -> list[str]:
    who = row.serial or tr("this computer")
    return [who, contradiction_word(row), str(row.number), row.signer[:_KEY_DIGITS]]


def _write(path: Path, found: Discrepancies) -> None:
    """Write both sides of each contradiction: with the key they convince anybody."""
    told = {"contradictions": [asdict(each) for each in found.contradictions]}
    try:
        path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        reason = reason_of(error)
        raise BadInputError("file.unwritable", path=str(path), reason=reason) from None
