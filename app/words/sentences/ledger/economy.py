"""What the rules of stakes, market and governance say of what they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "governance.accepted": message("The proposal {name} was accepted: it is carried out."),
    "governance.closed": message("The proposal {name} is {status}."),
    "governance.condition_unmet": message(
        "Part {part} of the grant {name} waits for a condition that is not met."
    ),
    "governance.grant_of_nothing": message("A part of a grant is more than nothing."),
    "governance.no_part": message("The proposal {name} grants no part {part}."),
    "governance.no_proposal": message("There is no proposal {name}."),
    "governance.no_vote": message("That key has no vote: its phones have no stake of their own."),
    "governance.not_accepted": message("Too few voted for the proposal {name}."),
    "governance.not_stopped": message("There is no emergency stop in force."),
    "governance.odd_choice": message("'{choice}' is no vote; votes are {known}."),
    "governance.odd_parts": message("A grant has 1 to {most} parts."),
    "governance.odd_stop": message("An emergency stop lasts {most_s:seconds} at most."),
    "governance.odd_title": message("A proposal has a title of 1 to {most} printable characters."),
    "governance.of_later_format": message("Entries of this format know of no such thing."),
    "governance.one_thing": message(
        "A proposal changes a parameter or grants something, one of them."
    ),
    "governance.other_order": message("Those orders are for another stop, or were used."),
    "governance.out_of_bounds": message("{name} may be {least} to {most}, not {value}."),
    "governance.part_paid": message("Part {part} of the grant {name} is paid."),
    "governance.proposed_already": message("The proposal {name} was made already."),
    "governance.stopped": message(
        "An emergency stop is in force: nothing is opened, paid or executed."
    ),
    "governance.stopped_by_votes": message("Keepers ordered this stop: they alone end it early."),
    "governance.stopped_lately": message(
        "The operator stops again only once a stop is over for as long as it lasted."
    ),
    "governance.too_early": message(
        "What was decided by the proposal {name} still waits for its day."
    ),
    "governance.too_few_votes": message("Fewer than a third of all votes are behind that order."),
    "governance.too_many": message(
        "At most {most} proposals are open at a time, {of_one} of them of one keeper."
    ),
    "governance.treasury_short": message("The treasury is {missing:credits} short of that grant."),
    "governance.unknown_condition": message("'{name}' is no condition; there are {known}."),
    "governance.unknown_parameter": message("'{name}' is no parameter; there are {known}."),
    "governance.vote_goes_on": message("The vote on the proposal {name} is not over yet."),
    "governance.vote_over": message("The vote on the proposal {name} is over."),
    "governance.voted_already": message("That key voted on the proposal {name} already."),
    "governance.no_file": message("A proposal is a JSON object with the fields {names}."),
    "ledger.funds": message(
        "Treasury {treasury}, of which {reserved} are promised; in escrow {escrow}."
    ),
    "ledger.keeper_named": message("That key speaks for phone {phone}."),
    "ledger.part_paid": message("Part {part} is paid."),
    "ledger.resumed": message("The emergency stop is over."),
    "ledger.signed_into": message("Signed into {path}; nothing is journalled yet."),
    "ledger.stopped": message("Nothing is opened, paid or carried out until the stop is over."),
    "ledger.taken_in": message("Journalled: {about}."),
    "ledger.not_open": message("The ledger opens with the rack."),
    "market.nobody_offers": plural(
        "No phone offers {layers} layer that is as quick as wanted.",
        "No phones offer {layers} layers that are as quick as wanted.",
        by="layers",
    ),
    "market.no_quote": message("Nobody quoted a price for phone {phone}."),
    "market.odd_rise": message("A price rises by 0 to {most} thousandths, a fixed one not at all."),
    "market.odd_state": message("Load and strain are 0 to {most} thousandths."),
    "market.other_price": message("What was bought of phone {phone} is not at its quoted price."),
    "market.other_stages": message("What was bought is not what the stages are."),
    "market.other_sum": message("The prices of the stages do not add up to that of a token."),
    "market.price_out_of_bounds": message(
        "A quote is more than 0 and at most {cap} micro-credits a layer and token, not {price}."
    ),
    "market.unknown_rule": message("'{name}' moves no price; there are {known}."),
    "order.beyond_own_stake": message(
        "Of the stake of phone {phone} {own:credits} are its own and can be taken out."
    ),
    "order.key_of_another": message("That is a phone's key or the host's, and no keeper's."),
    "order.nothing_due": message("Nothing of the stake of phone {phone} is due to be paid out."),
    "order.other_keeper": message("That key does not speak for phone {phone}."),
    "order.repeated": message("The order number {number} was used already."),
    "order.too_many_today": message("A keeper gives at most {most} orders a day (UTC)."),
    "order.too_many_unbonding": message("At most {most} withdrawals of a phone wait at a time."),
    "order.unknown": message("'{kind}' is no order; there are {known}."),
    "order.unsafe_key": message("That key cannot speak for a phone: {reason}."),
    "penalty.no_reporter": message("Phone {phone} gets no share of that slash."),
    "statement.no_file": message(
        "A signed statement is a JSON object with the fields data, signature and key."
    ),
    "statement.no_json": message("What was signed is not canonical JSON (RFC 8785)."),
    "statement.not_signed": message("The statement is not signed so: {reason}."),
    "statement.other_fields": message("The statement has other fields than {names}."),
    "statement.other_ledger": message("The statement is for another ledger."),
    "statement.other_type": message("That is no statement of the kind '{wanted}'."),
    "statement.too_long": message("A statement has {most} bytes at most."),
    "transaction.beyond_escrow": message("{transaction} has put less than that in escrow."),
    "transaction.expired": message("The time to commit {transaction} is over."),
    "transaction.no_move": message("Transaction {transaction} is {status} and cannot become {to}."),
    "transaction.not_expired": message("The time of {transaction} is not over yet."),
    "transaction.odd_deadline": message("The deadline is past, or further away than allowed."),
    "transaction.odd_release": message("An entry releases 1 to {most} transactions, each once."),
    "transaction.odd_void": message("'{reason}' makes no transaction void."),
    "transaction.of_earlier_format": message("Transaction {transaction} was paid at once."),
    "transaction.other_bonds": message("The bonds are not what the phones have at stake."),
    "transaction.signed_for": message(
        "Phones signed for {transaction}: it cannot just be broken off."
    ),
    "transaction.too_many_tokens": message("A transaction has {most} tokens at most."),
    "transaction.window_open": message(
        "There is still time for evidence against what {transaction} pays."
    ),
}
ADVICE: Final[Mapping[str, Message]] = {}
