"""`shardloom ledger proposals`: proposals, quotes, parameters and the treasury."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Final

from app.command_line.output.terminal import print_fact, print_json, print_table, right, translated
from app.core.facts import Fact
from app.ledger.views.export import read_snapshot
from app.rack.home import Home
from app.words.catalogue import message, tr
from app.words.pages.economy import (
    parameter_text,
    proposal_status,
    proposal_wish,
    quote_text,
    votes_text,
)
from app.words.states import credits_words

PROPOSALS: Final = (
    message("proposal"),
    message("title"),
    message("wants"),
    message("votes"),
    message("state"),
)
QUOTES: Final = (message("phone"), message("price"))
PARAMETERS: Final = (message("parameter"), right(message("value")))
_SHOWN: Final = 12


def execute(arguments: argparse.Namespace) -> int:
    """Print them, read from the file; nothing is checked beyond what reading it needs."""
    snapshot = read_snapshot(Home(arguments.home).ledger_place)
    economy = snapshot.economy
    if arguments.json:
        print_json({"treasury": snapshot.treasury, **asdict(economy)})
        return 0
    print_fact(
        Fact(
            "ledger.funds",
            treasury=credits_words(snapshot.treasury),
            reserved=credits_words(economy.reserved),
            escrow=credits_words(economy.escrow),
        )
    )
    rows = [
        [
            each.name[:_SHOWN],
            each.title,
            proposal_wish(each),
            votes_text(each),
            proposal_status(each),
        ]
        for each in economy.proposals
    ]
    print_table(translated(PROPOSALS), rows, title=tr("Proposals"))
    quotes = [[each.serial, quote_text(each)] for each in economy.quotes]
    print_table(translated(QUOTES), quotes, title=tr("Quotes"))
    values = [[name, parameter_text(name, value)] for name, value in economy.parameters.items()]
    print_table(translated(PARAMETERS), values, title=tr("Parameters"))
    return 0
