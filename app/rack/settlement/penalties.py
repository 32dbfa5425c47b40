"""What follows from a check: verdicts journalled, offenders slashed or jailed, work paid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from app.core.audit_outcome import DutyOutcome, SharpOutcome
from app.core.errors import LedgerError
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.ledger.ledger import Ledger
from app.ledger.rules.economy import CREDIT
from app.ledger.views.reasons import OTHERS_WRONG
from app.ledger.views.snapshot import DoubtedClass, PhoneStanding
from app.proof.case import Verdict
from app.proof.sharp.verdict import SharpReason
from app.rack.context import RackContext
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.settlement.concluded import AttemptOutcome, Finding, VerifierCheck
from app.rack.settlement.findings import found_by_audit
from app.rack.settlement.sharp.close_look import CloseLook
from app.rack.snapshot import TimelineKind

_Result = TypeVar("_Result")


class Penalties:
    """Turns outcomes into journal entries and phone states. Lives on the service loop."""

    def __init__(self, context: RackContext, ledger_thread: LedgerThread, fleet: Fleet) -> None:
        self.ledger_thread = ledger_thread
        self.fleet = fleet
        self._timeline = context.timeline
        self._told_doubts: set[str] = set()
        self._changed = context.changed

    async def judge(self, outcome: AttemptOutcome, surviving: int, tokens: int) -> int:
        """Journal an outcome, pay for the tokens that survive; return the number of slashes.

        What the ledger refuses of one phone is told; all else goes on. Raises `LedgerError` where
        it cannot be written, or does not pay.
        """
        for refusal in await self.ledger_thread.run(partial(_record_verdicts, outcome)):
            self._tell_refusal(refusal)
        self._announce_audits(outcome)
        doubted = await self.ledger_thread.run(lambda ledger: ledger.snapshot().doubted)
        self._tell_doubts(doubted)
        slashes = 0
        for finding in outcome.findings:
            if not await self._spare(outcome.transaction, finding):
                slashes += await self._answer(outcome, finding)
        await self.ledger_thread.run(lambda ledger: _close(ledger, outcome, surviving, tokens))
        await self.refresh_standings()
        return slashes

    async def jail(self, transaction: TransactionId, withheld: Mapping[Serial, Fact]) -> None:
        """Keep phones from work at once that did not answer for theirs, and leave them unpaid.

        `withheld` tells of each what it did. Nobody is slashed: there is no proof of it.
        """
        for serial, offence in withheld.items():
            await self.ledger_thread.run(partial(_note_withheld, serial, transaction, offence))
            phone = self.fleet.phones[serial]
            told = Fact("penalty.jailed_unpaid", phone=phone.name, offence=offence)
            self._timeline.add(TimelineKind.ERROR, told, serial)
            self._put_in_jail(phone, offence)

    async def tell_overclaimed(self, overclaimed: Mapping[Serial, int]) -> None:
        """Tell of phones that paid for claiming more than they do; they go on working."""
        for serial, taken in overclaimed.items():
            phone = self.fleet.phones[serial]
            found, paid = Fact("offence.false_capability"), taken / CREDIT
            told = Fact("penalty.downgraded", phone=phone.name, credits=paid, found=found)
            self._timeline.add(TimelineKind.SLASH, told, serial)
        if overclaimed:
            await self.refresh_standings()

    async def refresh_standings(self) -> None:
        """Read every registered phone's account again."""
        serials = [phone.serial for phone in self.fleet.phones.values() if phone.standing]

        def read(ledger: Ledger) -> dict[Serial, PhoneStanding]:
            return {serial: ledger.standing(serial) for serial in serials}

        for serial, standing in (await self.ledger_thread.run(read)).items():
            phone = self.fleet.phones[serial]
            was_admitted = phone.standing is None or phone.standing.admitted
            phone.standing = standing
            if was_admitted and not standing.admitted:
                told = Fact("penalty.not_admitted", phone=phone.name)
                self._timeline.add(TimelineKind.ERROR, told, serial)
                self._put_in_jail(phone, Fact("offence.deviates_too_often"))
        self._changed()

    def _announce_audits(self, outcome: AttemptOutcome) -> None:
        passed = sum(verdict.passed for verdict in outcome.verdicts)
        if passed:
            told = Fact("audit.passed", passed=passed, count=len(outcome.verdicts))
            self._timeline.add(TimelineKind.AUDIT_OK, told)
        for verdict in outcome.verdicts:
            if not verdict.passed:
                serial = Serial(verdict.serial)
                kind, told = _told(verdict, self.fleet.phones[serial].name)
                self._timeline.add(kind, told, serial)

        self._announce_verifiers(outcome)
        for look in outcome.close_looks:
            kind, told = _seen_closely(look, self.fleet.phones[look.serial].name)
            self._timeline.add(kind, told, look.serial)

    def _announce_verifiers(self, outcome: AttemptOutcome) -> None:
        for verdict in outcome.verdicts:
            if verdict.verifier:
                name, serial = self.fleet.name_of(Serial(verdict.serial)), Serial(verdict.verifier)
                told = Fact("audit.verified_by", phone=name, verifier=self.fleet.name_of(serial))
                self._timeline.add(TimelineKind.AUDIT_OK, told, serial)
        for check in outcome.verifier_checks:
            if not check.right:
                name, audited = map(self.fleet.name_of, (check.serial, check.audited))
                told = Fact("audit.verifier_wrong", phone=name, audited=audited)
                self._timeline.add(TimelineKind.ERROR, told, check.serial)

    def _tell_doubts(self, doubted: Sequence[DoubtedClass]) -> None:
        """Tell of each class whose breaker opened, once."""
        for each in doubted:
            if each.name not in self._told_doubts:
                told = Fact("breaker.opened", name=each.name, count=len(each.phones))
                self._timeline.add(TimelineKind.ERROR, told)
        self._told_doubts = {each.name for each in doubted}

    def _tell_refusal(self, error: LedgerError, serial: Serial | None = None) -> None:
        told = Fact("penalty.not_recorded", reason=error.fact)
        self._timeline.add(TimelineKind.ERROR, told, serial)

    async def _spare(self, transaction: TransactionId, finding: Finding) -> bool:
        """Let a phone whose class is in doubt only stand by; tell whether it is of such a one."""
        serial = finding.serial
        if not await self.ledger_thread.run(lambda ledger: ledger.is_doubted(transaction, serial)):
            return False
        phone = self.fleet.phones[serial]
        self._timeline.add(TimelineKind.INFO, Fact("breaker.spared", phone=phone.name), serial)
        self._put_in_jail(phone, Fact("offence.of_doubted_class"))
        return True

    async def _answer(self, outcome: AttemptOutcome, finding: Finding) -> int:
        """Slash or jail a phone; return the number of slashes. It is kept from work in any case."""
        phone, serial, offence = self.fleet.phones[finding.serial], finding.serial, finding.offence

        def penalise(ledger: Ledger) -> int:
            if offence is None:
                ledger.withheld(serial, outcome.transaction)
                return 0
            return ledger.slash(serial, outcome.transaction, offence, dict(finding.evidence))

        taken = await self.ledger_thread.run(partial(_unless_refused, penalise))
        self._put_in_jail(phone, finding.reason)
        if isinstance(taken, LedgerError):
            self._tell_refusal(taken, serial)
            return 0
        if offence is None:
            told = Fact("penalty.jailed", phone=phone.name, offence=finding.reason)
            self._timeline.add(TimelineKind.ERROR, told, serial)
            return 0
        told = Fact(
            "penalty.slashed", phone=phone.name, credits=taken / CREDIT, found=finding.reason
        )
        self._timeline.add(TimelineKind.SLASH, told, serial)
        return 1

    def _put_in_jail(self, phone: Phone, offence: Fact) -> None:
        phone.jail(Fact("phone.jailed", offence=offence))
        self._changed()


