"""`shardloom ledger propose FILE`: a proposal, signed by a keeper that has a vote."""

from __future__ import annotations

import argparse
import json
from typing import Any

from app.command_line.economy.statements import read_file, say
from app.core.errors import LedgerError
from app.ledger.rules.governance.proposal import TERMS
from app.ledger.rules.governance.voting import PROPOSAL


def execute(arguments: argparse.Namespace) -> int:
    """Sign it; journal it or write it into a file. Raises `ShardloomError`."""
    return say(arguments, PROPOSAL, _terms(read_file(arguments.file)), numbered=False)


def _terms(content: bytes) -> dict[str, Any]:
    """Return what a file proposes: what it leaves out is null."""
    try:
        fields: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise LedgerError("governance.no_file", names=TERMS) from None
    if not isinstance(fields, dict) or not fields.keys() <= set(TERMS):
        raise LedgerError("governance.no_file", names=TERMS)
    return {**dict.fromkeys(TERMS), **fields}
