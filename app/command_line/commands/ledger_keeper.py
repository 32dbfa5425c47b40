"""`shardloom ledger keeper PHONE PUBLIC`: the operator says who speaks for a phone."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.ledger.journal.keys import parse_public_key
from app.rack.home import Home
from app.rack.records.decisions import decide


def execute(arguments: argparse.Namespace) -> int:
    """Journal it. Raises `ShardloomError` where a rack is open, or another speaks for it."""
    serial, key = Serial(arguments.serial), parse_public_key(arguments.key)
    decide(Home(arguments.home), lambda ledger: ledger.stakes.name_keeper(serial, key))
    print_fact(Fact("ledger.keeper_named", phone=serial))
    return 0
