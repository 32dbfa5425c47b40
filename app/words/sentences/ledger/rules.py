"""What the rules of `app.ledger` say of an entry that they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "breaker.none_named": message("No class in doubt has a name that ends with '{name}'."),
    "verifier.may_not": message("{phone} may not audit stage {stage}."),
    "verifier.only_passes": message(
        "What {phone} says of another phone's work speaks against nobody."
    ),
    "ledger.class_read_already": message("What the class {name} multiplies is on record already."),
    "entry.of_newer_format": message("Such an entry is of format {format} or a newer one."),
    "way.unknown_reason": message("'{reason}' is no reason to distrust a way."),
    "way.not_in_ring": message("Nothing went that way in {transaction}."),
    "way.signed_alike": message(
        "The two phones signed alike for what passed between them in {transaction}."
    ),
    "way.distrusted_already": message("Nothing goes from {sender} to {receiver} as it is."),
    "way.none_distrusted": message("No way is distrusted."),
    "breaker.not_open": message("The class {name} is not in doubt."),
    "audit.known": message("Stage {stage} of {transaction} has that verdict already."),
    "audit.unknown_outcome": message("An audit does not end with the outcome '{outcome}'."),
    "conformance.not_signed_by_host": message(
        "The report on phone {phone} is not signed by the ledger's host: {reason}."
    ),
    "canary.not_due": message("Stage {stage} of {transaction} is no canary, or was one already."),
    "canary.other_work": message("What was signed is not about stage {stage} of {transaction}."),
    "canary.proves_nothing": message("These statements do not show that anybody overclaims."),
    "canary.refused": message("What the phone signed of its work does not hold: {reason}"),
    "canary.unknown_excuse": message("The canary names no excuse that is known."),
    "conformance.older_format": message("Format {format} holds no reports on the standard."),
    "conformance.other_class": message(
        "The report names another numerical class than phone {phone} is registered with."
    ),
    "conformance.other_digest": message("Phone {phone} signed another report than this one."),
    "conformance.other_key": message(
        "The report is signed with a key that phone {phone} does not have now."
    ),
    "conformance.other_rules": message(
        "The report does not say of each rule of version {version} whether it holds."
    ),
    "conformance.other_run": message("Report {run} on phone {phone} is not its next one."),
    "conformance.unknown_version": message("Version {version} of the standard is not known."),
    "ledger.jail_term": message("A jail term ends after it began."),
    "ledger.key_change_unsigned": message(
        "Phone {phone} comes with a new key that its old one did not sign: {reason}."
    ),
    "ledger.key_of_another": message("That key belongs to phone {phone}: one key, one phone."),
    "ledger.key_unproven": message(
        "Phone {phone} did not prove its key for this serial number, connection and ledger."
    ),
    "ledger.key_withdrawn_already": message("The key of phone {phone} is withdrawn already."),
    "ledger.one_genesis": message("A ledger has one genesis entry, its first."),
    "ledger.other_stake": message("Phone {phone} does not start with the starting stake."),
    "ledger.phone_banned": message("Phone {phone} is banned for good."),
    "ledger.phone_known": message("Phone {phone} is already registered."),
    "ledger.phone_unchanged": message("Nothing about phone {phone} changed."),
    "ledger.phone_unknown": message("Phone {phone} is not registered with the ledger."),
    "ledger.phone_not_admitted": message(
        "Phone {phone} gets no work: its audits deviate further than those of honest phones."
    ),
    "penalty.breaker_open": message(
        "Nobody is slashed for the class of phone {phone} until the operator confirms it."
    ),
    "penalty.other_amount": message(
        "The slash of phone {phone} is not what the penalty table says."
    ),
    "penalty.other_price": message(
        "What phone {phone} owes for refusing is not the price of that."
    ),
    "penalty.paid_already": message(
        "Phone {phone} already paid for {offence} in that transaction."
    ),
    "penalty.unknown_offence": message("No penalty for '{offence}'; the offences are {known}."),
    "penalty.without_evidence": message(
        "Nothing in the journal proves '{offence}' of phone {phone} in that transaction."
    ),
    "penalty.without_audit": message("Phone {phone} failed no audit in transaction {transaction}."),
    "receipt.no_contradiction": message(
        "The receipts of stage {stage} do not contradict each other."
    ),
    "receipt.other_numbers": message(
        "The two receipts are not two of one number, signed with one key."
    ),
    "receipt.none": message("There is no receipt of phone {phone} for stage {stage}."),
    "receipt.of_another_form": message(
        "The receipt is of another version's form than its transaction."
    ),
    "receipt.other_class": message(
        "The receipt names another numerical class than phone {phone} is registered with."
    ),
    "receipt.other_key": message("The receipt is not signed with the key of phone {phone}."),
    "receipt.other_opening": message(
        "The receipt of stage {stage} is about another opening of its transaction."
    ),
    "receipt.other_stage": message("The receipt is not about stage {stage} of {transaction}."),
    "receipt.other_terms": message("The receipt says otherwise than agreed in '{field}'."),
    "writer.known": message("The key {key} writes this ledger already, or may."),
    "writer.not_admitted": message("This ledger does not admit the key {key}."),
    "writer.other_head": message("Who takes over shows another head than the last."),
    "writer.too_many": message("No more than {limit} keys may write a ledger."),
    "writer.unsafe_key": message("That is not a safe key."),
    "writer.unsigned": message("The entry about the key {key} is not signed as it has to be."),
    "receipt.refused": message("Receipt refused: {reason}."),
    "receipt.there": message("Stage {stage} of {transaction} has its receipt."),
    "sharp.known": message("Stage {stage} of {transaction} was run again already."),
    "sharp.of_later_format": message("Entries of this format know of no sharp tests."),
    "sharp.other_work": message(
        "What was signed when stage {stage} of {transaction} was run again is about something else."
    ),
    "sharp.reason_of_another_outcome": message(
        "The reason does not go with the outcome {outcome}."
    ),
    "sharp.rounding_unknown": message(
        "No numbers decide about phone {phone}: how its processor rounds is not known."
    ),
    "sharp.statement_refused": message("The statement about states does not hold: {reason}."),
    "transaction.fewer_good": plural(
        "Only {count} token of transaction {transaction} was good.",
        "Only {count} tokens of transaction {transaction} were good.",
    ),
    "transaction.no_part": message("Phone {phone} had no part in transaction {transaction}."),
    "transaction.no_stage": message("Transaction {transaction} has no stage {stage}."),
    "transaction.not_open": message("Transaction {transaction} is {status}."),
    "transaction.open_already": message("Transaction {transaction} was already opened."),
    "transaction.other_payments": message(
        "The payments of {transaction} are not what its price says."
    ),
    "transaction.settled": message("Transaction {transaction} is settled."),
    "transaction.unknown": message("Transaction {transaction} is not in the ledger."),
    "transaction.withheld_already": message("Phone {phone} is already down for that transaction."),
    "transfer.account_short": message("The account {account} is {missing:credits} short."),
    "transfer.made_already": message("That transfer was already made."),
    "transfer.of_nothing": message("A transfer of {amount} moves nothing."),
    "transfer.to_itself": message("A transfer from {account} to itself moves nothing."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "writer.not_admitted": message(
        "Where the ledger is open, type: shardloom ledger admit-writer {key}"
    ),
    "ledger.key_change_unsigned": message(
        "If you removed its files yourself, say so: shardloom ledger withdraw-key {phone}"
    ),
}
