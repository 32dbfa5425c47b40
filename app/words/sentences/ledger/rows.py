"""What is said of the entries of a journal, one short line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "audit.never_concluded": message("the attempt was never concluded"),
    "journal.audit_deviates": message(
        "Stage {stage} of {transaction} deviates further than rounding explains ({method})"
    ),
    "journal.audit_failed": message("Stage {stage} of {transaction} failed: {reason} ({method})"),
    "journal.audit_not_done": message(
        "Stage {stage} of {transaction} was to be audited and was not: {reason} ({outcome})"
    ),
    "journal.audit_passed": message("Stage {stage} of {transaction} passed ({method})"),
    "journal.audit_passed_by": message(
        "Stage {stage} of {transaction} passed, verified by {phone} ({method})"
    ),
    "journal.verifier_right": message(
        "Its audit of stage {stage} of {transaction} was done again here, and was right"
    ),
    "journal.verifier_wrong": message(
        "Its audit of stage {stage} of {transaction} was done again here, and was wrong"
    ),
    "journal.writer_admitted": message("The key {key} may write this ledger"),
    "journal.writer_changed": message("The key {key} writes this ledger from here on"),
    "journal.canary": message(
        "Stage {stage} of {transaction}: {took:.1f} ms a step, by its own claim {claimed:.1f} ms"
    ),
    "journal.class_reproduced": message("What phones of the class {name} multiply is reproduced"),
    "journal.class_unknown": message(
        "Nothing reproduces what phones of the class {name} multiply: each receipt is audited"
    ),
    "journal.way_distrusted": message("Nothing goes from {sender} to {receiver} any more"),
    "journal.ways_trusted": message("All ways between phones are trusted again"),
    "journal.class_confirmed": message("Phones of the class {name} are judged rightly"),
    "journal.committed": plural("Signed for, {count:,} token", "Signed for, {count:,} tokens"),
    "journal.keeps_standard": message("Keeps the standard, version {version}"),
    "journal.breaks_rules": message("Breaks rules of the standard, version {version}: {rules}"),
    "journal.earnings_staked": message("{amount:credits} of its own earnings put up"),
    "journal.grant_paid": message("Part {part} of the grant {name} paid"),
    "journal.keeper_named": message("The key {key} speaks for it"),
    "journal.payments_released": plural(
        "Payments of {count:,} transaction released", "Payments of {count:,} transactions released"
    ),
    "journal.proposal_closed": message("Proposal {name} rejected"),
    "journal.proposal_executed": message("Proposal {name} carried out"),
    "journal.proposed": message("{title}"),
    "journal.quoted": message("{price:credits} a layer and token ({rule})"),
    "journal.resumed": message("The emergency stop is over"),
    "journal.stopped": message("Emergency stop by the operator: {reason}"),
    "journal.stopped_by_votes": message("Emergency stop by keepers: {reason}"),
    "journal.unbonding_begun": message("{amount:credits} on their way out"),
    "journal.unbonding_ended": message("What was on its way out is paid"),
    "journal.void": message("Nothing is paid: {reason}"),
    "journal.voted": message("{choice} to the proposal {name}"),
    "journal.cosigned": plural("Head signed by {count} phone", "Head signed by {count} phones"),
    "journal.epoch_closed": message("Epoch {epoch}: secret revealed"),
    "journal.epoch_opened": message("Epoch {epoch} opened"),
    "journal.equivocation": message("Stage {stage} signed two different receipts"),
    "journal.number_reused": message("Stage {stage} signed two receipts of one number"),
    "journal.format_raised": message("From here on format {format}"),
    "journal.genesis": message("Ledger begins, format {format}"),
    "journal.jailed": message("{reason}"),
    "journal.key_withdrawn": message("Key withdrawn: {reason}"),
    "journal.no_receipt": message("No receipt for {transaction}"),
    "journal.opened": plural("{model} on {count:,} phone", "{model} on {count:,} phones"),
    "journal.phone_changed": message("New key or numerical class"),
    "journal.receipt": message("Stage {stage} signed"),
    "journal.registered": message("Registered with {stake:credits} at stake"),
    "journal.registered_without_stake": message("Registered, nothing at stake"),
    "journal.released": message("Released"),
    "journal.rolled_back": plural(
        "{count:,} token kept: {reason}", "{count:,} tokens kept: {reason}"
    ),
    "journal.evidence_let_go": plural(
        "{count:,} file of evidence let go by rule", "{count:,} files of evidence let go by rule"
    ),
    "journal.evidence_rule": message("Evidence is kept, {size:bytes} at most"),
    "journal.evidence_rule_days": plural(
        "Evidence is kept for {count:,} day, {size:bytes} at most",
        "Evidence is kept for {count:,} days, {size:bytes} at most",
    ),
    "journal.settled": plural(
        "{count:,} token, {paid:credits} paid", "{count:,} tokens, {paid:credits} paid"
    ),
    "journal.sharp_test_failed": message(
        "Stage {stage} of {transaction} was run again: its numbers are wrong ({reason})"
    ),
    "journal.sharp_test_passed": message("Stage {stage} of {transaction} was run again and holds"),
    "journal.sharp_test_refused": message(
        "Stage {stage} of {transaction} was not shown when it was to be run again: {reason}; "
        "{price:credits} owed"
    ),
    "journal.sharp_test_unavailable": message(
        "Stage {stage} of {transaction} could not be run again: {reason}"
    ),
    "journal.slashed": message("{amount:credits} for {reason}"),
    "journal.stake_added": message("{amount:credits}"),
    "key.removed_by_operator": message("the operator says that it is lost"),
    "key.started_anew": message("a phone of this computer began anew"),
    "offence.equivocation": message("signing two different receipts"),
    "offence.false_capability": message("claiming what it cannot do"),
    "offence.forged_root": message("signing for what it did not compute"),
    "offence.wrong_output": message("a wrong output"),
    "sharp.chosen_otherwise": message("another token was to be chosen"),
    "sharp.class_not_reproduced": message("how its processor rounds is not known here"),
    "sharp.ends_elsewhere": message("what it ends with is not what was signed for"),
    "sharp.holds": message("all that was looked at holds"),
    "sharp.not_covered": message("{operator} cannot be recomputed here"),
    "sharp.not_covered_here": message("some operator cannot be recomputed here"),
    "sharp.not_proven": message("what speaks against it convinces no stranger"),
    "sharp.not_made": message("this computer could not make the test"),
    "sharp.opened_otherwise": message("it showed something else than it signed for"),
    "sharp.operator": message("an operator gave what none gives"),
    "sharp.other_statement": message("it signed for something else"),
    "sharp.phone_gone": message("it did not answer"),
    "sharp.phone_unable": message("it has no room for that, or other layers by now"),
    "sharp.refused": message("it refused"),
    "stop.by_keepers": message("ordered by keepers"),
    "stop.in_window": message("ordered in the window"),
    "transaction.void_broken_off": message("it was broken off"),
    "transaction.void_expired": message("its time was over"),
    "tokens.others_wrong": message("the others did not stand"),
}
ADVICE: Final[Mapping[str, Message]] = {}
