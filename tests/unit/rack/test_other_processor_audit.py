"""What follows for phones of another processor once an attempt is checked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from app.core.audit_outcome import AuditOutcome
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.ledger.rules.economy import WATCHED_AUDITS
from app.models.library import Library
from app.models.shards import Shard
from app.pipeline.prompts.step_record import StepRecord
from app.pipeline.stage import Stage
from app.pipeline.worker_client import WorkerClient
from app.proof.case import AuditMethod, AuditReason, Verdict
from app.rack.layers.spans import SpanOnPhone
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.fleet import Fleet
from app.rack.settlement.auditing import audit_attempt, check_attempt
from app.rack.settlement.concluded import AttemptOutcome, ConcludedAttempt, Coverage, Finding
from app.rack.settlement.penalties import Penalties
from app.rack.settlement.sharp.sharp_tests import without_test
from app.rack.snapshot import TimelineKind
from app.simulation.model import manifest
from app.words.sentences import fact_text
from tests.assignments import blocks
from tests.unit.ledger.support import Bench
from tests.unit.models.support import write_random
from tests.unit.proof.rounding_support import Rounding, on_other_processors
from tests.unit.proof.support import (
    GREEDY,
    SPANS,
    Alteration,
    RingRun,
    RingShard,
    cut,
    run_ring,
    with_token,
)
from tests.unit.rack.support import OnThisThread, a_context
from workers.engine.processor import numerical_class
from workers.protocol.boundary import Boundary
from workers.protocol.wire import Tensor

TOKENS = 6
PHONES = [Serial(f"phone-{stage}") for stage in range(len(SPANS))]
ELSEWHERE = dict.fromkeys(PHONES, "class")
HERE = dict.fromkeys(PHONES, numerical_class(1))


@dataclass(frozen=True)
class Subject:
    """A quantised model on three phones, and where its graphs lie."""

    ring: tuple[RingShard, ...]
    shards: tuple[Shard, ...]
    store: Path


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("model")
    library = Library(folder / "home")
    manifest = library.import_folder(write_random(folder / "checkpoint"), "tiny", "q8")
    shards = tuple(library.shard(manifest, blocks(manifest, *span)) for span in SPANS)
    return Subject(cut(library, manifest, SPANS), shards, library.store.folder)


def honest(subject: Subject, alter: Alteration = lambda _stage, _step, out: out) -> RingRun:
    return run_ring(on_other_processors(subject.ring, Rounding.ROWS), TOKENS, alter)


def attempt_of(
    subject: Subject,
    run: RingRun,
    classes: Mapping[Serial, str],
    unsigned: frozenset[Serial] = frozenset(),
    answers: tuple[Tensor, ...] | None = None,
) -> ConcludedAttempt:
    first = run.cases[0].steps
    transcripts: dict[Serial, list[Tensor]] = {
        serial: [step.inputs for step in case.steps]
        for serial, case in zip(PHONES[1:], run.cases[1:], strict=True)
    }
    bodies = {serial: case.receipt for serial, case in zip(PHONES, run.cases, strict=True)}
    return ConcludedAttempt(
        transaction=TransactionId("transaction"),
        model=manifest(),
        spans=tuple(
            SpanOnPhone(
                Stage(cast(WorkerClient, SimpleNamespace(serial=serial)), "span"),
                shard,
                ring.shape,
            )
            for serial, shard, ring in zip(PHONES, subject.shards, subject.ring, strict=True)
        ),
        steps=tuple(
            StepRecord(
                number,
                step.position,
                tuple(step.inputs[0].tolist()),
                wants_token=step.wants_token,
                generated=step.generated,
            )
            for number, step in enumerate(first)
        ),
        answers=run.answers if answers is None else answers,
        sampling=GREEDY,
        boundary=Boundary.F32,
        bodies={serial: body for serial, body in bodies.items() if serial not in unsigned},
        transcripts=transcripts,
        grounds=[step.grounds for step in run.cases[-1].steps],
        due=frozenset(PHONES) - unsigned,
        withheld=dict.fromkeys(unsigned, Fact("offence.did_not_sign")),
        classes=classes,
    )


def check(
    subject: Subject,
    run: RingRun,
    classes: Mapping[Serial, str],
    unsigned: frozenset[Serial] = frozenset(),
    answers: tuple[Tensor, ...] | None = None,
) -> AttemptOutcome:
    attempt, store = attempt_of(subject, run, classes, unsigned, answers), subject.store
    verdicts = audit_attempt(attempt, store)
    looks = [look for each in verdicts if (look := without_test(each, attempt))]
    return check_attempt(attempt, verdicts, looks, store)


def test_honest_phones_of_another_processor_have_nothing_to_answer_for(subject: Subject) -> None:
    outcome = check(subject, honest(subject), ELSEWHERE)
    assert (outcome.findings, outcome.good_answers) == ((), TOKENS)
    assert [verdict.outcome for verdict in outcome.verdicts] == [AuditOutcome.PASSED] * 3
    for verdict in outcome.verdicts:
        assert verdict.evidence["host_class"] == numerical_class(1)
        assert verdict.evidence["registered_class"] == "class"
        assert verdict.evidence["receipt"]["numerical_class"] == "class"


def test_the_same_results_from_this_computers_class_fail_and_cost_no_stake_by_that(
    subject: Subject,
) -> None:
    outcome = check(subject, honest(subject), HERE)
    assert AuditOutcome.FAILED in {verdict.outcome for verdict in outcome.verdicts}
    assert {finding.offence for finding in outcome.findings} == {None}


def test_a_phone_that_deviates_is_neither_jailed_nor_slashed_and_the_text_stands(
    subject: Subject,
) -> None:
    generator = np.random.default_rng(4)

    def noisy(stage: int, _step: int, output: Tensor) -> Tensor:
        if stage != 0:
            return output
        noise = generator.standard_normal(output.shape)
        noise *= 0.2 * np.linalg.norm(output, axis=-1, keepdims=True) / np.sqrt(output.shape[-1])
        return (output + noise).astype(np.float32)

    outcome = check(subject, honest(subject, noisy), ELSEWHERE)
    found = [verdict.outcome for verdict in outcome.verdicts]
    assert found == [AuditOutcome.DEVIATES, AuditOutcome.PASSED, AuditOutcome.PASSED]
    assert (outcome.findings, outcome.good_answers) == ((), TOKENS)


@pytest.mark.parametrize("known", [ELSEWHERE, HERE])
def test_text_that_not_all_signed_for_is_computed_again_with_their_rounding_in_mind(
    subject: Subject, known: Mapping[Serial, str]
) -> None:
    run = honest(subject)
    missing = frozenset({PHONES[1]})
    assert check(subject, run, known, missing).good_answers == TOKENS or known is HERE
    lie = with_token(run.answers[3], (run.tokens[3] + 160) % 320)
    wrong = (*run.answers[:3], lie, *run.answers[4:])
    assert check(subject, run, known, missing, wrong).good_answers <= 3


def test_a_deviating_phone_is_told_of_keeps_working_and_is_paid(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.register()
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    phones = {
        phone.serial: SimpleNamespace(
            serial=phone.serial, name="Pixel", standing=bench.ledger.standing(phone.serial)
        )
        for phone in bench.phones
    }
    context = a_context()
    penalties = Penalties(
        context,
        cast(LedgerThread, OnThisThread(bench.ledger)),
        cast(Fleet, SimpleNamespace(phones=phones)),
    )
    deviating = bench.phones[1].serial
    verdict = Verdict(
        transaction,
        1,
        deviating,
        AuditOutcome.DEVIATES,
        AuditMethod.ROUNDING,
        AuditReason.DEVIATES,
        evidence={"rounding": {"median": 0.2}},
    )
    outcome = AttemptOutcome(
        transaction, (verdict,), (), good_answers=5, coverage=Coverage(3, 1, 0)
    )
    assert asyncio.run(penalties.judge(outcome, surviving=5, tokens=5)) == 0
    standing = phones[deviating].standing
    assert (standing.slashed, standing.jailed_until_ms) == (0, None)
    assert standing.balance > 0
    assert (standing.audits_deviating, standing.watched_audits) == (1, WATCHED_AUDITS)
    (event,) = context.timeline.events
    assert (event.kind, event.serial) == (TimelineKind.AUDIT_DEVIATES, deviating)
    assert fact_text(event.fact) == (
        "Pixel deviates further than the rounding of its processor explains: its reputation falls "
        "and it is audited more often. It keeps its stake."
    )
    bench.ledger.close()
    assert bench.verify().valid


def test_where_a_new_class_fails_as_one_its_phones_stand_by_and_nobody_is_blamed(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.register()
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    jailed: list[str] = []
    phones = {
        phone.serial: SimpleNamespace(
            serial=phone.serial,
            name=phone.serial,
            standing=bench.ledger.standing(phone.serial),
            jail=lambda fact: jailed.append(fact.fields[0][1].code),
        )
        for phone in bench.phones
    }
    context = a_context()
    penalties = Penalties(
        context,
        cast(LedgerThread, OnThisThread(bench.ledger)),
        cast(Fleet, SimpleNamespace(phones=phones)),
    )
    verdicts = tuple(
        Verdict(
            transaction,
            stage,
            bench.phones[stage].serial,
            AuditOutcome.FAILED,
            AuditMethod.TOLERANCE,
            AuditReason.WRONG_OUTPUT,
        )
        for stage in (0, 1)
    )
    findings = tuple(
        Finding(phone.serial, Fact("audit.wrong_output"), "wrong-output", {})
        for phone in bench.phones[:2]
    )
    outcome = AttemptOutcome(
        transaction, verdicts, findings, good_answers=5, coverage=Coverage(3, 2, 0)
    )
    before = bench.ledger.standing(bench.phones[1].serial).reputation
    assert asyncio.run(penalties.judge(outcome, surviving=5, tokens=5)) == 0
    assert jailed == ["offence.of_doubted_class"] * 2
    assert bench.ledger.standing(bench.phones[1].serial).reputation == before
    standings = [bench.ledger.standing(phone.serial) for phone in bench.phones]
    assert all(each.jailed_until_ms is None and not each.slashed for each in standings)
    assert standings[1].balance > 0
    told = [event.fact.code for event in context.timeline.events]
    assert told.count("breaker.opened") == 1
    assert told.count("breaker.spared") == 2
