"""What phones may do wrong, in the work or in the replay, and which operator is named for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from app.models.library import Library
from app.models.quantization.block_wise import Quantization, quantize_rows
from app.proof.answers.figures import QUANTIZED_FIGURES_TOLERANCE
from app.proof.case import AuditCase
from app.proof.sharp.classes import RoundingClass
from app.proof.sharp.draws import Leaf, draw
from app.proof.sharp.ends import end_deviation
from app.proof.sharp.judging import end_of, judge
from app.proof.sharp.verdict import Opening, SharpReason, SharpVerdict
from app.proof.stage_parts import StagePart
from app.proof.tokens import even_leeway, token_deviation
from tests.unit.models.support import write_random
from tests.unit.proof.sharp.support import (
    EVERYTHING,
    SEED,
    Phone,
    altered,
    looked_at,
    phone,
    with_claim,
    with_weights,
)
from tests.unit.proof.support import RingShard, cut, run_ring, with_token
from workers.engine.sampling import choices_of
from workers.identity.answer_leaf import answer_leaf
from workers.identity.merkle import root_hash
from workers.identity.openings import prove_leaves
from workers.identity.states import row_hash
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import Added, SamplingRule, Steering

SPANS = ((0, 0), (1, 2), (3, 3))
COUNT = 4
Shards = Callable[[Quantization], tuple[RingShard, ...]]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("cheats")
    library = Library(folder / "home")
    written = write_random(folder / "checkpoint", hidden_size=128, intermediate_size=256)
    models = {each: library.import_folder(written, f"tiny-{each}", each) for each in Quantization}
    return lambda quantization: cut(library, models[quantization], SPANS)


def middle(shards: Shards, quantization: Quantization = Quantization.F32) -> AuditCase:
    return run_ring(shards(quantization), COUNT).cases[1]


def of_8_bits(_name: str, weights: np.ndarray) -> np.ndarray | None:
    if weights.ndim != 2 or weights.shape[1] % 32 or len(weights) < 32:
        return None
    codes, scales = quantize_rows(weights.astype(np.float32), 8)
    return ((codes.astype(np.float32) - 128) * scales[..., None]).reshape(weights.shape)


def of_16_bits(_name: str, weights: np.ndarray) -> np.ndarray | None:
    return weights.astype(np.float16).astype(np.float32) if weights.ndim == 2 else None


def of_4_bits(name: str, codes: np.ndarray) -> np.ndarray | None:
    """Bring 8-bit codes to those that 4 bits can tell apart."""
    if not name.endswith(".codes"):
        return None
    coarse = np.rint((codes.astype(float) - 128) / 16) * 16 + 128
    cheap: np.ndarray = np.clip(coarse, 0, 255).astype(np.uint8)
    return cheap


@pytest.mark.parametrize("change", [of_8_bits, of_16_bits])
def test_cheaper_weights_for_float32_are_a_wrong_product(
    shards: Shards,
    own_class: RoundingClass,
    change: Callable[[str, np.ndarray], np.ndarray | None],
) -> None:
    case = middle(shards)
    cheap = with_weights(case.graph_path, change.__name__, change)
    verdict = looked_at(phone(case, own_class, cheap))
    assert verdict.reason is SharpReason.OPERATOR
    assert verdict.operator == "FusedMatMul layer.1.query_key_value"
    assert verdict.deviation > 4


def test_cheaper_weights_are_found_whatever_is_drawn(
    shards: Shards, own_class: RoundingClass
) -> None:
    case = middle(shards)
    cheat = phone(case, own_class, with_weights(case.graph_path, "f16", of_16_bits))
    found = [looked_at(cheat, rows=3, operators=24, seed=bytes([seed])) for seed in range(20)]
    assert {verdict.reason for verdict in found} == {SharpReason.OPERATOR}


def test_4_bits_for_8_are_a_wrong_product(shards: Shards, own_class: RoundingClass) -> None:
    case = middle(shards, Quantization.Q8)
    cheap = with_weights(case.graph_path, "q4-plain", of_4_bits)
    verdict = looked_at(phone(case, own_class, cheap))
    assert verdict.reason is SharpReason.OPERATOR
    assert verdict.operator == "MatMulNBits layer.1.query_key_value"


@pytest.mark.parametrize("quantization", list(Quantization))
def test_a_quarter_of_the_feed_forward_left_out_is_a_wrong_operator(
    shards: Shards, own_class: RoundingClass, quantization: Quantization
) -> None:
    case = middle(shards, quantization)

    def leave_out(graph: onnx.GraphProto) -> None:
        (last,) = (node for node in graph.node if "layer.2.down" in " ".join(node.input))
        kept = np.ones(256, np.float32)
        kept[::4] = 0
        graph.initializer.append(numpy_helper.from_array(kept, "kept"))
        thinned = helper.make_node("Mul", [last.input[0], "kept"], ["thinned"])
        graph.node.insert(list(graph.node).index(last), thinned)
        last.input[0] = "thinned"

    verdict = looked_at(phone(case, own_class, altered(case.graph_path, "thin", leave_out)))
    assert verdict.reason is SharpReason.OPERATOR
    assert verdict.operator.endswith("layer.2.down")


def test_an_honest_replay_of_other_work_ends_elsewhere(
    shards: Shards, own_class: RoundingClass
) -> None:
    honest = shards(Quantization.F32)
    cheap = with_weights(honest[1].graph_path, "run-q8", of_8_bits)
    ring = (honest[0], replace(honest[1], runs=StagePart(cheap, honest[1].shape)), honest[2])
    case = run_ring(ring, COUNT).cases[1]
    verdict = looked_at(phone(case, own_class))
    assert verdict.reason is SharpReason.ENDS_ELSEWHERE
    assert not verdict.exact_end


@pytest.mark.parametrize("quantization", [Quantization.Q8, Quantization.Q4_PLAIN])
def test_a_skipped_layer_of_a_quantised_stage_ends_elsewhere(
    shards: Shards, own_class: RoundingClass, quantization: Quantization
) -> None:
    def skip(stage: int, _step: int, output: np.ndarray) -> np.ndarray:
        return output * np.float32(1.3) if stage == 1 else output

    case = run_ring(shards(quantization), COUNT, skip).cases[1]
    verdict = looked_at(phone(case, own_class))
    assert verdict.reason is SharpReason.ENDS_ELSEWHERE


@pytest.mark.parametrize("quantization", list(Quantization))
def test_another_token_or_false_figures_end_elsewhere(
    shards: Shards, own_class: RoundingClass, quantization: Quantization
) -> None:
    def lie(stage: int, step: int, output: np.ndarray) -> np.ndarray:
        if stage != 2 or step < 2:
            return output
        told = output.copy()
        told[:, 1] -= 1
        return told

    case = run_ring(shards(quantization), COUNT, lie).cases[2]
    assert looked_at(phone(case, own_class)).reason is SharpReason.ENDS_ELSEWHERE


@pytest.mark.parametrize("part", ["key", "value"])
def test_rows_of_the_cache_that_were_not_computed_are_found_by_their_chain(
    shards: Shards, own_class: RoundingClass, part: str
) -> None:
    found = phone(middle(shards), own_class)
    verdict = forged(found, Leaf(f"present.1.{part}", 2), np.float32(1))
    assert verdict.reason is SharpReason.OPERATOR
    assert verdict.operator == "GroupQueryAttention attention.1"


def test_one_state_that_does_not_follow_from_the_one_before_is_named(
    shards: Shards, own_class: RoundingClass
) -> None:
    found = phone(middle(shards), own_class)
    norm = next(each for each in found.sharp.graph.operators if "inner_norm" in each.name)
    verdict = forged(found, Leaf(norm.outputs[0], 4), np.float32(1e-3))
    assert verdict.reason is SharpReason.OPERATOR
    assert (verdict.operator, verdict.row) == (norm.name, 4)


ODD: list[tuple[Quantization, str, str, int]] = [
    (Quantization.Q8, "MatMulNBits", "accuracy_level", 1),
    (Quantization.F32, "SimplifiedLayerNormalization", "axis", 2),
]


@pytest.mark.parametrize(("quantization", "kind", "attribute", "value"), ODD)
def test_an_operator_that_may_mean_something_else_is_not_judged(
    shards: Shards,
    own_class: RoundingClass,
    quantization: Quantization,
    kind: str,
    attribute: str,
    value: int,
) -> None:
    case = middle(shards, quantization)

    def alter(graph: onnx.GraphProto) -> None:
        node = next(each for each in graph.node if each.op_type == kind)
        next(each for each in node.attribute if each.name == attribute).i = value

    given = replace(case, graph_path=altered(case.graph_path, attribute, alter))
    verdict = looked_at(phone(given, own_class))
    assert verdict.reason is SharpReason.NOT_COVERED
    assert verdict.operator.startswith(kind)


def test_what_is_no_number_is_wrong(shards: Shards, own_class: RoundingClass) -> None:
    found = phone(middle(shards), own_class)
    verdict = forged(found, Leaf(found.sharp.graph.states[0], 1), np.float32(np.nan))
    assert verdict.reason is SharpReason.OPERATOR


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("stage", [1, 2])
def test_an_end_that_is_no_number_is_elsewhere(
    shards: Shards, own_class: RoundingClass, stage: int, number: float
) -> None:
    """Of a row that is drawn for nothing else too: a phone may lie in one and show this."""
    found = phone(run_ring(shards(Quantization.F32), COUNT).cases[stage], own_class)
    end = Leaf(found.sharp.graph.output, 2)
    (row,) = found.replay.open([found.sharp.number(end)]).rows
    row = row.copy()
    row[1] = number
    assert end_of(found.sharp, {end: row}) > 1
    assert forged(found, end, np.float32(number)).reason is not SharpReason.HOLDS


def test_an_end_too_large_to_be_sent_is_elsewhere(shards: Shards, own_class: RoundingClass) -> None:
    case = run_ring(shards(Quantization.F32), COUNT, boundary=Boundary.F16).cases[1]
    found = phone(case, own_class)
    verdict = forged(found, Leaf(found.sharp.graph.output, 2), np.float32(1e9))
    assert verdict.reason in (SharpReason.ENDS_ELSEWHERE, SharpReason.OPERATOR)


def forged(found: Phone, leaf: Leaf, by: np.float32) -> SharpVerdict:
    """Look at a phone that signs for another row than it computed, and shows that one."""
    draws = draw(found.sharp.graph, found.sharp.extent, SEED, 12, EVERYTHING)
    leaves = found.sharp.wanted(draws, all_ends=True)
    opened = found.replay.open([found.sharp.number(each) for each in leaves])
    rows = dict(zip(leaves, opened.rows, strict=True))
    rows[leaf] = rows[leaf] + by
    hashes = found.replay.leaf_hashes
    hashes[found.sharp.number(leaf)] = row_hash(rows[leaf])
    proof = prove_leaves(hashes, [found.sharp.number(each) for each in leaves])
    statement = replace(found.statement(), states_root=root_hash(hashes).hex())
    return judge(found.sharp, statement, draws, [Opening(rows, tuple(proof))])


def test_what_is_shown_must_be_what_was_signed_for(
    shards: Shards, own_class: RoundingClass
) -> None:
    found = phone(middle(shards), own_class)
    draws = draw(found.sharp.graph, found.sharp.extent, SEED, 2, EVERYTHING)
    opening = found.opening(draws)
    leaf = next(iter(opening.rows))
    other = replace(opening, rows={**opening.rows, leaf: opening.rows[leaf] + 1})
    less = replace(opening, rows={each: opening.rows[each] for each in [*opening.rows][1:]})
    hash_less = replace(opening, proof=opening.proof[1:])
    hash_more = replace(opening, proof=(*opening.proof, bytes(32)))
    for forged_opening in (other, less, hash_less, hash_more):
        verdict = judge(found.sharp, found.statement(), draws, [forged_opening])
        assert verdict.reason is SharpReason.OPENED_OTHERWISE
    assert judge(found.sharp, found.statement(), draws, []).reason is SharpReason.OPENED_OTHERWISE


@pytest.mark.parametrize(
    "change",
    [
        {"serial": "another"},
        {"graph": "0" * 64},
        {"input_root": "0" * 64},
        {"states": "0" * 64},
        {"leaves": 12},
        {"steps": 1},
        {"rows": 1},
        {"numerical_class": "another"},
    ],
)
def test_a_statement_about_something_else_is_no_answer(
    shards: Shards, own_class: RoundingClass, change: dict[str, str | int]
) -> None:
    found = phone(middle(shards), own_class)
    draws = draw(found.sharp.graph, found.sharp.extent, SEED)
    statement = replace(found.statement(), **change)  # type: ignore[arg-type]
    verdict = judge(found.sharp, statement, draws, [found.opening(draws)])
    assert verdict.reason is SharpReason.OTHER_STATEMENT


def test_another_root_than_that_of_the_states_is_no_answer(
    shards: Shards, own_class: RoundingClass
) -> None:
    found = phone(middle(shards), own_class)
    draws = draw(found.sharp.graph, found.sharp.extent, SEED)
    statement = replace(found.statement(), states_root="0" * 64)
    verdict = judge(found.sharp, statement, draws, [found.opening(draws)])
    assert verdict.reason is SharpReason.OPENED_OTHERWISE


@pytest.mark.parametrize("quantized", [True, False])
def test_a_vector_that_answers_is_compared_as_one(shards: Shards, *, quantized: bool) -> None:
    case = run_ring(shards(Quantization.F32), COUNT).cases[2]
    vector = np.array([[0.5, -2.0, 3.0]], np.float32)
    step = replace(case.steps[-1], claimed=vector)
    answering = replace(case, shape=replace(case.shape, answer_size=3))
    off = [
        end_deviation(answering, step, 0, vector[0] + np.float32(by), quantized=quantized)
        for by in (0.0, 1e-6, 1.0)
    ]
    assert off[0] == 0
    assert 0 < off[1] <= 1
    assert (off[2] > 1) == (not quantized)


@pytest.mark.parametrize("quantization", list(Quantization))
def test_another_token_alone_does_not_end_elsewhere_and_does_not_hold(
    shards: Shards, own_class: RoundingClass, quantization: Quantization
) -> None:
    def another(stage: int, step: int, output: np.ndarray) -> np.ndarray:
        return with_token(output, 7) if stage == 2 and step == 2 else output

    case = run_ring(shards(quantization), COUNT, another).cases[2]
    told = answer_leaf(*choices_of(_logits(case, 2, own_class), 7, case.alternatives))
    other = with_claim(case, 2, told)
    assert looked_at(phone(other, own_class)).reason is SharpReason.CHOSEN_OTHERWISE
    older = replace(other, receipt=replace(other.receipt, choices=None))
    assert looked_at(phone(older, own_class)).reason is SharpReason.CHOICE_UNSIGNED
    steps = [*other.steps]
    steps[2] = replace(steps[2], steering=Steering(added=(Added(7, 1e3),)))
    said = replace(other, steps=tuple(steps))
    assert looked_at(phone(said, own_class)).reason is SharpReason.HOLDS
    steps[2] = replace(steps[2], steering=Steering(b"mask"))
    unreadable = replace(other, steps=tuple(steps))
    assert looked_at(phone(unreadable, own_class)).reason is SharpReason.HOLDS


def test_a_token_that_all_but_ties_holds_where_rounding_may_choose_it() -> None:
    logits = np.array([10.0, 9.95, 9.0], np.float32)
    leeway = even_leeway(logits, SamplingRule(), QUANTIZED_FIGURES_TOLERANCE)
    assert token_deviation(logits, 1, SamplingRule(), 0) > 1
    assert token_deviation(logits, 1, SamplingRule(), 0, leeway) <= 1
    assert token_deviation(logits, 2, SamplingRule(), 0, leeway) > 1


def _logits(case: AuditCase, step: int, own_class: RoundingClass) -> np.ndarray:
    found = phone(case, own_class)
    leaf = Leaf(found.sharp.graph.output, step)
    (row,) = found.replay.open([found.sharp.number(leaf)]).rows
    return row
