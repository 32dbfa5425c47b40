"""Who answers for a token that the last phone fed to the first without the host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple, cast

import numpy as np
import pytest

from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.models.shards import Shard
from app.pipeline.prompts.step_record import StepRecord
from app.pipeline.stage import Stage
from app.pipeline.worker_client import WorkerClient
from app.rack.layers.spans import SpanOnPhone
from app.rack.settlement.auditing import audit_attempt, check_attempt
from app.rack.settlement.concluded import AttemptOutcome, ConcludedAttempt, Coverage
from app.rack.settlement.sharp.sharp_tests import without_test
from app.rack.settlement.transcripts import stages_to_fetch
from app.simulation.model import manifest
from tests.unit.proof.support import (
    GREEDY,
    PROMPT,
    RingRun,
    RingShard,
    build_shards,
    run_ring,
    with_token,
)
from workers.identity.answer_leaf import chosen_token, no_answer
from workers.identity.merkle import root_hash
from workers.identity.transcript import step_leaves
from workers.protocol.boundary import Boundary
from workers.protocol.wire import Tensor

TOKENS = 5
FORGED = 2
"""The answer, from 0, of which the first phone is told something else."""
PHONES = [Serial(f"phone-{stage}") for stage in range(3)]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> tuple[RingShard, ...]:
    return build_shards(tmp_path_factory.mktemp("shards"))


class _Graph(NamedTuple):
    sha256: str


def _spans(shards: Sequence[RingShard]) -> tuple[SpanOnPhone, ...]:
    return tuple(
        SpanOnPhone(
            Stage(cast(WorkerClient, SimpleNamespace(serial=serial)), "span"),
            cast(
                Shard,
                SimpleNamespace(graph=_Graph(shard.graph), blobs=(), quantized=False, parts=()),
            ),
            shard.shape,
        )
        for serial, shard in zip(PHONES, shards, strict=True)
    )


def _steps(tokens: Sequence[int]) -> tuple[StepRecord, ...]:
    prompt = [
        StepRecord(0, 0, PROMPT[:2], wants_token=False, generated=0),
        StepRecord(1, 2, PROMPT[2:], wants_token=True, generated=1),
    ]
    fed = [
        StepRecord(2 + number, 5 + number, (token,), True, 2 + number, by_ring=number > 0)
        for number, token in enumerate(tokens[:-1])
    ]
    return (*prompt, *fed)


def _check(
    shards: Sequence[RingShard],
    run: RingRun,
    told: Sequence[Tensor],
    *,
    audited: bool = True,
    due: frozenset[Serial] | None = None,
    unsigned: Serial | None = None,
    ran_together: bool = False,
) -> AttemptOutcome:
    if due is None:
        due = frozenset(PHONES if audited else ())
    steps, spans = _steps([chosen_token(leaf) for leaf in told]), _spans(shards)
    fetched = stages_to_fetch(spans, due, steps)
    transcripts: dict[Serial, Sequence[Tensor]] = {
        PHONES[index]: [step.inputs for step in run.cases[index].steps] for index in fetched
    }
    attempt = ConcludedAttempt(
        transaction=TransactionId("transaction"),
        model=manifest(),
        spans=spans,
        steps=steps,
        answers=tuple(told),
        sampling=GREEDY,
        boundary=Boundary.F32,
        bodies={
            serial: case.receipt
            for serial, case in zip(PHONES, run.cases, strict=True)
            if serial != unsigned
        },
        transcripts=transcripts,
        due=due,
        withheld={unsigned: Fact("offence.did_not_sign")} if unsigned else {},
        grounds=[step.grounds for step in run.cases[-1].steps],
        ran_together=ran_together,
    )
    store = Path(shards[0].graph_path).parent
    verdicts = audit_attempt(attempt, store)
    looks = [look for each in verdicts if (look := without_test(each, attempt))]
    return check_attempt(attempt, verdicts, looks, store)


def _forged(shards: Sequence[RingShard]) -> RingRun:
    """The ring goes on with another token than the last phone computed."""

    def forge(stage: int, step: int, output: Tensor) -> Tensor:
        if stage == 2 and step == FORGED + 1:
            return with_token(output, chosen_token(output) + 1)
        return output

    return run_ring(shards, TOKENS, forge)


def _told(shards: Sequence[RingShard], forged: RingRun) -> list[Tensor]:
    """What the host hears of the forged run: the token as it should be."""
    told = list(forged.answers)
    told[FORGED] = run_ring(shards, TOKENS).answers[FORGED]
    return told


def _signed_as_told(run: RingRun, told: Sequence[Tensor]) -> RingRun:
    """Let the last phone sign for what it told the host."""
    last = run.cases[-1]
    outputs = [no_answer(), *told]
    leaves = [
        leaf
        for step, output in zip(last.steps, outputs, strict=True)
        for leaf in step_leaves(output, step.position)
    ]
    receipt = replace(last.receipt, output_root=root_hash(leaves).hex())
    return replace(run, cases=(*run.cases[:-1], replace(last, receipt=receipt)))


@pytest.mark.parametrize("audited", [True, False])
def test_an_honest_ring_passes(shards: tuple[RingShard, ...], *, audited: bool) -> None:
    run = run_ring(shards, TOKENS)
    outcome = _check(shards, run, run.answers, audited=audited)
    assert (outcome.findings, outcome.good_answers) == ((), TOKENS)
    assert len(outcome.verdicts) == (3 if audited else 0)


@pytest.mark.parametrize("audited", [True, False])
def test_nobody_is_blamed_where_the_two_ends_tell_different_tokens(
    shards: tuple[RingShard, ...], *, audited: bool
) -> None:
    run = _forged(shards)
    told = _told(shards, run)
    outcome = _check(shards, _signed_as_told(run, told), told, audited=audited)
    assert outcome.findings == ()
    assert outcome.disputed_edges == ((PHONES[2], PHONES[0]),)
    assert outcome.good_answers == FORGED + 1


def _changed_on_the_way(shards: Sequence[RingShard], bits: float = 1.0) -> RingRun:
    """The second phone gets twice what the first sent, and signed for with other last bits."""
    run = run_ring(shards, TOKENS, lambda at, _, out: out * 2 if at == 0 else out)
    first = run.cases[0]
    leaves = [
        leaf
        for step in first.steps
        if step.claimed is not None
        for leaf in step_leaves(np.float32(bits) * step.claimed / 2, step.position)
    ]
    receipt = replace(first.receipt, output_root=root_hash(leaves).hex())
    return replace(run, cases=(replace(first, receipt=receipt), *run.cases[1:]))


@pytest.mark.parametrize("audited", [True, False])
@pytest.mark.parametrize("ran_together", [True, False])
def test_nobody_is_blamed_for_what_a_link_changed_between_two_phones(
    shards: tuple[RingShard, ...], *, audited: bool, ran_together: bool
) -> None:
    run = _changed_on_the_way(shards)
    outcome = _check(shards, run, run.answers, audited=audited, ran_together=ran_together)
    assert outcome.findings == ()
    assert outcome.disputed_edges == ((PHONES[0], PHONES[1]),)
    assert outcome.in_doubt


def test_a_neighbour_s_word_for_rows_that_ran_together_blames_nobody(
    shards: tuple[RingShard, ...],
) -> None:
    run = _changed_on_the_way(shards, bits=1 + 1e-6)
    outcome = _check(shards, run, run.answers, ran_together=True)
    assert outcome.findings == ()
    assert outcome.disputed_edges == ((PHONES[0], PHONES[1]),)


def test_a_last_phone_that_signs_for_another_token_than_it_told_answers_alone(
    shards: tuple[RingShard, ...],
) -> None:
    run = _forged(shards)
    (finding,) = _check(shards, run, _told(shards, run)).findings
    assert (finding.serial, finding.offence) == (PHONES[2], None)


def test_a_first_phone_that_disowns_what_the_host_sent_answers_alone(
    shards: tuple[RingShard, ...],
) -> None:
    run = run_ring(shards, TOKENS)
    receipt = replace(run.cases[0].receipt, input_root="0" * 64)
    lying = replace(run, cases=(replace(run.cases[0], receipt=receipt), *run.cases[1:]))
    (finding,) = _check(shards, lying, run.answers).findings
    assert (finding.serial, finding.offence) == (PHONES[0], None)


def test_the_neighbour_of_a_phone_that_is_proven_wrong_is_not_blamed(
    shards: tuple[RingShard, ...],
) -> None:
    run = run_ring(shards, TOKENS)
    receipt = replace(run.cases[1].receipt, input_root="0" * 64)
    lying = replace(run, cases=(run.cases[0], replace(run.cases[1], receipt=receipt), run.cases[2]))
    (finding,) = _check(shards, lying, run.answers).findings
    assert (finding.serial, finding.offence) == (PHONES[1], None)


def test_answers_are_verified_only_where_every_stage_was_audited(
    shards: tuple[RingShard, ...],
) -> None:
    run = run_ring(shards, TOKENS)
    for count in range(len(PHONES) + 1):
        for due in combinations(PHONES, count):
            outcome = _check(shards, run, run.answers, due=frozenset(due))
            verified = TOKENS if count == len(PHONES) else 0
            assert outcome.coverage == Coverage(len(PHONES), count, verified)
            assert outcome.good_answers == TOKENS


def test_answers_are_verified_where_the_whole_chain_was_executed_again(
    shards: tuple[RingShard, ...],
) -> None:
    run = run_ring(shards, TOKENS)
    outcome = _check(shards, run, run.answers, due=frozenset(), unsigned=PHONES[1])
    assert outcome.verdicts == ()
    assert outcome.coverage == Coverage(len(PHONES), len(PHONES), TOKENS)


def test_only_answers_before_the_first_wrong_one_are_verified(
    shards: tuple[RingShard, ...],
) -> None:
    run = _forged(shards)
    outcome = _check(shards, run, run.answers)
    assert outcome.coverage.verified_answers == outcome.good_answers == FORGED


def test_receipts_over_other_numbers_of_steps_settle_nothing_and_the_chain_is_executed_again(
    shards: tuple[RingShard, ...],
) -> None:
    """A way that changed rows, and lost the newest, would go unseen: roots cannot be compared."""
    whole, shorter = run_ring(shards, TOKENS), run_ring(shards, TOKENS - 1)
    mixed = replace(whole, cases=(whole.cases[0], shorter.cases[1], whole.cases[2]))
    outcome = _check(shards, mixed, whole.answers)
    assert outcome.coverage == Coverage(len(PHONES), len(PHONES), TOKENS)
    changed = _changed_on_the_way(shards)
    first = run_ring(shards, TOKENS).cases[0]
    receipt = replace(first.receipt, steps=first.receipt.steps + 1)
    longer = replace(changed, cases=(replace(first, receipt=receipt), *changed.cases[1:]))
    outcome = _check(shards, longer, changed.answers, due=frozenset(PHONES[1:]))
    assert outcome.findings == ()
    assert outcome.good_answers < TOKENS
