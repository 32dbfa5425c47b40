"""The ledger against a naive model: conservation, idempotency, replay."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from app.core.audit_outcome import AuditOutcome, SharpOutcome
from app.core.errors import LedgerError
from app.core.identifiers import TransactionId
from app.ledger.rules.economy import STARTING_STAKE
from app.ledger.rules.phones.canaries import Excuse
from app.ledger.views.export import export_ledger
from tests.unit.ledger.support import LAYERS, Bench, Verdict

PHONES = st.integers(0, len(LAYERS) - 1)


class LedgerMachine(RuleBasedStateMachine):
    """Stakes and earnings are kept in plain dictionaries beside the ledger."""

    transactions: Bundle[TransactionId] = Bundle("transactions")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self.folder.name))
        self.register()
        self.stakes = [STARTING_STAKE] * len(LAYERS)
        self.staked = [STARTING_STAKE] * len(LAYERS)
        self.earned = [0] * len(LAYERS)
        self.signed: dict[str, set[int]] = {}
        self.failed: dict[str, set[int]] = {}
        self.convicted: dict[str, set[int]] = {}
        self.cleared: dict[str, set[int]] = {}
        self.looked_at: dict[str, set[int]] = {}
        self.owed = [0] * len(LAYERS)
        self.short: list[tuple[bool, ...]] = [()] * len(LAYERS)
        self.timed: set[tuple[str, int]] = set()
        self.punished: set[tuple[str, int]] = set()
        self.closed: set[str] = set()
        self.of_past_epochs: set[str] = set()

    @rule(target=transactions)
    def open_transaction(self) -> TransactionId:
        name = self.bench.begin(f"t{len(self.signed)}")
        self.signed[name], self.failed[name] = set(), set()
        self.cleared[name] = set()
        self.convicted[name], self.looked_at[name] = set(), set()
        return name

    @rule(transaction=transactions, phone=PHONES)
    def sign(self, transaction: TransactionId, phone: int) -> None:
        name = f"class {phone}"
        receipt = self.bench.phones[phone].receipt(transaction, phone, numerical_class=name)
        over = transaction in self.closed or transaction in self.of_past_epochs
        if over and phone not in self.signed[transaction]:
            self.refused(lambda: self.bench.ledger.record_receipt(*receipt))
            return
        self.bench.ledger.record_receipt(*receipt)
        self.signed[transaction].add(phone)

    @rule(transaction=transactions, phone=PHONES, outcome=st.sampled_from(AuditOutcome))
    def audit(self, transaction: TransactionId, phone: int, outcome: AuditOutcome) -> None:
        verdict = Verdict(transaction, phone, self.bench.phones[phone].serial, outcome)
        failed = outcome is AuditOutcome.FAILED
        if phone not in self.signed[transaction]:
            self.refused(lambda: self.bench.ledger.record_audit(verdict))
        elif failed or phone not in self.failed[transaction]:
            self.bench.ledger.record_audit(verdict)
            if failed and phone not in self.cleared[transaction]:
                self.failed[transaction].add(phone)

    @rule(transaction=transactions, phone=PHONES, outcome=st.sampled_from(SharpOutcome))
    def look_closely(self, transaction: TransactionId, phone: int, outcome: SharpOutcome) -> None:
        name = f"class {phone}"  # each of its own: no breaker opens
        found = self.bench.sharp(transaction, phone, outcome, numerical_class=name)
        if phone not in self.signed[transaction]:
            self.refused(lambda: self.bench.ledger.record_sharp_test(found))
            return
        self.bench.ledger.record_sharp_test(found)
        if phone in self.looked_at[transaction]:
            return
        self.looked_at[transaction].add(phone)
        match outcome:
            case SharpOutcome.FAILED:
                self.convicted[transaction].add(phone)
                self.failed[transaction].add(phone)
            case SharpOutcome.REFUSED:
                self.owed[phone] += max(self.staked[phone] // 5, 1001 * 3 * LAYERS[phone] // 8)
                self.failed[transaction].add(phone)
            case SharpOutcome.PASSED:
                self.failed[transaction].discard(phone)
                self.cleared[transaction].add(phone)

    @rule(transaction=transactions, phone=PHONES)
    def slash(self, transaction: TransactionId, phone: int) -> None:
        serial = self.bench.phones[phone].serial

        def punish() -> int:
            return self.bench.ledger.slash(serial, transaction, "wrong-output", {"deviation": 2.0})

        if phone not in self.convicted[transaction]:
            self.refused(punish)
            return
        due = min(self.staked[phone] // 5, self.stakes[phone])
        expected = 0 if (transaction, phone) in self.punished else due
        assert punish() == expected
        self.stakes[phone] -= expected
        self.punished.add((transaction, phone))

    @rule(transaction=transactions, phone=PHONES, slow=st.booleans(), hot=st.booleans())
    def canary(self, transaction: TransactionId, phone: int, slow: bool, hot: bool) -> None:  # noqa: FBT001 - drawn
        """Three of the last five that fall short of the phone's own word cost a twentieth."""
        took = {} if slow else {"taken_us": 10_000}
        signed = self.bench.phones[phone].times(transaction, phone, **took)
        excuse = Excuse.HEAT if hot else Excuse.NONE

        def record() -> int | None:
            return self.bench.ledger.canaries.record(transaction, phone, signed, excuse)

        if phone not in self.signed[transaction] or (transaction, phone) in self.timed:
            self.refused(record)
            return
        self.timed.add((transaction, phone))
        if not hot:
            self.short[phone] = (*self.short[phone], slow)[-5:]
        if sum(self.short[phone]) < 3:
            assert record() is None
            return
        due = min(self.staked[phone] * 50 // 1000, self.stakes[phone])
        assert record() == due
        self.stakes[phone] -= due
        self.short[phone] = ()

    @rule(phone=PHONES, amount=st.integers(1, 10**9))
    def add_stake(self, phone: int, amount: int) -> None:
        self.bench.ledger.add_stake(self.bench.phones[phone].serial, amount)
        self.stakes[phone] += amount
        self.staked[phone] += amount

    @rule(transaction=transactions, tokens=st.integers(0, 300))
    def settle(self, transaction: TransactionId, tokens: int) -> None:
        if transaction in self.closed:
            return
        self.bench.ledger.settle(transaction, tokens)
        self.bench.ledger.settle(transaction, tokens)
        self.closed.add(transaction)
        for phone in self.signed[transaction] - self.failed[transaction]:
            part = Fraction(1001 * tokens * LAYERS[phone], sum(LAYERS))
            serial = self.bench.phones[phone].serial
            paid = self.bench.ledger.standing(serial).balance - self.earned[phone]
            kept = self.owed[phone] - self.bench.ledger.standing(serial).owed
            assert abs(paid + kept - part * Fraction(98, 100)) < 2
            assert kept == 0 or paid == 0 or kept == self.owed[phone]
            self.owed[phone] -= kept
            self.earned[phone] += paid

    @rule()
    def restart(self) -> None:
        before = [self.bench.ledger.standing(phone.serial) for phone in self.bench.phones]
        self.bench.ledger.close()
        self.bench.open()
        self.of_past_epochs.update(self.signed)
        after = [self.bench.ledger.standing(phone.serial) for phone in self.bench.phones]
        assert before == after

    @rule()
    def register_again(self) -> None:
        entries = self.bench.ledger.snapshot().entries
        self.register()
        assert self.bench.ledger.snapshot().entries == entries

    @invariant()
    @precondition(lambda self: hasattr(self, "bench"))
    def the_ledger_agrees_with_the_model(self) -> None:
        for phone, stake, earned in zip(self.bench.phones, self.stakes, self.earned, strict=True):
            standing = self.bench.ledger.standing(phone.serial)
            assert (standing.stake, standing.balance) == (stake, earned)
            assert standing.owed == self.owed[self.bench.phones.index(phone)]
            assert 0 <= standing.bonded <= standing.stake

    def register(self) -> None:
        for number, phone in enumerate(self.bench.phones):
            proof = self.bench.proven(phone)
            self.bench.ledger.register_phone(phone.serial, proof, f"class {number}")
            self.bench.ledger.grant_stake(phone.serial)

    def refused(self, operation: object) -> None:
        entries = self.bench.ledger.snapshot().entries
        assert callable(operation)
        try:
            operation()
        except LedgerError:
            assert self.bench.ledger.snapshot().entries == entries
            return
        raise AssertionError("the ledger should have refused")

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        self.bench.ledger.close()
        assert self.bench.verify().valid
        accounts = export_ledger(self.bench.path)["accounts"]
        assert sum(map(int, accounts.values())) == 0
        self.folder.cleanup()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
