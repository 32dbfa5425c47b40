"""`shardloom ledger keep-evidence`: how long evidence is kept, a rule of the journal."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace

from app.command_line.output.terminal import print_fact, print_json
from app.ledger.ledger import Ledger
from app.ledger.rules.kept.evidence_rule import EvidenceRule
from app.rack.home import Home
from app.rack.records.decisions import decide
from app.words.ledger import evidence_rule_fact


def execute(arguments: argparse.Namespace) -> int:
    """Journal what is given, then say what is in force.

    Raises `ShardloomError` where a rack is open, or for what is out of bounds.
    """
    given = {}
    if arguments.days is not None:
        given["most_days"] = arguments.days
    if arguments.megabytes is not None:
        given["most_bytes"] = arguments.megabytes << 20

    def decision(ledger: Ledger) -> EvidenceRule:
        ledger.kept_evidence.keep_by(replace(ledger.kept_evidence.rule, **given))
        ledger.kept_evidence.look()
        return ledger.kept_evidence.rule

    rule = decide(Home(arguments.home), decision)
    if arguments.json:
        print_json(asdict(rule))
    else:
        print_fact(evidence_rule_fact(rule))
    return 0
