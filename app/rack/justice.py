"""What follows from a check: verdicts journalled, offenders slashed or jailed, work paid."""

from __future__ import annotations

from collections.abc import Callable

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.core.units import significant
from app.ledger.ledger import Ledger
from app.ledger.views import PhoneStanding
from app.proof.case import Verdict
from app.rack.auditing import REASON_WORDS, AttemptOutcome, Finding
from app.rack.books import Books
from app.rack.fleet import Fleet
from app.rack.snapshot import TimelineKind
from app.rack.timeline import Timeline

CREDIT = 1_000_000
"""Micro-credits in one credit."""


class Justice:
    """Turns outcomes into journal entries and phone states. Lives on the service loop."""

    def __init__(
        self, books: Books, fleet: Fleet, timeline: Timeline, changed: Callable[[], None]
    ) -> None:
        self._books = books
        self._fleet = fleet
        self._timeline = timeline
        self._changed = changed

    async def judge(self, outcome: AttemptOutcome, surviving: int, tokens: int) -> int:
        """Journal an outcome, pay for the tokens that survive; return the number of slashes."""
        await self._books.run(lambda ledger: _record_verdicts(ledger, outcome))
        self._announce_audits(outcome)
        slashes = 0
        for finding in outcome.findings:
            slashes += await self._answer(outcome, finding)
        await self._books.run(lambda ledger: _close(ledger, outcome, surviving, tokens))
        await self.refresh_standings()
        return slashes

    async def refresh_standings(self) -> None:
        """Read every registered phone's account again."""
        serials = [phone.serial for phone in self._fleet.phones.values() if phone.standing]

        def read(ledger: Ledger) -> dict[Serial, PhoneStanding]:
            return {serial: ledger.standing(serial) for serial in serials}

        for serial, standing in (await self._books.run(read)).items():
            self._fleet.phones[serial].standing = standing
        self._changed()

    def _announce_audits(self, outcome: AttemptOutcome) -> None:
        passed = sum(verdict.passed for verdict in outcome.verdicts)
        if passed:
            self._timeline.add(
                TimelineKind.AUDIT_OK, f"{passed} of {len(outcome.verdicts)} audits passed."
            )
        for verdict in outcome.verdicts:
            if not verdict.passed:
                serial = Serial(verdict.serial)
                kind, words = _in_words(verdict)
                self._timeline.add(kind, f"{self._fleet.phones[serial].name} {words}", serial)

    async def _answer(self, outcome: AttemptOutcome, finding: Finding) -> int:
        phone = self._fleet.phones[finding.serial]
        offence = finding.offence
        if offence is not None:
            amount = await self._books.run(
                lambda ledger: ledger.slash(
                    finding.serial, outcome.transaction, offence, dict(finding.evidence)
                )
            )
            text = (
                f"{phone.name} was slashed {significant(amount / CREDIT)} credits: "
                f"{finding.reason}. Its layers move to the other phones."
            )
            self._timeline.add(TimelineKind.SLASH, text, phone.serial)
        else:
            await self._books.run(
                lambda ledger: ledger.withheld(finding.serial, outcome.transaction)
            )
            text = f"{phone.name} {finding.reason}: it is jailed and not paid."
            self._timeline.add(TimelineKind.ERROR, text, phone.serial)
        if phone.state is not DeviceState.LOST:
            phone.state = DeviceState.JAILED
            phone.state_reason = f"Jailed: {finding.reason}. Release it to use it again."
        self._changed()
        return int(offence is not None)


def _in_words(verdict: Verdict) -> tuple[TimelineKind, str]:
    if verdict.failed:
        reason = REASON_WORDS[verdict.reason]
        return TimelineKind.AUDIT_FAILED, f"failed its audit: {reason}."
    return TimelineKind.AUDIT_DEVIATES, (
        "deviates further than the rounding of its processor explains: its reputation falls and it "
        "is audited more often. It keeps its stake."
    )


def _record_verdicts(ledger: Ledger, outcome: AttemptOutcome) -> None:
    for verdict in outcome.verdicts:
        ledger.record_audit(verdict)


def _close(ledger: Ledger, outcome: AttemptOutcome, surviving: int, tokens: int) -> None:
    if surviving < tokens or tokens == 0:
        ledger.roll_back(
            outcome.transaction, surviving, f"{tokens - surviving} tokens did not stand"
        )
    if surviving:
        ledger.settle(outcome.transaction, surviving)
