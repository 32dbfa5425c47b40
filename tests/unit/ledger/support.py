"""A ledger with phones that hold real keys and sign real receipts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.audit_outcome import AuditOutcome, ProvenFault, SharpOutcome
from app.core.clock import Clock
from app.core.errors import BadInputError
from app.core.identifiers import RequestId, Serial, TransactionId
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import VerificationReport, verify_ledger
from app.ledger.ledger import Ledger
from app.ledger.rules.audits.sharp_tests import SharpRecord
from app.ledger.rules.phones.canaries import Excuse, SignedTimes
from app.ledger.rules.phones.registration import ProvenKey
from app.ledger.storage.addresses import LedgerPlace
from app.ledger.views.reasons import REMOVED_BY_OPERATOR
from app.testing.clocks import ManualClock
from tests.assignments import held, placed
from tests.signing import TERMS, agreed_fields, agreement, proven_key
from workers.identity.receipts import ReceiptBody, canonical_bytes, sign_receipt
from workers.identity.states import STATES_DOMAIN, StatesBody, states_bytes
from workers.pledges.work_times import TIMES_DOMAIN, WorkTimes, times_bytes
from workers.protocol.chain import ChainName, Span
from workers.protocol.commands import SignedTerms

LAYERS = (2, 3, 3)
PRICE = 1001
MOST_TOKENS = 1000
"""What a transaction puts in escrow for."""
OPERATOR = "FusedMatMul layer.1.down"


def written(fault: ProvenFault) -> bytes:
    """Return evidence as `judged` reads it: all that the ledger asks of a real one."""
    return json.dumps({**vars(fault), "public_key": fault.public_key.hex()}).encode()


def judged(content: bytes) -> ProvenFault:
    """Judge such evidence."""
    try:
        fields = json.loads(content)
        return ProvenFault(**{**fields, "public_key": bytes.fromhex(fields["public_key"])})
    except (ValueError, TypeError, KeyError):
        raise BadInputError("evidence.none") from None


@dataclass(frozen=True)
class Verdict:
    """An audit's verdict as the ledger sees it."""

    transaction: str
    stage: int
    serial: str
    outcome: AuditOutcome
    method: str = "exact"
    reason: str = ""
    first_bad_step: int | None = None
    first_bad_generated: int | None = None
    deviation: float = 0.0
    verifier: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


class SigningPhone:
    """A phone's key, the same of the same words; every receipt gets the next sequence number."""

    def __init__(self, serial: str, other_key: str = "") -> None:
        self.serial = Serial(serial)
        seed = hashlib.sha256(f"{serial}{other_key}".encode()).digest()
        self.key = Ed25519PrivateKey.from_private_bytes(seed)
        self.sequence = 0
        self.numerical_class = "class"
        self.terms: dict[str, SignedTerms] = {}
        """By transaction, what the host said of it."""

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def receipt(
        self, transaction: str, stage: int, **changes: object
    ) -> tuple[bytes, bytes, bytes]:
        self.sequence += 1
        first = sum(LAYERS[:stage])
        fields: dict[str, Any] = {
            "transaction": transaction,
            "stage": stage,
            "serial": self.serial,
            "span": "span",
            "graph": "0" * 64,
            "blocks": Span(ChainName.DECODER, first, first + LAYERS[stage]),
            "input_root": f"{stage:064x}",
            "output_root": f"{stage + 1:064x}",
            "steps": 3,
            "tokens": 9,
            "sequence": self.sequence,
            "numerical_class": self.numerical_class,
            **agreed_fields(self.terms.get(transaction, TERMS)),
        }
        body = ReceiptBody(**(fields | changes))
        return canonical_bytes(body), sign_receipt(body, self.key), self.public_key

    def times(self, transaction: str, stage: int, **changes: object) -> SignedTimes:
        """Return what it signs of a stage's times: by what it stands by, twice as quick."""
        terms = self.terms.get(transaction, TERMS)
        fields: dict[str, Any] = {
            "transaction": transaction,
            "stage": stage,
            "serial": self.serial,
            "host_key": terms.host_key,
            "nonce": agreed_fields(terms)["nonce"],
            "steps": 10,
            "taken_us": 20_000,
            "weight_bytes": 1_000_000,
            "claimed_rate": 10**9,
            "claimed_overhead_us": 0,
            "memory_bytes": 10**9,
            "claimed_memory_bytes": 10**9,
        }
        data = times_bytes(WorkTimes(**(fields | changes)))
        return SignedTimes(data.decode(), self.key.sign(TIMES_DOMAIN + data), self.public_key)

    def states(self, stage: int, **changes: object) -> tuple[bytes, bytes]:
        """Return what it signs of a stage that it ran again."""
        fields: dict[str, Any] = {
            "serial": self.serial,
            "graph": "0" * 64,
            "input_root": f"{stage:064x}",
            "output_root": f"{stage + 1:064x}",
            "states": "b" * 64,
            "states_root": "a" * 64,
            "leaves": 12,
            "steps": 3,
            "rows": 9,
            "numerical_class": "class",
        }
        data = states_bytes(StatesBody(**(fields | changes)))
        return data, self.key.sign(STATES_DOMAIN + data)


