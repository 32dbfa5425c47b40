"""`shardloom ledger show`: phones' accounts, slashes and the newest entries."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from app.command_line.output.terminal import print_fact, print_json, print_table, right, translated
from app.core.clock import SystemClock
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.ledger.views.export import read_snapshot, read_standings
from app.ledger.views.snapshot import JournalRow, LedgerSnapshot, PhoneStanding, SlashRow
from app.rack.home import Home
from app.words.catalogue import message, tr
from app.words.ledger import offence_text, summary_text
from app.words.phones.canaries import canaries_text
from app.words.sentences import sentence
from app.words.states import credits_words
from app.words.terminal import audits_text

NEWEST = 20
PHONE_HEADINGS: Final = (
    message("phone"),
    right(message("stake")),
    right(message("earned")),
    right(message("slashed")),
    right(message("reputation")),
    right(message("audits")),
    right(message("canaries")),
    message("jailed until"),
)
SLASH_HEADINGS: Final = (
    right(message("entry")),
    message("when"),
    message("phone"),
    right(message("amount")),
    message("reason"),
)
JOURNAL_HEADINGS: Final = (
    right(message("entry")),
    message("when"),
    message("kind"),
    message("subject"),
    message("what"),
)


def execute(arguments: argparse.Namespace) -> int:
    """Print the ledger's newest end; nothing is checked beyond what reading it needs."""
    path = Home(arguments.home).ledger_place
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
    told = {"summary": summary_text(row), "code": row.summary.code}
    return {**asdict(row), **told}


def _print(snapshot: LedgerSnapshot, standings: dict[Serial, PhoneStanding]) -> None:
    print_fact(
        Fact(
            "ledger.outline",
            entries=snapshot.entries,
            head=snapshot.head_hash,
            treasury=credits_words(snapshot.treasury),
        )
    )
    print_table(
        translated(PHONE_HEADINGS),
        [_phone(*each) for each in standings.items()],
        title=tr("Phones"),
    )
    for each in snapshot.doubted:
        print_fact(Fact("breaker.opened", name=each.name, count=len(each.phones)))
    slashes = [_slash(row) for row in snapshot.slashes]
    if slashes:
        print_table(translated(SLASH_HEADINGS), slashes, title=tr("Slashes"))
    newest = [_entry(row) for row in snapshot.journal[-NEWEST:]]
    print_table(
        translated(JOURNAL_HEADINGS),
        newest,
        title=sentence(Fact("ledger.newest", count=len(newest))),
    )


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
        audits_text(standing),
        canaries_text(standing),
        "" if jailed is None else _when(jailed),
    ]


def _entry(row: JournalRow) -> list[str]:
    return [str(row.sequence), _when(row.wall_ms), row.kind, row.subject, summary_text(row)]


def _when(wall_ms: int) -> str:
    return datetime.fromtimestamp(wall_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
