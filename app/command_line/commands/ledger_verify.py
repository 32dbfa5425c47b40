"""`shardloom ledger verify`: replay the whole journal against the host's own key."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from app.command_line.commands import ledger_evidence
from app.command_line.failures import complain
from app.command_line.output.terminal import print_fact, print_json, print_line
from app.core.errors import LedgerError
from app.core.facts import Fact
from app.ledger.journal.keys import parse_public_key, read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.storage.addresses import LedgerPlace
from app.proof.convicting.facts import proven_fault
from app.rack.home import Home
from app.words.ledger import audits_text, cosigned_text, not_valid_text, verified_text
from app.words.sentences import fact_text


def execute(arguments: argparse.Namespace) -> int:
    """Say whether the ledger is untouched; the exit status is 1 where it is not.

    Of a file of evidence say whom it convicts (`ledger_evidence`).
    With `--key` neither home nor private key is needed: anybody can check a ledger they were given.
    """
    if arguments.evidence:
        return ledger_evidence.execute(arguments)
    home = Home(arguments.home)
    path: LedgerPlace = arguments.ledger or home.ledger_place
    if isinstance(path, Path) and not path.is_file():
        raise LedgerError("ledger.none_there", path=str(path))
    key = parse_public_key(arguments.key) if arguments.key else read_public_key(home.ledger_key)
    report = verify_ledger(path, key, proven_fault)
    problem = fact_text(report.problem) if report.problem else ""
    if arguments.json:
        print_json({**asdict(report), "problem": problem})
    elif report.valid:
        print_line(verified_text(report.entries, report.formats))
        if report.audits:
            print_line(audits_text(report.audits))
        if report.convictions or report.unproven:
            told, left = report.convictions, report.unproven
            print_fact(Fact("evidence.judged_again", count=told, left=left))
        if report.let_go:
            print_fact(Fact("evidence.let_go", count=report.let_go))
        if report.witnesses:
            print_line(cosigned_text(report.cosigned_entries, report.witnesses))
    if report.valid:
        return 0
    complain(not_valid_text(report.entries, problem))
    return 1
