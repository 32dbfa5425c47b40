"""`shardloom ledger verify`: replay the whole journal against the host's own key."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.command_line.failures import complain
from app.command_line.output.terminal import print_fact, print_json
from app.core.errors import LedgerError
from app.core.facts import Fact
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.rack.home import Home
from app.words.sentences import fact_text


def execute(arguments: argparse.Namespace) -> int:
    """Say whether the ledger is untouched; the exit status is 1 where it is not."""
    home = Home(arguments.home)
    if not home.ledger_file.is_file():
        raise LedgerError("ledger.none_here", path=str(home.ledger_file))
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    if arguments.json:
        print_json(asdict(report))
    elif report.valid:
        print_fact(Fact("ledger.valid", entries=report.entries))
    if report.valid:
        return 0
    broken = Fact("ledger.broken_after", entry=report.entries, problem=report.problem)
    complain(fact_text(broken))
    return 1
