"""Honest processors that round otherwise, and cheats that say they are one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audit_outcome import AuditOutcome
from app.models.library import Library
from app.proof.audit import audit
from app.proof.case import AuditCase, AuditMethod, AuditReason, Verdict
from app.proof.chain import ChainShard, ChainStep, good_answers
from app.proof.rounding import (
    PASSES_UP_TO,
    ROW_WRONG_ABOVE,
    WRONG_ABOVE,
    ComparedOutput,
    RoundingMeasure,
    row_shares,
    token_share,
    vector_share,
)
from app.proof.stage_parts import StagePart
from app.proof.tolerance import WITHOUT_MEASURE, allowed_deviation
from tests.unit.models.support import random_tensors, write_folder
from tests.unit.proof.rounding_support import Rounding, on_other_processors
from tests.unit.proof.support import Alteration, RingRun, RingShard, cut, run_ring, with_token
from workers.engine.sampling import choose_token
from workers.identity.answer_leaf import chosen_token
from workers.identity.merkle import root_hash
from workers.identity.transcript import step_leaves
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.wire import Tensor

DEMO = Path(__file__).parents[3] / "assets" / "demo_model"
WIDE = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 6,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "vocab_size": 1000,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}
PROMPT = tuple(range(3, 200, 13))
TOKENS = 8
HERE = "this computer"
SAMPLINGS = [SamplingRule(), SamplingRule(0.8, 0.9, 7), SamplingRule(1.0, 1.0, 3)]
Rings = Mapping[str, tuple[RingShard, ...]]


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Rings:
    """The demo model and a wider one without training, each as 8 and as 4 bits, cut in three."""
    folder = tmp_path_factory.mktemp("models")
    library = Library(folder / "home")
    tensors = random_tensors(WIDE)
    scaled = {
        name: tensor * np.float32(1 if "norm" in name else 0.3) for name, tensor in tensors.items()
    }
    sources = {"demo": DEMO, "wide": write_folder(folder / "wide", WIDE, scaled)}
    spans = {"demo": ((0, 2), (3, 5), (6, 7)), "wide": ((0, 1), (2, 3), (4, 5))}
    rings = {}
    for name, path in sources.items():
        for bits in ("q8", "q4-plain"):
            manifest = library.import_folder(path, f"{name}-{bits}", bits)
            first, (start, end), last = spans[name]
            rings[f"{name} {bits}"] = cut(library, manifest, spans[name])
            shorter = (first, (start, end - 1), last)
            rings[f"{name} {bits} skipping"] = cut(library, manifest, shorter)
    return rings


def elsewhere(case: AuditCase) -> AuditCase:
    """The audit as a computer of another class makes it."""
    return replace(case, host_class=HERE, registered_class=case.receipt.numerical_class)


def resigned(case: AuditCase, outputs: list[Tensor]) -> AuditCase:
    """The same case where the phone signed and sent these outputs."""
    pairs = zip(case.steps, outputs, strict=True)
    steps = tuple(replace(step, claimed=output) for step, output in pairs)
    leaves = [
        leaf
        for step, output in zip(steps, outputs, strict=True)
        for leaf in step_leaves(output, step.position)
    ]
    receipt = replace(case.receipt, output_root=root_hash(leaves).hex())
    return replace(case, receipt=receipt, steps=steps)


def verdicts(run: RingRun) -> list[Verdict]:
    return [audit(elsewhere(case)) for case in run.cases]


def outcomes(run: RingRun) -> list[AuditOutcome]:
    return [verdict.outcome for verdict in verdicts(run)]


def run_as(
    ring: tuple[RingShard, ...],
    rounding: Rounding = Rounding.ROWS,
    alter: Alteration = lambda _stage, _step, output: output,
    sampling: SamplingRule = SAMPLINGS[0],
    boundary: Boundary = Boundary.F32,
) -> RingRun:
    phones = on_other_processors(ring, rounding)
    return run_ring(phones, TOKENS, alter, sampling, boundary, PROMPT)


@pytest.mark.parametrize("model", ["demo q8", "demo q4-plain", "wide q8", "wide q4-plain"])
@pytest.mark.parametrize("rounding", Rounding)
def test_every_stage_of_an_honest_processor_passes_however_it_rounds(
    rings: Rings, model: str, rounding: Rounding
) -> None:
    run = run_as(rings[model], rounding)
    found = verdicts(run)
    assert [verdict.outcome for verdict in found] == [AuditOutcome.PASSED] * 3
    for verdict in found[:2]:
        assert verdict.method in (AuditMethod.ROUNDING, AuditMethod.EXACT)
        if rounding is not Rounding.BLOCKS:
            measure = verdict.evidence["rounding"]
            assert 0 < measure["median"] < PASSES_UP_TO
            assert (verdict.evidence["host_class"], verdict.evidence["registered_class"]) == (
                HERE,
                "class",
            )
            assert (measure["passes_up_to"], measure["wrong_above"]) == (0.1, 0.35)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("boundary", Boundary)
def test_sampled_tokens_and_halved_hidden_states_of_another_processor_pass_too(
    rings: Rings, sampling: SamplingRule, boundary: Boundary
) -> None:
    run = run_as(rings["demo q4-plain"], sampling=sampling, boundary=boundary)
    assert outcomes(run) == [AuditOutcome.PASSED] * 3


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("model", ["demo q8", "wide q4-plain"])
def test_the_chain_keeps_the_tokens_of_other_processors_and_no_plainly_wrong_one(
    rings: Rings, model: str, sampling: SamplingRule
) -> None:
    run = run_as(rings[model], sampling=sampling)
    chain = [ChainShard(shard.graph_path, shard.shape, shard.parts) for shard in rings[model]]
    steps = [
        ChainStep(
            step.position,
            step.inputs,
            run.tokens[step.generated - 1] if step.wants_token else None,
        )
        for step in run.cases[0].steps
    ]

    def good() -> int:
        return good_answers(chain, steps, sampling, 1, rounded_otherwise=True)

    assert good() == TOKENS
    lie = run.tokens[4] + 499
    steps[5] = replace(steps[5], answer=lie % rings[model][0].shape.vocabulary_size)
    assert good() == 4


@pytest.mark.parametrize("claim", ["when it joined", "in its receipt"])
def test_a_phone_that_ever_named_this_computers_class_is_judged_as_one_of_it(
    rings: Rings, claim: str
) -> None:
    case = elsewhere(run_as(rings["demo q4-plain"]).cases[1])
    if claim == "in its receipt":
        case = replace(case, host_class="class", registered_class="another")
    else:
        case = replace(case, registered_class=HERE)
    verdict = audit(case)
    assert (verdict.outcome, verdict.method) == (AuditOutcome.FAILED, AuditMethod.TOLERANCE)


def test_float32_has_one_tolerance_whatever_class_a_phone_names(rings: Rings) -> None:
    case = replace(elsewhere(run_as(rings["demo q8"]).cases[1]), parts=())
    assert audit(case).reason is AuditReason.WRONG_OUTPUT


def instead(ring: tuple[RingShard, ...], stage: int, other: RingShard) -> tuple[RingShard, ...]:
    """The ring where the phone of one stage runs another shard than agreed."""
    cheat = replace(ring[stage], runs=StagePart(other.graph_path, other.shape))
    return (*ring[:stage], cheat, *ring[stage + 1 :])


def noisy(share: float) -> Alteration:
    """A middle stage that adds noise as long as a share of its output."""
    generator = np.random.default_rng(2)

    def alter(stage: int, _step: int, output: Tensor) -> Tensor:
        noise = generator.standard_normal(output.shape)
        lengths = [np.linalg.norm(rows, axis=-1, keepdims=True) for rows in (output, noise)]
        noisy_output: Tensor = output + share * noise * lengths[0] / lengths[1]
        return noisy_output.astype(np.float32) if stage == 1 else output

    return alter


@pytest.mark.parametrize("model", ["demo q8", "demo q4-plain", "wide q8", "wide q4-plain"])
def test_a_stage_with_one_of_its_layers_left_out_does_not_pass(rings: Rings, model: str) -> None:
    ring = rings[model]
    run = run_ring(instead(ring, 1, rings[f"{model} skipping"][1]), TOKENS, prompt=PROMPT)
    found = verdicts(run)
    assert [verdict.passed for verdict in found] == [True, False, True]
    assert found[1].evidence["rounding"]["median"] > 3 * PASSES_UP_TO


@pytest.mark.parametrize("model", ["demo q8", "demo q4-plain", "wide q8", "wide q4-plain"])
def test_a_stage_that_passes_on_what_it_was_given_is_wrong(rings: Rings, model: str) -> None:
    run = run_ring(rings[model], TOKENS, prompt=PROMPT)
    case = run.cases[1]
    lazy = elsewhere(resigned(case, [step.inputs for step in case.steps]))
    verdict = audit(lazy)
    assert (verdict.reason, verdict.first_bad_step) == (AuditReason.WRONG_OUTPUT, 0)
    assert verdict.evidence["rounding"]["median"] == pytest.approx(1)


def test_4_bits_for_8_cost_reputation(rings: Rings) -> None:
    run = run_ring(instead(rings["wide q8"], 1, rings["wide q4-plain"][1]), TOKENS, prompt=PROMPT)
    found = verdicts(run)[1]
    assert (found.outcome, found.reason) == (AuditOutcome.DEVIATES, AuditReason.DEVIATES)
    assert (found.method, found.first_bad_step) == (AuditMethod.ROUNDING, None)
    assert not found.failed
    assert found.deviation < 1


@pytest.mark.parametrize(
    ("share", "outcome"),
    [
        (0.01, AuditOutcome.PASSED),
        (0.12, AuditOutcome.DEVIATES),
        (0.5, AuditOutcome.FAILED),
    ],
)
def test_noise_is_judged_by_what_the_stage_adds(
    rings: Rings, share: float, outcome: AuditOutcome
) -> None:
    run = run_as(rings["demo q8"], alter=noisy(share))
    assert audit(elsewhere(run.cases[1])).outcome is outcome


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e38])
def test_a_single_number_that_is_none_is_wrong(rings: Rings, value: float) -> None:
    case = run_as(rings["demo q8"]).cases[1]
    outputs = [np.array(step.claimed) for step in case.steps]
    outputs[5][0, 0, 7] = value
    verdict = audit(elsewhere(resigned(case, outputs)))
    assert (verdict.reason, verdict.first_bad_step) == (AuditReason.WRONG_OUTPUT, 5)


def test_one_wrong_row_among_many_honest_ones_is_wrong(rings: Rings) -> None:
    def negate(stage: int, step: int, output: Tensor) -> Tensor:
        if (stage, step) != (1, 6):
            return output
        lie = output.copy()
        lie[..., ::2] *= -1
        return lie

    found = verdicts(run_as(rings["demo q4-plain"], alter=negate))
    assert [verdict.outcome for verdict in found] == [
        AuditOutcome.PASSED,
        AuditOutcome.FAILED,
        AuditOutcome.PASSED,
    ]
    assert (found[1].first_bad_step, found[1].first_bad_generated) == (6, 6)
    assert found[1].evidence["rounding"]["median"] < PASSES_UP_TO


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("model", ["demo q8", "wide q4-plain"])
def test_a_plainly_wrong_token_is_wrong_on_every_processor(
    rings: Rings, model: str, sampling: SamplingRule
) -> None:
    size = rings[model][0].shape.vocabulary_size

    def lie(stage: int, step: int, output: Tensor) -> Tensor:
        if stage != 2 or step < 3:
            return output
        return with_token(output, (chosen_token(output) + 1) % size)

    found = verdicts(run_as(rings[model], alter=lie, sampling=sampling))
    assert [verdict.passed for verdict in found] == [True, True, False]
    assert found[2].reason is AuditReason.WRONG_OUTPUT
    assert found[2].first_bad_step is not None
    assert found[2].first_bad_step >= 3
    assert "claimed" in found[2].evidence["first_bad"]


def test_the_next_phone_cannot_have_the_sender_slashed_by_telling_other_inputs(
    rings: Rings,
) -> None:
    case = elsewhere(run_as(rings["demo q4-plain"]).cases[0])
    told = tuple(replace(step, claimed=np.array(step.claimed) * 2) for step in case.steps)
    assert not audit(replace(case, steps=told)).conclusive


def test_a_claim_of_another_shape_or_type_has_no_share() -> None:
    rows = np.ones((1, 3, 8), np.float32)
    for claimed in (rows[:, :2], rows.astype(np.float64), rows * np.float32(np.inf)):
        assert (row_shares(claimed, rows, rows) == WITHOUT_MEASURE).all()


FLOATS = st.floats(-1e4, 1e4, width=32)


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0, 2),
    st.sampled_from([1, 8, 64]),
    st.sampled_from(Boundary),
)
def test_what_float32_rounding_explains_passes_also_where_a_stage_adds_nothing(
    seed: int, added: float, size: int, boundary: Boundary
) -> None:
    generator = np.random.default_rng(seed)
    entered = generator.standard_normal((1, 4, size)).astype(np.float32)
    expected = entered + np.float32(added) * generator.standard_normal((1, 4, size))
    expected = expected.astype(f"<{boundary.value}")
    off = 0.9 * allowed_deviation(expected.astype(np.float64))
    claimed = (expected + off * generator.choice([-1, 1], off.shape)).astype(expected.dtype)
    assert row_shares(claimed, expected, entered).max() <= 2 * PASSES_UP_TO
    assert row_shares(expected, expected, entered).max() == 0
    nothing = np.zeros_like(expected)
    assert row_shares(nothing, nothing, nothing).max() == 0


@given(st.integers(0, 2**32 - 1), st.sampled_from(SAMPLINGS), st.floats(0.1, 8))
def test_a_token_that_rows_a_little_off_choose_is_never_called_wrong(
    seed: int, sampling: SamplingRule, scale: float
) -> None:
    generator = np.random.default_rng(seed)
    head = generator.standard_normal((32, 200)).astype(np.float32) * np.float32(scale / 6)
    row = generator.standard_normal(32).astype(np.float32)

    def moved(share: float) -> Tensor:
        direction = generator.standard_normal(32)
        direction *= share * np.linalg.norm(row) / np.linalg.norm(direction)
        logits: Tensor = ((row + direction) @ head).astype(np.float32)
        return logits

    nearby = np.stack([moved(PASSES_UP_TO) for _ in range(16)])
    chosen = choose_token(moved(0.06), sampling, seed % 4096)
    share = token_share(moved(0), nearby, chosen, sampling, seed % 4096)
    assert share <= WRONG_ABOVE


@pytest.mark.parametrize("token", [-1, 200, 2**31 - 1])
def test_a_token_outside_the_vocabulary_has_no_share(token: int) -> None:
    logits = np.zeros(200, np.float32)
    assert token_share(logits, logits[None], token, SamplingRule(), 0) > ROW_WRONG_ABOVE


@given(st.lists(FLOATS, min_size=1, max_size=6), st.floats(0, 0.06))
def test_a_vector_is_measured_by_how_far_it_moves_where_rows_are_off(
    numbers: list[float], share: float
) -> None:
    expected = np.array([numbers], np.float32)
    direction = np.ones_like(expected)
    nearby = np.concatenate([expected + PASSES_UP_TO * direction] * 3)
    assert vector_share(expected + np.float32(share) * direction, expected, nearby) <= PASSES_UP_TO
    far = expected + np.float32(1 + np.abs(expected).max()) * direction
    assert vector_share(far, expected, nearby) > WRONG_ABOVE
    assert vector_share(expected[:, :0], expected, nearby) == WITHOUT_MEASURE
    assert vector_share(expected * np.float32(np.nan), expected, nearby) == WITHOUT_MEASURE


SHARES = st.lists(st.floats(0, 1.5), min_size=1, max_size=40)


@given(SHARES, st.sampled_from(ComparedOutput))
def test_the_bands_are_those_that_were_measured(shares: list[float], what: ComparedOutput) -> None:
    measure = RoundingMeasure.sum_up([np.array(shares)], what)
    assert (measure.deviation > 1) == (measure.outcome is AuditOutcome.FAILED)
    ranked = sorted(shares)
    typical = ranked[-1] if what is ComparedOutput.ANSWERS else ranked[len(ranked) // 2]
    alone = 0.0 if what is ComparedOutput.TYPICAL_ROWS else ranked[-1]
    if typical > WRONG_ABOVE or alone > ROW_WRONG_ABOVE:
        assert measure.outcome is AuditOutcome.FAILED
    elif typical > PASSES_UP_TO:
        assert measure.outcome is AuditOutcome.DEVIATES
    elif ranked[-1] <= WRONG_ABOVE:
        assert measure.outcome is AuditOutcome.PASSED


def test_a_receipt_of_no_steps_passes() -> None:
    assert RoundingMeasure.sum_up([], ComparedOutput.ROWS).outcome is AuditOutcome.PASSED
