"""`shardloom ledger vote PROPOSAL yes|no|abstain`: a keeper's vote."""

from __future__ import annotations

import argparse

from app.command_line.economy.statements import named_proposal, say
from app.ledger.rules.governance.voting import VOTE
from app.rack.home import Home


def execute(arguments: argparse.Namespace) -> int:
    """Sign it; journal it or write it into a file. Raises `ShardloomError`."""
    proposal = named_proposal(Home(arguments.home), arguments.proposal)
    fields = {"proposal": proposal, "choice": arguments.choice}
    return say(arguments, VOTE, fields, numbered=False)