def _note_withheld(
    serial: Serial, transaction: TransactionId, offence: Fact, ledger: Ledger
) -> None:
    ledger.withheld(serial, transaction, unpaid_for=offence.code)


def _told(verdict: Verdict, phone: str) -> tuple[TimelineKind, Fact]:
    if verdict.failed:
        found = found_by_audit(verdict.reason)
        return TimelineKind.AUDIT_FAILED, Fact("audit.failed", phone=phone, found=found)
    return TimelineKind.AUDIT_DEVIATES, Fact("audit.phone_deviates", phone=phone)


def _seen_closely(look: CloseLook, phone: str) -> tuple[TimelineKind, Fact]:
    """Return what is told of a sharp test."""
    found, outcome = look.verdict, look.outcome
    if found is None or outcome in (SharpOutcome.REFUSED, SharpOutcome.UNAVAILABLE):
        refused = outcome is SharpOutcome.REFUSED
        code = "audit.close_look_refused" if refused else "audit.close_look_none"
        kind = TimelineKind.AUDIT_DEVIATES if refused else TimelineKind.INFO
        return kind, Fact(code, phone=phone, reason=look.reason)
    code, kind = _CLOSE_LOOKS[found.reason], TimelineKind.AUDIT_FAILED
    if outcome is SharpOutcome.PASSED:
        kind = TimelineKind.AUDIT_OK
    return kind, Fact(
        code,
        phone=phone,
        operator=found.operator,
        row=found.row,
        deviation=min(found.deviation, 1e12),
        count=found.looked_at,
    )


