"""`shardloom ledger verify`: replay the whole journal against the host's own key."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.command_line.failures import complain
from app.command_line.output.terminal import print_json, print_line
from app.core.errors import LedgerError
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import VerificationReport, verify_ledger
from app.rack.home import Home


def execute(arguments: argparse.Namespace) -> int:
    """Say whether the ledger is untouched; the exit status is 1 where it is not."""
    home = Home(arguments.home)
    if not home.ledger_file.is_file():
        raise LedgerError(f"There is no ledger at {home.ledger_file}.")
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    if arguments.json:
        print_json(asdict(report))
    elif report.valid:
        print_line(f"The ledger is valid: {report.entries} entries replayed, {_formats(report)}.")
    if report.valid:
        return 0
    complain(f"The ledger is not valid after entry {report.entries}: {report.problem}")
    return 1


def _formats(report: VerificationReport) -> str:
    """Return under which rules they were written."""
    first, *later = report.formats
    if not later:
        return f"all of format {first.format}"
    parts = [f"{use.entries} of format {use.format}" for use in report.formats]
    return " and ".join(parts)
