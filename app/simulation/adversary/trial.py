"""A hostile phone asked for texts until it is caught: audits, sharp tests, the ledger's penalties.

Engines, transcripts, receipts, audits, sharp tests, convictions and the ledger are the program's
own; left out are adb, sockets and the rack's loop. Receipts are audited as the ledger draws them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.assignment import Assignment, StageAssignment
from app.core.audit_outcome import SharpOutcome
from app.core.clock import SystemClock
from app.core.identifiers import RequestId, TransactionId
from app.ledger.ledger import Ledger
from app.ledger.rules.agreement import Agreement
from app.ledger.rules.phones.registration import ProvenKey
from app.ledger.views.reasons import OTHERS_WRONG
from app.models.library import Library
from app.proof.audit import audit
from app.proof.case import AuditCase, Verdict
from app.proof.convicting.facts import proven_fault
from app.proof.quick.together import passes_together
from app.proof.records.request_text import model_content, sha256_of
from app.proof.sharp.classes import is_reproduced
from app.proof.stage_parts import open_shard
from app.rack.settlement.findings import findings_of
from app.rack.settlement.sharp.close_look import CloseLook
from app.rack.settlement.sharp.judged import judged
from app.simulation.adversary.cheats import Cheat
from app.simulation.adversary.ring import RULE, RingPhone, write_text
from workers.engine.processor import numerical_class
from workers.identity.answer_leaf import COMMITTED_ALTERNATIVES
from workers.identity.identity import hello_statement
from workers.protocol.boundary import Boundary
from workers.protocol.commands import SignedTerms
from workers.protocol.span_shape import CacheType

TOKENS: Final = 12
PROMPT_TOKENS: Final = 8
PRICE: Final = 10_000
_NONCE: Final = bytes(32)


@dataclass(frozen=True)
class TrialResult:
    """What became of a hostile phone and of the honest ones."""

    audited: int
    """Requests that were audited until it was caught, or all there were."""
    caught: bool
    by_stake: bool
    """Whether it lost stake; else it was kept from work, unpaid."""
    lost: int
    """Micro-credits of its stake."""
    earned: int
    """Micro-credits that it was paid until then."""
    harmed: int
    """Honest phones that lost stake, pay, freedom or reputation by it."""


class Trial:
    """One hostile phone with an account of its own, from its first request on."""

    def __init__(
        self, folder: Path, library: Library, phones: Sequence[RingPhone], random_seed: int
    ) -> None:
        """Write a ledger into `folder`."""
        self._ledger = Ledger(
            folder / "ledger.db", folder / "keys" / "host.pem", SystemClock(), proven_fault
        )
        self._library, self._phones = library, tuple(phones)
        self._random = random.Random(random_seed)  # noqa: S311 - what is played, not a secret
        for phone in phones:
            name = phone.numerical_class
            self._ledger.register_phone(phone.serial, self._proven(phone), name)
            self._ledger.grant_stake(phone.serial)
            if name != numerical_class(1):  # as a rack reads a foreign class's canary
                reproduced = is_reproduced(phone.products, name)
                self._ledger.trust.note_class(name, reproduced=reproduced)

    def run(self, cheat: Cheat, texts: Sequence[Sequence[int]], most: int) -> TrialResult:
        """Ask for texts until it is caught, at most so many."""
        liar = self._phones[cheat.stage]
        harmed: set[str] = set()
        audited, caught = 0, False
        while audited < most and not caught:
            lies = self._random.random() < cheat.share
            cheats = cheat if lies else None
            caught = self._request(audited, liar, cheats, texts, harmed, cheat.audit_rate)
            audited += 1
        standing = self._ledger.standing(liar.serial)
        found = TrialResult(
            audited,
            caught,
            by_stake=standing.slashed > 0,
            lost=standing.slashed,
            earned=standing.balance,
            harmed=len(harmed),
        )
        self._ledger.close()
        return found

    def _request(
        self,
        number: int,
        liar: RingPhone,
        cheat: Cheat | None,
        texts: Sequence[Sequence[int]],
        harmed: set[str],
        audit_rate: float,
    ) -> bool:
        """Write a text, audit what is drawn, pay and punish; tell whether the liar was caught."""
        name = TransactionId(f"t{number}")
        terms = self._open(name, audit_rate)
        prompt = self._random.choice(texts)
        for phone in self._phones:
            phone.begin(name, terms)
        write_text(self._phones, prompt, TOKENS, {liar.stage: cheat} if cheat else {})
        cases = [phone.case() for phone in self._phones]
        for phone, case in zip(self._phones, cases, strict=True):
            self._ledger.record_receipt(*phone.receipt(case))
        due = sorted(self._ledger.due_stages(name))
        verdicts = [
            passes_together(cases[stage], open_shard) or audit(cases[stage]) for stage in due
        ]
        looks = [
            self._look(
                self._phones[verdict.stage],
                cases[verdict.stage],
                cheating=verdict.stage == liar.stage and cheat is not None,
            )
            for verdict in verdicts
            if not verdict.passed
        ]
        punished = self._judge(name, verdicts, looks)
        harmed |= {serial for serial in punished if serial != liar.serial}
        harmed |= {each.serial for each in verdicts if not each.passed} - {liar.serial}
        return liar.serial in punished or not self._ledger.standing(liar.serial).admitted

    def _open(self, name: TransactionId, audit_rate: float) -> SignedTerms:
        model = self._phones[0].model
        stages = tuple(StageAssignment(each.serial, each.shard.blocks) for each in self._phones)
        agreement = Agreement(
            request=sha256_of(name.encode()),
            model=sha256_of(model_content(model)),
            shards=tuple(phone.digest for phone in self._phones),
            sampling=RULE,
            alternatives=COMMITTED_ALTERNATIVES,
            boundary=Boundary.F32,
            cache=CacheType.F32,
        )
        assignment = Assignment(model.name, model.chains, stages)
        return self._ledger.open_transaction(
            name, RequestId(name), assignment, agreement, PRICE, audit_rate, TOKENS
        )

    def _look(self, phone: RingPhone, case: AuditCase, *, cheating: bool) -> CloseLook:
        test = phone.run_again(case, cheating=cheating)
        store, model = self._library.store.folder, phone.model
        return judged(test, store, model, phone.shard, phone.stage, phone.serial)

    def _judge(
        self, name: TransactionId, verdicts: Sequence[Verdict], looks: Sequence[CloseLook]
    ) -> set[str]:
        """Journal what was found and take what it costs; return who has to answer for something."""
        ledger = self._ledger
        for verdict in verdicts:
            ledger.record_audit(verdict)
        for look in looks:
            ledger.evidence.put(look.evidence)
            ledger.record_sharp_test(look.record(name))
        findings = findings_of(verdicts, looks)
        for found in findings:
            if found.offence is None:
                ledger.withheld(found.serial, name)
            else:
                ledger.slash(found.serial, name, found.offence, dict(found.evidence))
        wrong = any(look.outcome is SharpOutcome.FAILED for look in looks)
        if wrong or any(each.failed for each in verdicts):
            ledger.roll_back(name, 0, OTHERS_WRONG)
        else:
            ledger.settle(name, TOKENS)
        return {str(found.serial) for found in findings}

    def _proven(self, phone: RingPhone) -> ProvenKey:
        statement = hello_statement(_NONCE, phone.serial, "", self._ledger.host_key)
        return ProvenKey(phone.public_key, "", _NONCE, phone.key.sign(statement))
