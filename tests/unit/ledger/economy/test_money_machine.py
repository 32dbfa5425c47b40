"""Money under random operations: nothing is lost or made, and every account is what a naive model
says. A slice here; `make soak` draws a million operations."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import TransactionId
from app.ledger.rules.accounts import ESCROW, TREASURY, earnings_account, stake_account
from app.ledger.rules.deals.closing import VoidReason
from app.ledger.rules.economy import CREDIT, OPERATOR_ENDOWMENT
from app.ledger.rules.governance.parameters import Parameter
from tests.unit.ledger.economy.support import EconomyBench

PHONES = 3
PRICE = 1_000_003
OPERATIONS = int(os.environ.get("SHARDLOOM_MONEY_OPERATIONS", "600"))


class Money:
    """A ledger, and beside it what plain sums say of its accounts."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.bench = EconomyBench(folder)
        self.random = random.Random(seed)  # noqa: S311 - a drawn course, no secret
        self.open: dict[str, set[int]] = {}
        self.settled: dict[str, tuple[int, int, set[int]]] = {}
        self.offenders: dict[str, set[int]] = {}
        self.escrow = 0
        self.count = 0
        self.refused = 0

    def step(self) -> None:
        kinds = [self.begin, self.sign, self.settle, self.void, self.equivocate]
        kinds += [self.stake, self.unbond, self.grant, self.wait]
        self.random.choice(kinds)()

    def begin(self) -> None:
        self.count += 1
        name = self.bench.begin(f"t{self.count}", PRICE)
        self.open[name], self.offenders[name] = set(), set()
        self.escrow += PRICE * 1000

    def sign(self) -> None:
        for name in list(self.open)[-3:]:
            phone = self.random.randrange(PHONES)
            if not self.bench.state.phone(self.bench.phones[phone].serial).tombstoned:
                self.bench.ledger.record_receipt(*self.bench.phones[phone].receipt(name, phone))
                self.open[name].add(phone)

    def settle(self) -> None:
        if name := self.any(self.open):
            tokens = self.random.randrange(1001)
            signed, deal = self.open.pop(name), self.bench.state.transaction(name).deal
            if deal is not None and self.bench.manual.wall_ms() > deal.commit_by_ms:
                self.bench.ledger.deals.void(TransactionId(name), VoidReason.EXPIRED)
                self.escrow -= PRICE * 1000
                return
            self.bench.ledger.settle(TransactionId(name), tokens)
            attempt = self.bench.state.transaction(name)
            assert attempt.deal is not None
            self.escrow -= PRICE * 1000 - attempt.deal.held
            paid = {int(each.serial[-1]) for each in attempt.deal.payments}
            assert paid == signed - self.offenders[name]
            assert attempt.deal.held <= PRICE * tokens
            self.settled[name] = attempt.deal.release_from_ms or 0, attempt.deal.held, signed

    def void(self) -> None:
        if name := self.any(self.open):
            try:
                self.bench.ledger.deals.void(TransactionId(name), VoidReason.BROKEN_OFF)
            except LedgerError:
                assert self.open[name]
                return
            assert not self.open.pop(name)
            self.escrow -= PRICE * 1000

    def equivocate(self) -> None:
        name = self.any([*self.open, *self.settled])
        if name is None or self.random.random() < 0.9:
            return
        phone = self.random.randrange(PHONES)
        if phone in (self.open.get(name) or set()) and phone != 0:
            data = self.bench.phones[phone].receipt(name, phone, output_root="f" * 64)
            self.bench.ledger.record_receipt(*data)
            self.offenders[name].add(phone)
            assert self.bench.state.balance(stake_account(self.bench.phones[phone].serial)) == 0

    def stake(self) -> None:
        self.order("stake-earnings")

    def unbond(self) -> None:
        self.order("unbond")

    def order(self, kind: str) -> None:
        phone = self.random.randrange(2)
        serial = self.bench.phones[phone].serial
        if kind == "unbond":
            own = self.bench.ledger.standing(serial).own_stake
        else:
            own = self.bench.state.balance(earnings_account(serial))
        amount = self.random.randrange(1, 2 * own + 2)
        before = dict(self.bench.state.balances)
        try:
            self.bench.keepers[phone].orders(kind, phone, amount=str(amount))
        except LedgerError:
            self.refused += 1
            assert dict(self.bench.state.balances) == before
        else:
            assert amount <= own

    def grant(self) -> None:
        phone = self.bench.phones[self.random.randrange(PHONES)].serial
        if not self.bench.state.phone(phone).tombstoned:
            self.bench.ledger.add_stake(phone, self.random.randrange(1, CREDIT))

    def wait(self) -> None:
        window_s = self.bench.state.economy.value(Parameter.EVIDENCE_WINDOW_S)
        self.bench.manual.advance(self.random.choice((1, window_s // 2, window_s, 40 * window_s)))
        self.bench.ledger.look_after()
        now_ms = self.bench.manual.wall_ms()
        for name, (from_ms, held, _signed) in list(self.settled.items()):
            if from_ms <= now_ms:
                del self.settled[name]
                self.escrow -= held

    def any(self, names: Iterable[str]) -> str | None:
        known = sorted(names)
        return self.random.choice(known) if known else None

    def check(self) -> None:
        balances = self.bench.state.balances
        assert sum(balances.values()) == 0
        assert balances["mint"] == -OPERATOR_ENDOWMENT
        assert all(value >= 0 for name, value in balances.items() if name != "mint")
        assert self.bench.state.balance(ESCROW) == self.escrow
        deals = (each.deal for each in self.bench.state.transactions.values())
        assert sum(each.held for each in deals if each) == self.escrow
        pending = sum(phone.pending for phone in self.bench.state.phones.values())
        assert 0 <= pending <= self.escrow
        assert self.bench.state.balance(TREASURY) >= 0


@pytest.mark.parametrize("seed", range(2))
def test_no_micro_credit_is_lost_or_made_whatever_is_done(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        money = Money(Path(folder), seed)
        for number in range(OPERATIONS // 2):
            with money.bench.ledger.atomic():
                money.step()
            if number % max(OPERATIONS // 40, 1) == 0:
                money.check()
        money.check()
        assert money.refused
        money.bench.check()