_CLOSE_LOOKS: Final[Mapping[SharpReason, str]] = {
    SharpReason.HOLDS: "audit.close_look_holds",
    SharpReason.OPERATOR: "audit.close_look_operator",
    SharpReason.ENDS_ELSEWHERE: "audit.close_look_elsewhere",
    SharpReason.CHOSEN_OTHERWISE: "audit.close_look_token",
}


def _unless_refused(
    operation: Callable[[Ledger], _Result], ledger: Ledger
) -> _Result | LedgerError:
    """Return what an operation returned, or why the ledger refused it: nothing changed then."""
    try:
        with ledger.atomic():
            return operation(ledger)
    except LedgerError as error:
        return error


def _record_verdicts(outcome: AttemptOutcome, ledger: Ledger) -> list[LedgerError]:
    """Journal all that was found; return why some of it was refused."""
    transaction = outcome.transaction

    def not_audited(stage: int, what: DutyOutcome, reason: Fact, ledger: Ledger) -> None:
        ledger.record_not_audited(transaction, stage, what, reason.code)

    def looked_at(look: CloseLook, ledger: Ledger) -> None:
        if look.evidence:
            ledger.evidence.put(look.evidence)
        ledger.record_sharp_test(look.record(transaction))

    def checked(check: VerifierCheck, ledger: Ledger) -> None:
        ledger.trust.note_answer(transaction, check.stage, check.serial, right=check.right)

    entries: list[Callable[[Ledger], None]] = [
        *(partial(_record_audit, verdict) for verdict in outcome.verdicts),
        *(partial(checked, check) for check in outcome.verifier_checks),
        *(partial(not_audited, stage, *why) for stage, why in outcome.not_audited.items()),
        *(partial(looked_at, look) for look in outcome.close_looks),
    ]
    done = [_unless_refused(entry, ledger) for entry in entries]
    return [why for why in done if why is not None]


def _record_audit(verdict: Verdict, ledger: Ledger) -> None:
    """Journal a verdict; one by a phone that may not audit any more counts as none."""
    try:
        ledger.record_audit(verdict)
    except LedgerError:
        if not verdict.verifier:
            raise
        transaction = TransactionId(verdict.transaction)
        reason = "audit.verifier_unfit"
        ledger.record_not_audited(transaction, verdict.stage, DutyOutcome.UNAVAILABLE, reason)


def _close(ledger: Ledger, outcome: AttemptOutcome, surviving: int, tokens: int) -> None:
    if surviving < tokens or tokens == 0:
        ledger.roll_back(outcome.transaction, surviving, OTHERS_WRONG)
    if surviving:
        ledger.settle(outcome.transaction, surviving)
