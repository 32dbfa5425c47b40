"""What `app.rack` and `app.faults` say of single phones: states, penalties, faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "breaker.confirmed": message("Phones of the class {name} are judged as others are again."),
    "breaker.opened": plural(
        "{count} phone of the new class {name} failed: nobody of it is blamed until you confirm "
        "that it is judged rightly.",
        "{count} phones of the new class {name} failed alike: nobody of it is blamed until you "
        "confirm that it is judged rightly.",
    ),
    "breaker.spared": message("{phone} is of a class in doubt: it stands by and is not blamed."),
    "penalty.not_admitted": message(
        "{phone} gets no work until you release it: what its audits add up to is not what honest "
        "phones show."
    ),
    "phone.not_admitted": message("Its audits deviate too far: release it to let it work."),
    "audit.close_look_elsewhere": message(
        "{phone} ran its layers again and ends elsewhere than its receipt says "
        "({deviation:.1f} times what rounding allows)."
    ),
    "audit.close_look_holds": plural(
        "{phone} ran its layers again: {count} operator was recomputed and holds "
        "({deviation:.2f} of what rounding allows).",
        "{phone} ran its layers again: {count} operators were recomputed and hold "
        "({deviation:.2f} of what rounding allows).",
    ),
    "audit.close_look_none": message("{phone} did not run its layers again: {reason}."),
    "audit.close_look_operator": message(
        "{phone} ran its layers again: {operator} is wrong in row {row} "
        "({deviation:.1f} times what rounding allows)."
    ),
    "audit.close_look_refused": message(
        "{phone} did not show its work when it was asked to run its layers again: {reason}."
    ),
    "audit.close_look_token": message(
        "{phone} ran its layers again: they give another token than the one that it told "
        "({deviation:.1f} times what rounding allows)."
    ),
    "audit.deviates": message("its output deviates further than its processor explains"),
    "audit.failed": message("{phone} failed its audit: {found}."),
    "audit.grounds_disowned": message("it did not sign what its tokens rest on"),
    "audit.inputs_disowned": message("it did not sign what it received"),
    "audit.inputs_unusable": message("it signed for inputs nobody can compute with"),
    "audit.needs_outputs": message("nothing that it sent was left to compare"),
    "audit.nothing_wrong": message("nothing was wrong"),
    "audit.other_shard": message("it ran other layers than agreed"),
    "audit.outputs_disowned": message("it did not sign what it sent"),
    "audit.verified_by": message("{verifier} verified what {phone} computed."),
    "audit.verifier_unfit": message("the phone that audited may not audit any more"),
    "audit.verifier_wrong": message(
        "{phone} audited {audited} and answered what this computer does not compute: its "
        "reputation falls, and it audits nobody until you release it."
    ),
    "audit.passed": plural(
        "{passed} of {count} audit passed.", "{passed} of {count} audits passed."
    ),
    "audit.phone_deviates": message(
        "{phone} deviates further than the rounding of its processor explains: its reputation "
        "falls and it is audited more often. It keeps its stake."
    ),
    "audit.too_little_left": message("too little was left to compute it again"),
    "audit.wrong_output": message("its output was wrong"),
    "fault.at_once": message("Fault '{fault}': {kind} happens at once, leave @TOKEN out."),
    "fault.amount": message("Fault '{fault}': its amount is from {least} to {most}."),
    "fault.form": message(
        "Fault '{fault}' is not KIND:PHONE[@TOKEN][=AMOUNT][%SHARE] with KIND one of {kinds}."
    ),
    "fault.no_amount": message("Fault '{fault}': {kind} has no amount."),
    "fault.no_share": message("Fault '{fault}': {kind} cannot show in a share of the steps."),
    "fault.not_noted": message("A fault is set only once it is written down: {reason}."),
    "fault.on_host": message("Injected here: {fault:description}"),
    "fault.share": message("Fault '{fault}': its share of the steps is above 0 and at most 100 %."),
    "fault.undone": message(
        "A fault that the last run had left on {phone} was lifted: that run ended unexpectedly."
    ),
    "fault.injected": message("Injected into {phone}: {fault:description}"),
    "fault.lifted": message("{phone} is whole again."),
    "fault.no_such_phone": message("Fault '{fault}': this rack has no phone '{phone}'."),
    "fault.no_worker": message("{phone} has no worker to break."),
    "fault.token": message("Fault '{fault}': tokens count from 1."),
    "penalty.downgraded": message(
        "{phone} pays {credits:,.1f} credits for {found}: by its own word it did less. From now on "
        "it is planned with as slow as it was."
    ),
    "penalty.jailed": message("{phone} {offence}: it is jailed."),
    "penalty.jailed_unpaid": message("{phone} {offence}: it is jailed and not paid."),
    "penalty.not_recorded": message("The ledger does not take what was found: {reason}"),
    "penalty.slashed": message(
        "{phone} was slashed {credits:figure} credits: {found}. Its layers move to the other "
        "phones."
    ),
    "phone.another_worker": message("{phone} has another worker now."),
    "phone.back": message("{phone} is back; its worker went on meanwhile."),
    "phone.in_state": message("{phone} {state}"),
    "phone.jailed": message("Jailed: {offence}. Release it to use it again."),
    "phone.jailed_by_ledger": message("Jailed by the ledger; release it to use it again."),
    "phone.left_alone": message(
        "{restarts} restarts in {minutes} minutes did not help {phone}: it is left alone now. "
        "Connect it again to try once more."
    ),
    "phone.no_worker": message("{phone} has no worker."),
    "phone.odd_memory_share": message(
        "Layers take a share of a phone's available memory: above 0, at most {most:.0f}."
    ),
    "phone.not_held": message("{phone} works for no other control centre."),
    "phone.not_connected": message("{phone} is not connected."),
    "phone.not_simulated": message("{phone} is no simulated phone."),
    "phone.released": message("{phone} was released by the operator."),
    "phone.restarted": message("{phone} was restarted by the operator."),
    "phone.revived": message("{phone} was restarted after its worker had ended."),
    "phone.stands": message("{phone}: it is {state}."),
    "phone.stands_because": message("{phone}: {reason}"),
    "phone.stands_by": message(
        "Everything is on it; its worker starts when another phone falls out."
    ),
    "phone.stopped_answering": message("{phone} stopped answering."),
    "phone.unforeseen": message("It was not made ready: something unforeseen came between."),
    "phone.unusable": message("{phone} cannot be used now."),
    "phone.without_stake": message(
        "{phone} has nothing at stake, so its work is audited more often. Add a stake in its menu,"
        " or type: shardloom ledger stake"
    ),
    "phone.worker_without_key": message("{phone}'s worker could not prove its key."),
    "witness.other_ledger": message("{phone} showed the head of another ledger."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "breaker.opened": message("Type: shardloom ledger confirm-class NAME"),
    "phone.not_simulated": message("Unplug, warm or restart it by hand."),
}
