"""`shardloom ledger pay-part PROPOSAL PART`: a part of a grant whose condition a key attests."""

from __future__ import annotations

import argparse

from app.command_line.economy.statements import named_proposal
from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.ledger.journal.keys import read_key
from app.ledger.ledger import Ledger
from app.ledger.rules.governance.grants import ATTESTATION
from app.ledger.rules.governance.statement import sign_statement
from app.rack.home import Home
from app.rack.records.decisions import decide


def execute(arguments: argparse.Namespace) -> int:
    """Attest and journal it. Raises `ShardloomError` where it is paid or the key is another."""
    home, key, part = Home(arguments.home), read_key(arguments.keeper), arguments.part - 1
    proposal = named_proposal(home, arguments.proposal)

    def pay(ledger: Ledger) -> None:
        said = {"proposal": proposal, "part": part}
        attested = sign_statement(ATTESTATION, ledger.host_key, said, key)
        ledger.governance.pay_part(proposal, part, attested)

    decide(home, pay)
    print_fact(Fact("ledger.part_paid", part=part + 1))
    return 0
