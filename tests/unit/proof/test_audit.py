"""Audits by re-execution: the honest pass, liars are found at the step where they began."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import WorkerError
from app.ledger.entry import canonical_json
from app.proof.audit import AuditCase, AuditMethod, AuditReason, audit
from app.proof.chain import ChainShard, ChainStep, good_answers
from app.proof.edges import edge_disputes
from tests.saying import raises_saying
from tests.unit.proof.support import (
    PROMPT,
    RingRun,
    RingShard,
    build_shards,
    run_ring,
    with_token,
)
from workers.identity.answer_leaf import chosen_token
from workers.identity.merkle import root_hash
from workers.identity.transcript import step_leaves
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.wire import Tensor


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> tuple[RingShard, ...]:
    return build_shards(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def honest(shards: tuple[RingShard, ...]) -> RingRun:
    return run_ring(shards, 6)


def resigned(case: AuditCase, outputs: list[Tensor]) -> AuditCase:
    """The same case where the phone signed and sent these outputs."""
    pairs = zip(case.steps, outputs, strict=True)
    leaves = [leaf for step, output in pairs for leaf in step_leaves(output, step.position)]
    receipt = replace(case.receipt, output_root=root_hash(leaves).hex())
    pairs = zip(case.steps, outputs, strict=True)
    steps = tuple(replace(step, claimed=output) for step, output in pairs)
    return replace(case, receipt=receipt, steps=steps)


def outputs_of(case: AuditCase) -> list[Tensor]:
    return [np.array(step.claimed) for step in case.steps]


def another_token(leaf: Tensor) -> Tensor:
    """Return a leaf whose token is another and as likely as no alternative is."""
    return with_token(leaf, chosen_token(leaf) ^ 1)


def without_outputs(case: AuditCase) -> AuditCase:
    return replace(case, steps=tuple(replace(step, claimed=None) for step in case.steps))


@pytest.mark.parametrize(
    "sampling", [SamplingRule(), SamplingRule(temperature=0.9, top_p=0.8, seed=7)]
)
def test_every_honest_stage_passes_exactly_with_and_without_its_outputs(
    shards: tuple[RingShard, ...], sampling: SamplingRule
) -> None:
    run = run_ring(shards, 5, sampling=sampling)
    for case in run.cases:
        for variant in (case, without_outputs(case)):
            verdict = audit(variant)
            assert verdict.passed
            assert (verdict.method, verdict.reason) == (AuditMethod.EXACT, AuditReason.NONE)
    assert edge_disputes({case.receipt.stage: case.receipt for case in run.cases}) == []


@pytest.mark.parametrize("stage", [0, 1])
def test_a_wrong_hidden_state_is_found_at_the_step_where_it_began(
    shards: tuple[RingShard, ...], stage: int
) -> None:
    def alter(at: int, step: int, output: Tensor) -> Tensor:
        return output * np.float32(1.05) if (at, step >= 3) == (stage, True) else output

    run = run_ring(shards, 6, alter)
    verdicts = [audit(case) for case in run.cases]
    assert [verdict.passed for verdict in verdicts] == [other != stage for other in range(3)]
    bad = verdicts[stage]
    assert (bad.reason, bad.method) == (AuditReason.WRONG_OUTPUT, AuditMethod.TOLERANCE)
    assert (bad.first_bad_step, bad.first_bad_generated) == (3, 3)
    assert bad.deviation > 1
    assert bad.serial == f"phone-{stage}"
    assert json.loads(canonical_json(bad.evidence))["first_bad"]["position"] == len(PROMPT) + 1


def test_a_wrong_prompt_chunk_spoils_the_first_token(shards: tuple[RingShard, ...]) -> None:
    run = run_ring(shards, 3, lambda at, step, out: out + 1 if (at, step) == (0, 0) else out)
    verdict = audit(run.cases[0])
    assert (verdict.first_bad_step, verdict.first_bad_generated) == (0, 1)


def test_a_wrong_token_is_found_and_both_tokens_are_named(shards: tuple[RingShard, ...]) -> None:
    run = run_ring(
        shards, 6, lambda at, step, out: another_token(out) if (at, step) == (2, 4) else out
    )
    verdict = audit(run.cases[2])
    assert (verdict.reason, verdict.first_bad_generated) == (AuditReason.WRONG_OUTPUT, 4)
    first_bad = verdict.evidence["first_bad"]
    assert first_bad["claimed"]["token"] == run.tokens[3] == first_bad["expected"]["token"] ^ 1
    assert all(audit(case).passed for case in run.cases[:2])


def test_a_sampled_token_that_is_another_is_found(shards: tuple[RingShard, ...]) -> None:
    sampling = SamplingRule(temperature=1.0, seed=3)
    run = run_ring(
        shards,
        4,
        lambda at, step, out: another_token(out) if (at, step) == (2, 2) else out,
        sampling,
    )
    assert audit(run.cases[2]).first_bad_generated == 2


def test_rounding_as_between_machines_passes_by_tolerance(honest: RingRun) -> None:
    generator = np.random.default_rng(1)
    for case in honest.cases[:2]:
        noisy = [
            (output * (1 + generator.uniform(-2e-5, 2e-5, output.shape))).astype(np.float32)
            for output in outputs_of(case)
        ]
        verdict = audit(resigned(case, noisy))
        assert verdict.passed
        assert verdict.method is AuditMethod.TOLERANCE
        assert 0 < verdict.deviation < 1


def test_without_outputs_a_mere_difference_is_not_conclusive(honest: RingRun) -> None:
    case = honest.cases[0]
    noisy = [np.nextafter(output, np.float32(9)) for output in outputs_of(case)]
    verdict = audit(without_outputs(resigned(case, noisy)))
    assert (verdict.passed, verdict.conclusive) == (False, False)
    assert verdict.reason == "needs outputs"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_never_pass(honest: RingRun, value: float) -> None:
    outputs = outputs_of(honest.cases[1])
    outputs[2][0, 0, 5] = value
    verdict = audit(resigned(honest.cases[1], outputs))
    assert (verdict.reason, verdict.first_bad_step) == (AuditReason.WRONG_OUTPUT, 2)


def test_inputs_that_were_not_signed_for_are_disowned(honest: RingRun) -> None:
    case = honest.cases[1]
    changed = replace(case.steps[2], inputs=case.steps[2].inputs + np.float32(1e-6))
    steps = (*case.steps[:2], changed, *case.steps[3:])
    assert audit(replace(case, steps=steps)).reason is AuditReason.INPUTS_DISOWNED
    assert audit(replace(case, steps=case.steps[:-1])).reason is AuditReason.INPUTS_DISOWNED


def test_outputs_that_were_not_signed_for_are_disowned(shards: tuple[RingShard, ...]) -> None:
    run = run_ring(shards, 4, lambda at, step, out: out * 2 if (at, step) == (1, 2) else out)
    case = run.cases[1]
    forged = replace(case.receipt, output_root="0" * 64)
    verdict = audit(replace(case, receipt=forged))
    assert (verdict.reason, verdict.first_bad_step) == (AuditReason.OUTPUTS_DISOWNED, 2)


def test_a_last_stage_that_signs_the_truth_and_tells_the_host_a_lie_fails(honest: RingRun) -> None:
    case = honest.cases[2]
    told = replace(case.steps[3], claimed=another_token(honest.answers[2]))
    verdict = audit(replace(case, steps=(*case.steps[:3], told, *case.steps[4:])))
    assert (verdict.passed, verdict.reason) == (False, AuditReason.OUTPUTS_DISOWNED)
    assert verdict.first_bad_generated == 3


def test_a_receipt_for_another_graph_does_not_stand(honest: RingRun) -> None:
    receipt = replace(honest.cases[0].receipt, graph="0" * 64)
    verdict = audit(replace(honest.cases[0], receipt=receipt))
    assert verdict.reason is AuditReason.OTHER_SHARD


def test_inputs_no_shard_could_run_are_the_signers_fault(honest: RingRun) -> None:
    case = honest.cases[0]
    gap = tuple(replace(step, position=step.position + 9) for step in case.steps)
    leaves = [leaf for step in gap for leaf in step_leaves(step.inputs, step.position)]
    receipt = replace(case.receipt, input_root=root_hash(leaves).hex())
    verdict = audit(replace(case, steps=gap, receipt=receipt))
    assert verdict.reason is AuditReason.INPUTS_UNUSABLE


def test_a_shard_that_cannot_be_run_here_says_nothing_about_the_phone(
    honest: RingRun, tmp_path: Path
) -> None:
    case = honest.cases[0]
    alone = tmp_path / case.graph_path.name
    alone.write_bytes(case.graph_path.read_bytes())
    with raises_saying(WorkerError, match="could not be run"):
        audit(replace(case, graph_path=alone))


def test_the_chain_counts_tokens_up_to_the_first_that_does_not_stand(
    shards: tuple[RingShard, ...], honest: RingRun
) -> None:
    chain = [ChainShard(shard.graph_path, shard.shape) for shard in shards]
    steps = [
        ChainStep(
            step.position,
            step.inputs,
            honest.tokens[step.generated - 1] if step.wants_token else None,
        )
        for step in honest.cases[0].steps
    ]
    assert good_answers(chain, steps, SamplingRule(), 1) == len(honest.tokens)
    steps[3] = replace(steps[3], answer=honest.tokens[2] ^ 1)
    assert good_answers(chain, steps, SamplingRule(), 1) == 2
    with raises_saying(WorkerError, match="could not be checked"):
        good_answers([ChainShard(Path("missing"), shards[0].shape)], steps, SamplingRule(), 1)


def test_neighbours_that_signed_different_things_are_named(honest: RingRun) -> None:
    receipts = {case.receipt.stage: case.receipt for case in honest.cases}
    receipts[1] = replace(receipts[1], input_root="0" * 64)
    (dispute,) = edge_disputes(receipts)
    assert (dispute.sender, dispute.receiver) == (0, 1)
    del receipts[1]
    assert edge_disputes(receipts) == []
