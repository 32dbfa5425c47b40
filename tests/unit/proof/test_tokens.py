"""How far a token may lie from the one to choose before it is a lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.proof.answers.figures import QUANTIZED_FIGURES_TOLERANCE
from app.proof.tokens import even_leeway, token_deviation
from app.proof.tolerance import WITHOUT_MEASURE, allowed_deviation
from workers.engine.sampling import choose_token
from workers.protocol.sampling_rule import Bias, SamplingRule

SAMPLINGS = st.builds(
    SamplingRule,
    temperature=st.sampled_from([0.0, 1e-300, 0.05, 0.7, 1.0, 3.0]),
    top_p=st.sampled_from([0.0, 0.3, 0.9, 0.999, 1.0]),
    seed=st.integers(0, 2**63 - 1),
    top_k=st.sampled_from([0, 0, 1, 5, 40]),
    min_p=st.sampled_from([0.0, 0.0, 0.01, 0.3, 1.0]),
    biases=st.lists(st.builds(Bias, st.integers(0, 300), st.floats(-100, 100)), max_size=4).map(
        tuple
    ),
)


@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.floats(0.01, 30), SAMPLINGS)
def test_what_rounding_within_the_tolerance_chooses_is_never_called_wrong(
    seed: int, vocabulary: int, spread: float, sampling: SamplingRule
) -> None:
    generator = np.random.default_rng(seed)
    logits = (generator.standard_normal(vocabulary) * spread).astype(np.float32)
    errors = allowed_deviation(logits.astype(np.float64)) * generator.uniform(
        -0.99, 0.99, vocabulary
    )
    chosen = choose_token((logits + errors).astype(np.float32), sampling, seed % 4096)
    assert token_deviation(logits, chosen, sampling, seed % 4096) <= 1


@pytest.mark.parametrize("seed", [1923, 1996, 2041])
def test_nor_what_quantised_weights_choose_in_the_cold_as_far_off_as_their_figures(
    seed: int,
) -> None:
    generator, share = np.random.default_rng(seed), QUANTIZED_FIGURES_TOLERANCE
    for _ in range(300):
        logits = (generator.standard_normal(30) * 300).astype(np.float32)
        errors = share * np.abs(logits).max() * generator.uniform(-0.99, 0.99, 30)
        sampling = SamplingRule(0.001, top_p=0.9, seed=seed, top_k=5, min_p=0.05)
        chosen = choose_token((logits + errors).astype(np.float32), sampling, seed)
        leeway = even_leeway(logits, sampling, share)
        assert token_deviation(logits, chosen, sampling, seed, leeway) <= 1


def test_another_token_is_called_wrong_nearly_always() -> None:
    generator = np.random.default_rng(3)
    passed = 0
    for position in range(2000):
        logits = (generator.standard_normal(200) * 4).astype(np.float32)
        sampling = SamplingRule(temperature=0.8, top_p=0.95, seed=position)
        honest = choose_token(logits, sampling, position)
        other = (honest + 1 + int(generator.integers(199))) % 200
        passed += token_deviation(logits, other, sampling, position) <= 1
    assert passed < 10


@pytest.mark.parametrize(
    "bound", [{"top_k": 2}, {"min_p": 0.1}, {"top_p": 0.9}, {"biases": (Bias(2, -100.0),)}]
)
def test_a_token_that_a_bound_keeps_out_is_called_wrong(bound: dict[str, Any]) -> None:
    logits = np.array([10.0, 9.0, 6.0, 5.0], np.float32)
    for seed in range(50):
        sampling = replace(SamplingRule(1.0, seed=seed), **bound)
        assert choose_token(logits, sampling, 0) != 2
        assert token_deviation(logits, 2, sampling, 0) > 1


def test_a_token_far_outside_the_nucleus_cannot_be_measured() -> None:
    logits = np.array([10.0, 9.0, -20.0], np.float32)
    sampling = SamplingRule(temperature=1.0, top_p=0.5, seed=1)
    assert token_deviation(logits, 2, sampling, 0) == WITHOUT_MEASURE
    assert token_deviation(logits, 3, sampling, 0) == WITHOUT_MEASURE
