"""`shardloom ledger show`: phones' accounts, slashes and the newest entries."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import UTC, datetime

from app.command_line.output.terminal import print_json, print_line, print_table
from app.core.clock import SystemClock
from app.core.identifiers import Serial
from app.ledger.views.export import read_snapshot, read_standings
from app.ledger.views.snapshot import JournalRow, LedgerSnapshot, PhoneStanding, SlashRow
from app.rack.home import Home
from app.words.ledger import offence_text
from app.words.sentences import sentence
from app.words.states import credits_words

NEWEST = 20
PHONE_HEADINGS = (
    "phone",
    ">stake",
    ">earned",
    ">slashed",
    ">reputation",
    ">audits",
    "jailed until",
)
SLASH_HEADINGS = (">entry", "when", "phone", ">amount", "reason")
JOURNAL_HEADINGS = (">entry", "when", "kind", "subject", "what")


def execute(arguments: argparse.Namespace) -> int:
    """Print the ledger's newest end; nothing is checked beyond what reading it needs."""
    path = Home(arguments.home).ledger_file
    standings = read_standings(path, SystemClock().wall_ms())
    snapshot = read_snapshot(path)
    if arguments.json:
        phones = {serial: asdict(standing) for serial, standing in standings.items()}
        journal = [_row_report(row) for row in snapshot.journal]
        print_json({**asdict(snapshot), "journal": journal, "phones": phones})
    else:
        _print(snapshot, standings)
    return 0


def _row_report(row: JournalRow) -> dict[str, object]:
    told = {"summary": sentence(row.summary), "code": row.summary.code}
    return {**asdict(row), **told}


def _print(snapshot: LedgerSnapshot, standings: dict[Serial, PhoneStanding]) -> None:
    treasury = credits_words(snapshot.treasury)
    print_line(f"{snapshot.entries} entries, head {snapshot.head_hash}, treasury {treasury}")
    print_table(PHONE_HEADINGS, [_phone(*each) for each in standings.items()], title="Phones")
    slashes = [
        [
            str(row.sequence),
            _when(row.wall_ms),
            row.serial,
            credits_words(row.amount),
            offence_text(row.reason),
        ]
        for row in snapshot.slashes
    ]
    if slashes:
        print_table(SLASH_HEADINGS, slashes, title="Slashes")
    newest = [_entry(row) for row in snapshot.journal[-NEWEST:]]
    print_table(JOURNAL_HEADINGS, newest, title=f"Journal, newest {len(newest)}")


def _slash(row: SlashRow) -> list[str]:
    amount, offence = credits_words(row.amount), offence_text(row.reason)
    return [str(row.sequence), _when(row.wall_ms), row.serial, amount, offence]


def _phone(serial: Serial, standing: PhoneStanding) -> list[str]:
    jailed = standing.jailed_until_ms
    return [
        serial,
        credits_words(standing.stake),
        credits_words(standing.balance),
        credits_words(standing.slashed),
        f"{standing.reputation:.2f}",
        _audits(standing),
        "" if jailed is None else _when(jailed),
    ]


def _audits(standing: PhoneStanding) -> str:
    deviating = standing.audits_deviating
    between = f"{deviating} deviating, " if deviating else ""
    return f"{standing.audits_passed} passed, {between}{standing.audits_failed} failed"


def _entry(row: JournalRow) -> list[str]:
    return [str(row.sequence), _when(row.wall_ms), row.kind, row.subject, sentence(row.summary)]


def _when(wall_ms: int) -> str:
    return datetime.fromtimestamp(wall_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
