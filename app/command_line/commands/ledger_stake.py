"""`shardloom ledger stake PHONE CREDITS`: the operator puts up a stake for a phone."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.ledger.ledger import Ledger
from app.ledger.rules.economy import CREDIT
from app.rack.home import Home
from app.rack.records.decisions import decide


def execute(arguments: argparse.Namespace) -> int:
    """Journal it. Raises `ShardloomError` where a rack is open, or the phone is unknown."""
    serial, amount = Serial(arguments.serial), arguments.credits * CREDIT

    def put_up(ledger: Ledger) -> int:
        ledger.add_stake(serial, amount)
        return ledger.standing(serial).stake

    stake = decide(Home(arguments.home), put_up)
    print_fact(Fact("ledger.staked", phone=serial, stake=stake))
    return 0
