"""`shardloom ledger confirm-class NAME`: the operator's word that a class is judged rightly."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.rack.home import Home
from app.rack.records.decisions import decide


def execute(arguments: argparse.Namespace) -> int:
    """Journal it. Raises `ShardloomError` where a rack is open, or no such class is in doubt."""
    name = arguments.name
    decide(Home(arguments.home), lambda ledger: ledger.confirm_class(name))
    print_fact(Fact("breaker.confirmed", name=name))
    return 0
