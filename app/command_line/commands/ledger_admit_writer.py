"""`shardloom ledger admit-writer PUBLIC`: another control centre may take over the ledger."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.ledger.journal.keys import parse_public_key
from app.rack.home import Home
from app.rack.records.decisions import decide


def execute(arguments: argparse.Namespace) -> int:
    """Journal it. Raises `ShardloomError` where a rack is open, or the key is known or unsafe."""
    key = parse_public_key(arguments.key)
    decide(Home(arguments.home), lambda ledger: ledger.writers.admit(key))
    print_fact(Fact("ledger.writer_admitted", key=key.hex()))
    return 0
