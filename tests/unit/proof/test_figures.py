"""What a last stage tells beside a token: false figures and cheaper heads show, rounding passes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audit_outcome import AuditOutcome
from app.ledger.entry import canonical_json
from app.models.library import Library
from app.proof.answers.figures import (
    FIGURES_TOLERANCE,
    figures_deviation,
    figures_share,
    log_probabilities,
)
from app.proof.audit import audit
from app.proof.case import AuditMethod, AuditReason, Verdict
from app.proof.rounding import PASSES_UP_TO, ROW_WRONG_ABOVE
from app.proof.stage_parts import StagePart
from app.proof.tolerance import WITHOUT_MEASURE
from tests.unit.models.support import random_tensors, write_folder
from tests.unit.proof.rounding_support import Rounding, on_other_processors
from tests.unit.proof.support import Alteration, RingShard, cut, run_ring, told
from workers.identity.answer_leaf import (
    COMMITTED_ALTERNATIVES,
    answer_leaf,
    chosen_token,
    is_answer_leaf,
)
from workers.protocol.sampling_rule import Choice, SamplingRule
from workers.protocol.wire import Tensor

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 700,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}
SPANS = ((0, 1), (2, 3))
LAST = 1
TOKENS = 6
SAMPLINGS = [SamplingRule(), SamplingRule(0.8, 0.9, 7)]
Rings = Mapping[str, tuple[RingShard, ...]]


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Rings:
    """One model in float32, with weights that passed through float16, and of 8 and 4 bits."""
    folder = tmp_path_factory.mktemp("models")
    library = Library(folder / "home")
    tensors = {
        name: tensor * np.float32(1 if "norm" in name else 0.3)
        for name, tensor in random_tensors(CONFIG).items()
    }
    halved = {
        name: tensor.astype(np.float16).astype(np.float32) for name, tensor in tensors.items()
    }
    sources: dict[str, tuple[Path, str]] = {
        "f32": (write_folder(folder / "f32", CONFIG, tensors), "f32"),
        "f16": (write_folder(folder / "f16", CONFIG, halved), "f32"),
    }
    sources |= {bits: (sources["f32"][0], bits) for bits in ("q8", "q4-plain")}
    return {
        name: cut(library, library.import_folder(path, name, bits), SPANS)
        for name, (path, bits) in sources.items()
    }


def verdict_of(
    ring: Sequence[RingShard],
    alter: Alteration = lambda _stage, _step, out: out,
    sampling: SamplingRule = SAMPLINGS[0],
    host_class: str = "",
) -> Verdict:
    """Return what an audit of the last stage concludes."""
    case = run_ring(ring, TOKENS, alter, sampling).cases[LAST]
    return audit(replace(case, host_class=host_class, registered_class="class"))


def with_last(ring: tuple[RingShard, ...], other: tuple[RingShard, ...]) -> tuple[RingShard, ...]:
    """The ring where the last phone runs the last shard of another."""
    cheat = replace(ring[LAST], runs=StagePart(other[LAST].graph_path, other[LAST].shape))
    return (*ring[:LAST], cheat)


def at_the_end(change: Any) -> Alteration:  # noqa: ANN401 - a leaf to a leaf
    def alter(stage: int, _step: int, output: Tensor) -> Tensor:
        if stage != LAST or output.dtype != np.float32:
            return output
        changed: Tensor = change(output.copy())
        return changed

    return alter


def surer(leaf: Tensor) -> Tensor:
    same = leaf[:, 0] == leaf[0, 0]
    leaf[same, 1] *= 0.97
    return leaf


def another_last(leaf: Tensor) -> Tensor:
    unused = next(token for token in range(300) if token not in leaf[:, 0])
    leaf[-1, 0] = unused
    return leaf


def one_fewer(leaf: Tensor) -> Tensor:
    return leaf[:-1].copy()


LIES = [surer, another_last, one_fewer]


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("cheaper", ["f16", "q8", "q4-plain"])
def test_a_cheaper_last_stage_shows_though_it_chooses_the_same_tokens(
    rings: Rings, cheaper: str, sampling: SamplingRule
) -> None:
    found = verdict_of(with_last(rings["f32"], rings[cheaper]), sampling=sampling)
    assert (found.outcome, found.reason) == (AuditOutcome.FAILED, AuditReason.WRONG_OUTPUT)
    assert found.first_bad_step == 1, "the first that answers"
    evidence = json.loads(canonical_json(found.evidence))["first_bad"]
    assert len(evidence["claimed"]["alternatives"]) == COMMITTED_ALTERNATIVES
    assert evidence["claimed"] != evidence["expected"]


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("bits", ["f32", "q8", "q4-plain"])
def test_figures_that_are_signed_for_and_false_are_wrong(
    rings: Rings,
    bits: str,
    lie: Any,  # noqa: ANN401
) -> None:
    found = verdict_of(rings[bits], at_the_end(lie))
    assert (found.method, found.reason) == (AuditMethod.TOLERANCE, AuditReason.WRONG_OUTPUT)
    assert found.first_bad_generated == 1


@pytest.mark.parametrize("lie", LIES)
def test_figures_told_otherwise_than_signed_for_are_disowned(
    rings: Rings,
    lie: Any,  # noqa: ANN401
) -> None:
    case = run_ring(rings["f32"], TOKENS).cases[LAST]
    assert case.steps[3].claimed is not None
    told_so = replace(case.steps[3], claimed=lie(case.steps[3].claimed.copy()))
    found = audit(replace(case, steps=(*case.steps[:3], told_so, *case.steps[4:])))
    assert (found.failed, found.reason) == (True, AuditReason.OUTPUTS_DISOWNED)
    assert (found.first_bad_step, found.first_bad_generated) == (3, 3)


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("bits", ["q8", "q4-plain"])
def test_honest_figures_of_another_processor_pass_and_invented_ones_do_not(
    rings: Rings, bits: str, rounding: Rounding
) -> None:
    phones = on_other_processors(rings[bits], rounding)
    assert verdict_of(phones, host_class="here").outcome is AuditOutcome.PASSED

    def invented(leaf: Tensor) -> Tensor:
        leaf[:, 1] -= 8 * np.abs(leaf[:, 1]).max()
        return leaf

    found = verdict_of(phones, at_the_end(invented), host_class="here")
    assert (found.outcome, found.method) == (AuditOutcome.FAILED, AuditMethod.ROUNDING)
    assert found.evidence["rounding"]["figures"] == TOKENS


def test_rounding_as_between_machines_passes_in_float32(rings: Rings) -> None:
    generator = np.random.default_rng(3)

    def elsewhere(leaf: Tensor) -> Tensor:
        noise = generator.uniform(-1e-6, 1e-6, len(leaf))
        leaf[:, 1] = np.minimum.accumulate(leaf[:, 1] * (1 + noise))
        leaf[0, 1] = leaf[1, 1]
        return leaf

    found = verdict_of(rings["f32"], at_the_end(elsewhere))
    assert (found.outcome, found.method) == (AuditOutcome.PASSED, AuditMethod.TOLERANCE)
    assert 0 < found.deviation < 0.5


def random_logits(seed: int, size: int, scale: float) -> Tensor:
    numbers: Tensor = np.random.default_rng(seed).standard_normal(size)
    return (numbers * scale).astype(np.float32)


LOGITS = st.builds(
    random_logits, st.integers(0, 2**32 - 1), st.integers(2, 300), st.floats(0.5, 20)
)


@given(LOGITS, st.floats(-0.5, 0.5), st.integers(0, 2**32 - 1))
def test_logits_off_by_less_than_the_tolerance_are_never_called_wrong(
    logits: Tensor, share: float, seed: int
) -> None:
    scale = np.abs(logits).max() * FIGURES_TOLERANCE
    noise = np.random.default_rng(seed).uniform(-1, 1, len(logits)) * share * scale
    leaf = told((logits + noise).astype(np.float32), SAMPLINGS[0], 3)
    assert is_answer_leaf(leaf, len(logits))
    assert figures_deviation(logits, leaf, COMMITTED_ALTERNATIVES, FIGURES_TOLERANCE) <= 1


@given(LOGITS, st.integers(0, 8), st.floats(0.01, 5))
def test_any_one_figure_that_is_off_shows(logits: Tensor, place: int, off: float) -> None:
    leaf = told(logits, SAMPLINGS[0], 3)
    leaf[place % len(leaf), 1] -= np.float32(off * max(1.0, np.abs(logits).max()))
    assert figures_deviation(logits, leaf, COMMITTED_ALTERNATIVES, FIGURES_TOLERANCE) > 1


@given(LOGITS, st.floats(0, 0.06))
def test_figures_are_measured_by_how_far_they_move_where_rows_are_off(
    logits: Tensor, share: float
) -> None:
    direction = np.random.default_rng(1).standard_normal(len(logits)).astype(np.float32)
    nearby = np.stack([logits + PASSES_UP_TO * direction, logits - PASSES_UP_TO * direction])
    leaf = told(logits + np.float32(share) * direction, SAMPLINGS[0], 3)
    assert figures_share(logits, nearby, leaf, COMMITTED_ALTERNATIVES) <= PASSES_UP_TO * 1.5
    leaf[:, 1] -= 50
    assert figures_share(logits, nearby, leaf, COMMITTED_ALTERNATIVES) > ROW_WRONG_ABOVE


FIGURES = st.floats(-30, 0, width=32)
CHOICES = st.lists(
    st.tuples(st.integers(0, (1 << 24) - 1), FIGURES), max_size=20, unique_by=lambda pair: pair[0]
)


@given(CHOICES, st.integers(0, (1 << 24) - 1), FIGURES)
def test_a_leaf_holds_every_token_and_figure_exactly(
    pairs: list[tuple[int, float]], token: int, figure: float
) -> None:
    ranked = sorted((Choice(*pair) for pair in pairs), key=lambda choice: -choice.log_probability)
    figure = dict(pairs).get(token, figure)
    leaf = answer_leaf(Choice(token, figure), ranked)
    assert is_answer_leaf(leaf, 1 << 24)
    assert chosen_token(leaf) == token
    assert [Choice(int(each), float(number)) for each, number in leaf[1:]] == ranked


@pytest.mark.parametrize(
    "leaf",
    [
        np.zeros((1, 3), np.float32),
        np.zeros((0, 2), np.float32),
        np.zeros(2, np.float32),
        np.zeros((1, 2), np.float64),
        np.array([-1], np.int64),
        np.array([[np.nan, -1]], np.float32),
        np.array([[1, np.nan]], np.float32),
        np.array([[np.inf, -1]], np.float32),
        np.array([[0.5, -1]], np.float32),
        np.array([[-1, -1]], np.float32),
        np.array([[10, -1]], np.float32),
        np.array([[1, 0.5]], np.float32),
        np.array([[1, -1], [2, -2], [2, -3]], np.float32),
        np.array([[1, -1], [2, -3], [3, -2]], np.float32),
        np.array([[1, -1], [1, -2]], np.float32),
    ],
)
def test_what_is_no_leaf_has_no_measure(leaf: Tensor) -> None:
    logits = np.arange(10, dtype=np.float32)
    assert not is_answer_leaf(leaf, len(logits))
    deviation = figures_deviation(logits, leaf, len(leaf) - 1, FIGURES_TOLERANCE)
    assert deviation == WITHOUT_MEASURE
    assert figures_share(logits, logits[None], leaf, len(leaf) - 1) == WITHOUT_MEASURE


def test_a_token_that_is_ruled_out_has_no_probability() -> None:
    logits = np.array([3.0, -np.inf, 1.0], np.float32)
    assert log_probabilities(logits)[1] == -np.inf
    honest = told(logits, SAMPLINGS[0], 3)
    assert len(honest) == 3
    assert figures_deviation(logits, honest, COMMITTED_ALTERNATIVES, FIGURES_TOLERANCE) < 1
    lie = np.array([[1, -1e30], *honest[1:]], np.float32)
    deviation = figures_deviation(logits, lie, COMMITTED_ALTERNATIVES, FIGURES_TOLERANCE)
    assert deviation == WITHOUT_MEASURE
