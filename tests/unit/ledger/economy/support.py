"""Keepers that sign, over the ledger of `tests.unit.ledger.support`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.identifiers import TransactionId
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.governance.statement import SignedStatement, sign_statement
from app.ledger.rules.state import State, TransactionStatus
from app.ledger.views.export import export_ledger
from app.testing.clocks import ManualClock
from tests.unit.ledger.support import Bench


class Keeper:
    """A person with a key, the same of the same name."""

    def __init__(self, name: str, bench: EconomyBench) -> None:
        seed = hashlib.sha256(f"keeper {name}".encode()).digest()
        self.key = Ed25519PrivateKey.from_private_bytes(seed)
        self._bench = bench

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def signs(self, kind: str, **fields: Any) -> SignedStatement:  # noqa: ANN401 - any JSON
        return sign_statement(kind, self._bench.ledger.host_key, fields, self.key)

    def orders(self, kind: str, phone: int, **fields: Any) -> None:  # noqa: ANN401 - any JSON
        number = self._bench.ledger.stakes.next_number(self.public_key)
        serial = self._bench.phones[phone].serial
        self._bench.ledger.stakes.order(
            kind, self.signs(kind, serial=serial, number=number, **fields)
        )

    def proposes(self, parameter: str, value: int, title: str = "A change") -> str:
        change = {"parameter": parameter, "value": value}
        return self._bench.ledger.governance.propose(
            self.signs("proposal", title=title, change=change, grant=None)
        )

    def votes(self, proposal: str, choice: str) -> None:
        self._bench.ledger.governance.vote(self.signs("vote", proposal=proposal, choice=choice))


class EconomyBench(Bench):
    """Three registered phones, each with a stake of the operator's, and the keepers of the first
    two. All that is paid out can be waited for."""

    def __init__(self, folder: Path) -> None:
        self.manual = ManualClock()
        super().__init__(folder, self.manual)
        self.register()
        self.keepers = [Keeper("ann", self), Keeper("bob", self)]
        for phone, keeper in zip(self.phones, self.keepers, strict=False):
            self.ledger.stakes.name_keeper(phone.serial, keeper.public_key)

    @property
    def state(self) -> State:
        return self.ledger._journal.state

    def status(self, transaction: str) -> TransactionStatus:
        return self.state.transaction(transaction).status

    def work(self, name: str, tokens: int = 500, price: int = 1_000_000) -> TransactionId:
        """Have all phones work and be paid for so many tokens, the evidence window included."""
        transaction = self.begin(name, price)
        self.sign_all(transaction)
        self.ledger.settle(transaction, tokens)
        self.wait(Parameter.EVIDENCE_WINDOW_S)
        return transaction

    def wait(self, parameter: Parameter) -> None:
        """Let the time of a parameter pass, and what is due then be done."""
        self.manual.advance(self.state.economy.value(parameter))
        self.ledger.look_after()

    def balances(self) -> dict[str, int]:
        return {name: value for name, value in self.state.balances.items() if value}

    def check(self) -> None:
        """Assert that no micro-credit is lost, on disk too, and close."""
        assert sum(self.state.balances.values()) == 0
        self.ledger.close()
        report = self.verify()
        assert (report.valid, report.problem) == (True, None)
        accounts = export_ledger(self.path)["accounts"]
        assert sum(map(int, accounts.values())) == 0