class Bench:
    """A ledger in a folder, three phones, and the clock."""

    _kept_in: LedgerPlace | None = None
    """Where it is unless in a file."""

    def __init__(
        self, folder: Path, clock: Clock | None = None, place: LedgerPlace | None = None
    ) -> None:
        self.path = folder / "ledger.db"
        self._kept_in = place
        self.key_path = folder / "keys" / "host.pem"
        self.clock = clock or ManualClock()
        self.phones = [SigningPhone(f"phone-{index}") for index in range(len(LAYERS))]
        self.ledger = self.open()

    @property
    def place(self) -> LedgerPlace:
        return self._kept_in or self.path

    def open(self) -> Ledger:
        self.ledger = Ledger(self.place, self.key_path, self.clock, judged)
        return self.ledger

    def register(self) -> None:
        for phone in self.phones:
            self.ledger.register_phone(phone.serial, self.proven(phone), phone.numerical_class)
            self.ledger.grant_stake(phone.serial)

    def proven(self, phone: SigningPhone) -> ProvenKey:
        return proven_key(phone.key, phone.serial, self.ledger.host_key)

    def begin(self, transaction: str, price: int = PRICE, audit_rate: float = 1.0) -> TransactionId:
        stages, first = [], 0
        for phone, layers in zip(self.phones, LAYERS, strict=True):
            stages.append(held(phone.serial, first, first + layers - 1))
            first += layers
        assignment = placed("demo", first, tuple(stages))
        identifier = TransactionId(transaction)
        terms = self.ledger.open_transaction(
            identifier,
            RequestId("request"),
            assignment,
            agreement(len(stages)),
            price,
            audit_rate,
            MOST_TOKENS,
        )
        for phone in self.phones:
            phone.terms[transaction] = terms
        return identifier

    def audit_rate(self, transaction: str, stage: int) -> float:
        return self.ledger._state.transaction(transaction).audit_rates[stage]

    def sign_all(self, transaction: str) -> None:
        for stage, phone in enumerate(self.phones):
            self.ledger.record_receipt(*phone.receipt(transaction, stage))

    def fail_audit(self, transaction: str, stage: int) -> None:
        self._audit(transaction, stage, AuditOutcome.FAILED, "wrong output")

    def sharp(
        self,
        transaction: str,
        stage: int,
        outcome: SharpOutcome = SharpOutcome.FAILED,
        **changes: object,
    ) -> SharpRecord:
        """Return a sharp test of a stage, signed for by its phone."""
        phone = self.phones[stage]
        is_judged = outcome in (SharpOutcome.PASSED, SharpOutcome.FAILED)
        reason = {SharpOutcome.PASSED: "holds", SharpOutcome.FAILED: "operator"}
        signed = phone.states(stage, **changes) if is_judged else (b"", b"")
        return SharpRecord(
            transaction,
            stage,
            outcome,
            reason.get(outcome, f"sharp.{outcome.value}"),
            numerical_class=str(changes.get("numerical_class", "class")) if is_judged else "",
            reproduced=True,
            statement=signed[0],
            signature=signed[1],
            root="a" * 64 if is_judged else "",
            evidence=self._evidence(transaction, stage, reason[outcome]) if is_judged else "",
            operator=OPERATOR,
        )

    def chosen_otherwise(self, transaction: str, stage: int) -> SharpRecord:
        """Return a sharp test by which another token was to be chosen."""
        found, reason = self.sharp(transaction, stage), "chosen-otherwise"
        return replace(found, reason=reason, evidence=self._evidence(transaction, stage, reason))

    def _evidence(self, transaction: str, stage: int, reason: str) -> str:
        """Keep what convinces `judged` of a stage; return its name."""
        phone = self.phones[stage]
        key = phone.public_key
        fault = ProvenFault(
            transaction, stage, phone.serial, key, reason, OPERATOR, 0, root="a" * 64
        )
        return self.ledger.evidence.put(written(fault))

    def convict(self, transaction: str, stage: int) -> None:
        """Put on record that an audit failed, and that the stage run again shows it."""
        self.fail_audit(transaction, stage)
        self.ledger.record_sharp_test(self.sharp(transaction, stage))

    def deviate(self, transaction: str, stage: int) -> None:
        self._audit(transaction, stage, AuditOutcome.DEVIATES, "deviates")

    def _audit(self, transaction: str, stage: int, outcome: AuditOutcome, reason: str) -> None:
        serial = self.phones[stage].serial
        self.ledger.record_audit(
            Verdict(transaction, stage, serial, outcome, reason=reason, deviation=1e3)
        )

    def verify(self) -> VerificationReport:
        return verify_ledger(self.place, read_public_key(self.key_path), judged)


