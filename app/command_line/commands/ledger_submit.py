"""`shardloom ledger submit FILE`: journal what a keeper signed elsewhere."""

from __future__ import annotations

import argparse

from app.command_line.economy.statements import read_file
from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.ledger.desks.intake import read_statement
from app.rack.home import Home
from app.rack.records.decisions import decide


def execute(arguments: argparse.Namespace) -> int:
    """Journal it. Raises `ShardloomError` where a rack is open or a rule refuses it."""
    signed = read_statement(read_file(arguments.file))
    about = decide(Home(arguments.home), lambda ledger: ledger.intake.submit(signed))
    print_fact(Fact("ledger.taken_in", about=about))
    return 0
