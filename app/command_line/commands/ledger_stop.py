"""`shardloom ledger stop HOURS REASON` and `resume`: the operator's emergency stop."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.ledger.ledger import Ledger
from app.rack.home import Home
from app.rack.records.decisions import decide


def execute(arguments: argparse.Namespace) -> int:
    """Journal it. Raises `ShardloomError` where a rack is open or a rule refuses it."""
    hours, reason = arguments.hours, arguments.reason

    def order(ledger: Ledger) -> None:
        if hours:
            ledger.governance.stop_for(hours * 3600, reason)
        else:
            ledger.governance.resume()

    decide(Home(arguments.home), order)
    print_fact(Fact("ledger.stopped") if hours else Fact("ledger.resumed"))
    return 0
