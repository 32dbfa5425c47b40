"""`shardloom ledger withdraw-key PHONE`: the operator's word that a phone's key is lost."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.ledger.views.reasons import REMOVED_BY_OPERATOR
from app.rack.home import Home
from app.rack.records.decisions import decide


def execute(arguments: argparse.Namespace) -> int:
    """Journal it. Raises `ShardloomError` where a rack is open, or the phone is unknown."""
    serial = Serial(arguments.serial)
    decide(Home(arguments.home), lambda ledger: ledger.withdraw_key(serial, REMOVED_BY_OPERATOR))
    print_fact(Fact("ledger.key_withdrawn", phone=serial))
    return 0
