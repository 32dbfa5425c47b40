"""What `app.ledger` says of epochs, of heads that phones signed and of replaying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "epoch.audit_skipped": message(
        "Epoch {epoch} is void: stage {stage} of {transaction} was to be audited, and the journal "
        "does not say what became of it."
    ),
    "epoch.not_open": message("Epoch {epoch} is not open."),
    "epoch.other_secret": message("The secret of epoch {epoch} is not the one committed to."),
    "epoch.out_of_order": message("Epoch {epoch} cannot open: epoch {before} comes before."),
    "epoch.without_rate": message("Epoch {epoch} does not say how often it audits."),
    "epoch.sharp_test_skipped": message(
        "Epoch {epoch} is void: stage {stage} of {transaction} deviates and was to be run again, "
        "and the journal does not say what became of that."
    ),
    "ledger.cosignature_refused": message("A cosignature does not hold: {reason}."),
    "ledger.cosigned_beyond_end": message(
        "A head over {size} entries cannot be signed before there are so many."
    ),
    "ledger.cosigned_by_nobody": message("A cosigned head needs a signature each of phones."),
    "ledger.cosigned_other": message(
        "Phones signed another history than this: the head in entry {entry} is not this journal's."
    ),
    "ledger.due_deals_failed": message(
        "Payments that are due are not released: {reason}. Everything else goes on."
    ),
    "ledger.due_evidence_failed": message(
        "Evidence that is no longer kept is not deleted: {reason}. Everything else goes on."
    ),
    "ledger.due_governance_failed": message(
        "Votes that are over are not counted: {reason}. Everything else goes on."
    ),
    "ledger.due_stakes_failed": message(
        "Withdrawals that are due are not paid: {reason}. Everything else goes on."
    ),
    "ledger.entries_missing": plural(
        "The journal lacks {count} entry.", "The journal lacks {count} entries."
    ),
    "ledger.entry_breaks_rule": message("Entry {entry} breaks a rule: {reason}"),
    "ledger.entry_refused": message("Entry {entry}: {reason}"),
    "ledger.format_out_of_order": message("Format {format} cannot follow format {before}."),
    "ledger.no_public_key": message(
        "{given} is no public key of a ledger: neither 64 hexadecimal digits nor a file with them."
    ),
    "ledger.other_history": message(
        "{phone} signed another history of this ledger, over {size} entries: it was put back to an "
        "earlier state, begun anew, or told differently."
    ),
    "ledger.none_there": message("There is no ledger at {path}."),
    "old_receipt.not_canonical": message("it is not canonical JSON"),
    "old_receipt.not_json": message("it is not JSON"),
    "old_receipt.odd_field": message("its {field} is not what belongs there"),
    "old_receipt.other_fields": message("its fields are not those of the old form"),
    "old_receipt.oversized": message("it has more than {limit:bytes}"),
    "receipt.epoch_is_over": message(
        "The receipt comes too late: the epoch of {transaction} is over."
    ),
    "receipt.unreadable": message("The receipt cannot be read: {reason}."),
    "transaction.outside_epoch": message(
        "Transaction {transaction} cannot open: no epoch is open whose draws would bind it."
    ),
    "transaction.phone_without_layer": message("Phone {phone} holds no layer."),
    "transaction.stages_share_phone": message("A transaction needs stages on different phones."),
    "transaction.unknown_chain": message("There is no chain {chain}."),
    "transaction.wrong_span": message("The span of a stage is wrong: {reason}."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "ledger.other_history": message(
        "Put the newest copy of the ledger back; entries since then are in no copy but that one."
    ),
    "ledger.no_public_key": message("shardloom ledger key prints it."),
}
