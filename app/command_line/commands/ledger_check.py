"""`shardloom ledger check FILE --key PUBLIC`: what a proof file shows, with nothing but a key."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from app.command_line.output.terminal import print_fact, print_json
from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.ledger.journal.keys import parse_public_key
from app.rack.records.proof_check import check_proof


def execute(arguments: argparse.Namespace) -> int:
    """Say what it shows. Raises `ShardloomError` with one line where it does not hold."""
    path = Path(arguments.file)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = reason_of(error)
        raise BadInputError("proof.unreadable", path=str(path), reason=reason) from None
    report = check_proof(data, parse_public_key(arguments.key))
    if arguments.json:
        print_json(asdict(report))
        return 0
    how = "proof.holds" if report.text_became_tokens else "proof.holds_for_tokens"
    print_fact(
        Fact(
            how,
            request=report.request,
            tokens=report.prompt_tokens,
            answers=len(report.answer_tokens),
            phones=report.phones,
            entries=report.entries,
            count=report.witnesses,
        )
    )
    return 0