def eventful(folder: Path, place: LedgerPlace | None = None) -> Bench:
    """Return a closed ledger that holds every kind of entry."""
    bench = Bench(folder, place=place)
    ledger, (first, second, third) = bench.ledger, bench.phones
    bench.register()
    ledger.register_phone(first.serial, bench.proven(first), "another class")
    ledger.register_phone(first.serial, bench.proven(first), "class")
    ledger.add_stake(first.serial, 7)
    good = bench.begin("good")
    bench.sign_all(good)
    ledger.record_audit(Verdict(good, 0, first.serial, AuditOutcome.PASSED))
    bench.deviate(good, 1)
    ledger.settle(good, 5)
    bad = bench.begin("bad")
    bench.sign_all(bad)
    bench.convict(bad, 1)
    ledger.slash(second.serial, bad, "wrong-output", {"first_bad_step": 1, "deviation": 0.5})
    bench.deviate(bad, 0)
    ledger.record_sharp_test(bench.sharp(bad, 0, SharpOutcome.REFUSED))
    for number, transaction in enumerate((good, bad, bench.begin("slow"))):
        if number == 2:
            bench.sign_all(transaction)
        signed = first.times(transaction, 0)
        ledger.canaries.record(transaction, 0, signed, Excuse.NONE)
    ledger.roll_back(bad, 2, "wrong output")
    ledger.record_receipt(*third.receipt(bad, 2, output_root="f" * 64))
    ledger.withheld(first.serial, bad)
    ledger.jail(first.serial, "hot", 60)
    ledger.release(first.serial)
    ledger.withdraw_key(third.serial, REMOVED_BY_OPERATOR)
    ledger.register_phone(third.serial, bench.proven(third), "class")
    ledger.close()
    return bench
