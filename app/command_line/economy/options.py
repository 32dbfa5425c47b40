"""The commands by which keepers and the operator speak to the economy of a ledger."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.command_line.option_groups import Commands, add_command, add_json
from app.command_line.option_types import positive, whole_number
from app.ledger.views.reasons import BY_KEEPERS

CHOICES = ("yes", "no", "abstain")
RULES = ("fixed", "load", "care")


def add_economy(actions: Commands) -> None:
    """Add what concerns keepers, their orders, proposals and the emergency stop."""
    _keepers(actions)
    _orders(actions)
    _votes(actions)
    stop = add_command(
        actions, "stop", "ledger_stop", help="Stop openings, payments and executions for a while."
    )
    stop.add_argument("hours", type=positive(int), metavar="HOURS")
    stop.add_argument("reason", metavar="REASON")
    resume = add_command(
        actions, "resume", "ledger_stop", help="End an emergency stop of the operator's."
    )
    resume.set_defaults(hours=0, reason="")
    _stops(actions)


def _stops(actions: Commands) -> None:
    order = add_command(
        actions,
        "order-stop",
        "ledger_order_stop",
        help="Sign, as a keeper, for an emergency stop or for the end of one.",
    )
    what = order.add_mutually_exclusive_group(required=True)
    what.add_argument("--hours", type=positive(int), default=0, metavar="HOURS", help="from now on")
    what.add_argument(
        "--like", type=Path, metavar="FILE", help="until the moment that another keeper signed for"
    )
    what.add_argument("--end", action="store_true", help="for the end of the stop in force")
    order.add_argument("--keeper", type=Path, metavar="FILE", required=True)
    order.add_argument("--out", type=Path, metavar="FILE", required=True)
    stop = add_command(
        actions,
        "stop-by-keepers",
        "ledger_stop_by_keepers",
        help="Stop, or end a stop, by what keepers of a third of all votes signed (order-stop).",
    )
    stop.add_argument("files", type=Path, nargs="+", metavar="FILE")
    stop.add_argument("--reason", default=BY_KEEPERS, metavar="TEXT")


def _keepers(actions: Commands) -> None:
    key = add_command(
        actions,
        "keeper-key",
        "ledger_keeper_key",
        help="Make a keeper's key, or read it again, and print its public half.",
    )
    key.add_argument("file", type=Path, metavar="FILE")
    add_json(key)
    keeper = add_command(
        actions, "keeper", "ledger_keeper", help="Say whose key speaks for a phone."
    )
    keeper.add_argument("serial", metavar="PHONE")
    keeper.add_argument("key", metavar="PUBLIC", help="as keeper-key prints it, or a file with it")


def _orders(actions: Commands) -> None:
    stake = add_command(
        actions,
        "stake-earnings",
        "ledger_order",
        help="Put up what a phone earned as stake of its own: it gets a vote.",
    )
    unbond = add_command(
        actions,
        "unbond",
        "ledger_order",
        help="Begin to take stake of a phone's own out; it comes after a delay.",
    )
    for name, order in (("stake-earnings", stake), ("unbond", unbond)):
        order.add_argument("serial", metavar="PHONE")
        order.add_argument("credits", type=positive(int), metavar="CREDITS")
        order.set_defaults(order=name)
        _add_keeper(order)
    quote = add_command(
        actions, "quote", "ledger_order", help="Ask a price for a phone, a layer and token."
    )
    quote.add_argument("serial", metavar="PHONE")
    quote.add_argument("price", type=whole_number, metavar="PRICE", help="in micro-credits")
    quote.add_argument("--rule", choices=RULES, default="fixed", help="what moves the price")
    quote.add_argument(
        "--rise",
        type=whole_number,
        default=0,
        metavar="PERCENT",
        help="how much more at full load, or heat and an empty battery",
    )
    quote.set_defaults(order="quote")
    _add_keeper(quote)


def _votes(actions: Commands) -> None:
    propose = add_command(
        actions,
        "propose",
        "ledger_propose",
        help="Sign a proposal and journal it: a change of a parameter, or a grant.",
    )
    propose.add_argument(
        "file", type=Path, metavar="FILE", help="JSON with title and change or grant"
    )
    _add_keeper(propose)
    vote = add_command(actions, "vote", "ledger_vote", help="Vote on a proposal.")
    vote.add_argument("proposal", metavar="PROPOSAL", help="its name, or how that begins")
    vote.add_argument("choice", choices=CHOICES)
    _add_keeper(vote)
    submit = add_command(
        actions, "submit", "ledger_submit", help="Journal what was signed elsewhere (--out)."
    )
    submit.add_argument("file", type=Path, metavar="FILE")
    pay = add_command(
        actions, "pay-part", "ledger_pay_part", help="Pay a part of a grant that its key attests."
    )
    pay.add_argument("proposal", metavar="PROPOSAL")
    pay.add_argument("part", type=positive(int), metavar="PART", help="from 1")
    pay.add_argument("--keeper", type=Path, metavar="FILE", required=True)
    proposals = add_command(
        actions,
        "proposals",
        "ledger_proposals",
        help="Show proposals, quotes and parameters, and how the treasury stands.",
    )
    add_json(proposals)


def _add_keeper(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keeper", type=Path, metavar="FILE", required=True, help="the keeper's key (keeper-key)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="only sign, into this file, and journal nothing"
    )
