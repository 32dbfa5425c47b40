"""`shardloom ledger stop-by-keepers FILE...`: a stop that enough keepers ordered together."""

from __future__ import annotations

import argparse
import json

from app.command_line.economy.statements import read_file
from app.command_line.output.terminal import print_fact
from app.core.errors import LedgerError
from app.core.facts import Fact
from app.ledger.desks.intake import read_statement
from app.ledger.ledger import Ledger
from app.ledger.rules.governance.statement import SignedStatement
from app.ledger.rules.governance.stopping import RESUME
from app.rack.home import Home
from app.rack.records.decisions import decide


def execute(arguments: argparse.Namespace) -> int:
    """Journal it, or the end of a stop where that was signed. Raises `ShardloomError`."""
    orders = [read_statement(read_file(path)) for path in arguments.files]
    said = _said(orders[0])
    ends = said.get("type") == f"poip/v1/{RESUME}"

    def order(ledger: Ledger) -> None:
        if ends:
            ledger.governance.resume(orders)
        else:
            ledger.governance.stop(_until_ms(said), arguments.reason, orders)

    decide(Home(arguments.home), order)
    print_fact(Fact("ledger.resumed") if ends else Fact("ledger.stopped"))
    return 0


def _said(signed: SignedStatement) -> dict[str, object]:
    """Return what an order says; the ledger's rules check every one of them."""
    try:
        said = json.loads(signed.data)
    except (ValueError, RecursionError):
        raise LedgerError("statement.no_json") from None
    if not isinstance(said, dict):
        raise LedgerError("statement.no_json")
    return said


def _until_ms(said: dict[str, object]) -> int:
    until_ms = said.get("until_ms")
    if type(until_ms) is not int:
        raise LedgerError("governance.other_order")
    return until_ms
