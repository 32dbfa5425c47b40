"""How a rack checks answers: audit rate, whether every token is checked, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

from app.core.assignment import Assignment
from app.core.audit_outcome import CheckMode, ChecksSnapshot
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.ledger.rules.economy import TREASURY_FEE_PER_MILLE, share
from app.ledger.views.snapshot import PhoneStanding
from app.proof.auditors.executor import AuditExecutor, AuditsHere
from app.proof.threshold import Incentives, least_audit_rate
from app.rack.blocking import BlockingPool
from app.rack.context import RackContext
from app.rack.layers.assigner import Assigner
from app.rack.layers.quotes import PRICE_PER_TOKEN
from app.rack.layers.spans import Applied
from app.rack.ledger_thread import LedgerThread
from app.rack.options import RackOptions
from app.rack.phones.fleet import Fleet
from app.rack.phones.rack_file import RackDefinition
from app.rack.settlement.class_reading import ClassReader
from app.rack.settlement.settlement import Examiners, Settlement
from app.rack.settlement.sharp.sharp_tests import SharpTests
from app.rack.settlement.verifiers.phone_verifiers import PhoneVerifiers
from app.rack.settlement.whole_check import CheckSettings, WholeChecker


class Checks:
    """The settings of a rack's checks, and the picture of them. Lives on the service loop."""

    def __init__(self, options: RackOptions, defined: RackDefinition, fleet: Fleet) -> None:
        """Begin with what the options say, else with the rack's own."""
        rate = defined.audit_rate if options.audit_rate is None else options.audit_rate
        verifiers = defined.verifiers if options.verifiers is None else options.verifiers
        mode = options.check_mode or defined.check_mode
        self._settings = CheckSettings(rate, mode, verifiers)
        self._sharp_rate = options.sharp_rate
        self._simulated = bool(defined.personas)
        self._fleet = fleet
        self._pool = BlockingPool(1, "check")
        self._checker: WholeChecker | None = None
        self._auditors = _auditors(options)

    def settlement(
        self,
        context: RackContext,
        ledger_thread: LedgerThread,
        audit_pool: BlockingPool,
        store: Path,
        assigner: Assigner,
    ) -> Settlement:
        """Return what checks and settles the rack's answers."""
        settings, pool = self._settings, self._pool
        self._checker = WholeChecker(
            store, context.clock, pool, settings, simulated=self._simulated
        )
        examiners = Examiners(
            self._checker,
            SharpTests(audit_pool, store, self._sharp_rate, context, self._free_bytes),
            self._auditors,
            ClassReader(ledger_thread, audit_pool),
            PhoneVerifiers(
                context,
                ledger_thread,
                self._fleet,
                assigner.loader,
                settings,
                busy=lambda: frozenset(chain.from_iterable(assigner.rings)),
                private=lambda: assigner.problems.asked.newest.private,
            ),
        )
        return Settlement(ledger_thread, audit_pool, store, settings, examiners=examiners)

    def _free_bytes(self, serial: Serial) -> int | None:
        """Return how much memory a phone had left when it was last looked at."""
        phone = self._fleet.phones.get(serial)
        vitals = None if phone is None else phone.vitals
        return None if vitals is None else vitals.memory_available_bytes

    async def set(
        self, audit_rate: float, mode: CheckMode, *, verifiers: bool | None = None
    ) -> None:
        """Check so from now on; texts under way keep the audit rate they began with.

        `verifiers` says whether idle phones audit; None leaves that. Raises `BadInputError` for a
        rate that is no share.
        """
        if not 0 <= audit_rate <= 1:
            raise BadInputError("audit.rate")
        settings = self._settings
        settings.audit_rate, settings.mode = audit_rate, mode
        settings.verifiers = settings.verifiers if verifiers is None else verifiers

    def snapshot(self, applied: Applied | None, tokens: Iterable[int]) -> ChecksSnapshot:
        """Return how answers are checked; `tokens` is how many each of the newest texts has."""
        settings = self._settings
        if applied is None:
            rate, mode = settings.audit_rate, settings.mode
            return ChecksSnapshot(rate, mode, verifiers=settings.verifiers)
        phones = self._fleet.phones.items()
        standings = {serial: phone.standing for serial, phone in phones if phone.standing}
        longest = max(tokens, default=0)
        least = least_safe_rate(applied.assignment, longest, standings) if longest else None
        cost = self._checker.newest_share(applied.model.name) if self._checker else None
        return ChecksSnapshot(
            settings.audit_rate, settings.mode, cost, least, verifiers=settings.verifiers
        )

    def shutdown(self) -> None:
        """End the thread that checks texts, once its check has ended; let go of auditors."""
        self._pool.shutdown()
        self._auditors.close()


def _auditors(options: RackOptions) -> AuditExecutor:
    """Return who audits receipts. Raises `BadInputError` for a cluster that cannot be used."""
    if options.auditors is None:
        return AuditsHere()
    from app.proof.auditors.cluster import ClusterAuditors  # noqa: PLC0415 - an extra

    return ClusterAuditors(options.auditors, options.auditors_tls, AuditsHere())


def least_safe_rate(
    assignment: Assignment, tokens: int, standings: Mapping[Serial, PhoneStanding]
) -> float:
    """Return the audit rate above which honest work pays better for every phone of a ring.

    A phone that computes nothing saves at most what it gets for a text of so many tokens (else
    nobody would compute), and found wrong it loses that and what it has at stake for one offence
    (`app.proof.threshold`). It is 1 where some phone has too little at stake for any rate.
    """
    layers = sum(stage.layer_count for stage in assignment.stages)
    rates = []
    for stage in assignment.stages:
        standing = standings.get(stage.serial)
        price = PRICE_PER_TOKEN * tokens * stage.layer_count // layers
        earned = price - share(price, TREASURY_FEE_PER_MILLE)
        at_stake = standing.bonded if standing else 0
        try:
            rates.append(least_audit_rate(Incentives(earned, 0, earned, at_stake)))
        except BadInputError:
            return 1.0
    return max(rates, default=0.0)
