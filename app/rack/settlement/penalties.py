"""What follows from a check: verdicts journalled, offenders slashed or jailed, work paid."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.ledger.ledger import Ledger
from app.ledger.rules.economy import CREDIT
from app.ledger.views.reasons import OTHERS_WRONG
from app.ledger.views.snapshot import PhoneStanding
from app.proof.case import Verdict
from app.rack.context import RackContext
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.settlement.concluded import AttemptOutcome, Finding
from app.rack.settlement.findings import found_by_audit
from app.rack.snapshot import TimelineKind


class Penalties:
    """Turns outcomes into journal entries and phone states. Lives on the service loop."""

    def __init__(self, context: RackContext, ledger_thread: LedgerThread, fleet: Fleet) -> None:
        self._ledger_thread = ledger_thread
        self._fleet = fleet
        self._timeline = context.timeline
        self._changed = context.changed

    async def judge(self, outcome: AttemptOutcome, surviving: int, tokens: int) -> int:
        """Journal an outcome, pay for the tokens that survive; return the number of slashes."""
        await self._ledger_thread.run(lambda ledger: _record_verdicts(ledger, outcome))
        self._announce_audits(outcome)
        slashes = 0
        for finding in outcome.findings:
            slashes += await self._answer(outcome, finding)
        await self._ledger_thread.run(lambda ledger: _close(ledger, outcome, surviving, tokens))
        await self.refresh_standings()
        return slashes

    async def jail(self, transaction: TransactionId, withheld: Mapping[Serial, Fact]) -> None:
        """Keep phones from work at once that did not answer for theirs, and leave them unpaid.

        `withheld` tells of each what it did. Nobody is slashed: there is no proof of it.
        """
        for serial, offence in withheld.items():
            await self._ledger_thread.run(partial(_note_withheld, serial, transaction, offence))
            phone = self._fleet.phones[serial]
            told = Fact("penalty.jailed_unpaid", phone=phone.name, offence=offence)
            self._timeline.add(TimelineKind.ERROR, told, serial)
            self._put_in_jail(phone, offence)

    async def refresh_standings(self) -> None:
        """Read every registered phone's account again."""
        serials = [phone.serial for phone in self._fleet.phones.values() if phone.standing]

        def read(ledger: Ledger) -> dict[Serial, PhoneStanding]:
            return {serial: ledger.standing(serial) for serial in serials}

        for serial, standing in (await self._ledger_thread.run(read)).items():
            self._fleet.phones[serial].standing = standing
        self._changed()

    def _announce_audits(self, outcome: AttemptOutcome) -> None:
        passed = sum(verdict.passed for verdict in outcome.verdicts)
        if passed:
            told = Fact("audit.passed", passed=passed, count=len(outcome.verdicts))
            self._timeline.add(TimelineKind.AUDIT_OK, told)
        for verdict in outcome.verdicts:
            if not verdict.passed:
                serial = Serial(verdict.serial)
                kind, told = _told(verdict, self._fleet.phones[serial].name)
                self._timeline.add(kind, told, serial)

    async def _answer(self, outcome: AttemptOutcome, finding: Finding) -> int:
        phone = self._fleet.phones[finding.serial]
        offence = finding.offence
        if offence is not None:
            amount = await self._ledger_thread.run(
                lambda ledger: ledger.slash(
                    finding.serial, outcome.transaction, offence, dict(finding.evidence)
                )
            )
            told = Fact(
                "penalty.slashed", phone=phone.name, credits=amount / CREDIT, found=finding.reason
            )
            self._timeline.add(TimelineKind.SLASH, told, phone.serial)
        else:
            await self._ledger_thread.run(
                lambda ledger: ledger.withheld(finding.serial, outcome.transaction)
            )
            told = Fact("penalty.jailed", phone=phone.name, offence=finding.reason)
            self._timeline.add(TimelineKind.ERROR, told, phone.serial)
        self._put_in_jail(phone, finding.reason)
        return int(offence is not None)

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


def _record_verdicts(ledger: Ledger, outcome: AttemptOutcome) -> None:
    for verdict in outcome.verdicts:
        ledger.record_audit(verdict)
    for stage, (what, reason) in outcome.not_audited.items():
        ledger.record_not_audited(outcome.transaction, stage, what, reason.code)


def _close(ledger: Ledger, outcome: AttemptOutcome, surviving: int, tokens: int) -> None:
    if surviving < tokens or tokens == 0:
        ledger.roll_back(outcome.transaction, surviving, OTHERS_WRONG)
    if surviving:
        ledger.settle(outcome.transaction, surviving)
