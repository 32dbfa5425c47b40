"""`shardloom ledger stake-earnings`, `unbond` and `quote`: what a keeper orders for a phone."""

from __future__ import annotations

import argparse
from typing import Any

from app.command_line.economy.statements import say
from app.ledger.rules.economy import CREDIT
from app.ledger.rules.stakes.keepers import QUOTE_ORDER


def execute(arguments: argparse.Namespace) -> int:
    """Sign it; journal it or write it into a file. Raises `ShardloomError`."""
    fields: dict[str, Any] = {"serial": arguments.serial}
    if arguments.order == QUOTE_ORDER:
        fields |= {
            "price": str(arguments.price),
            "rule": arguments.rule,
            "rise_per_mille": arguments.rise * 10,
        }
    else:
        fields["amount"] = str(arguments.credits * CREDIT)
    return say(arguments, arguments.order, fields, numbered=True)
