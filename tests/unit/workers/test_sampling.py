from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.saying import raises_telling
from workers.engine.sampling import (
    choices_of,
    choose_token,
    heated,
    kept_tokens,
    noise,
)
from workers.errors import EngineError
from workers.protocol.sampling_rule import Bias, SamplingRule

LOGITS = arrays.arrays(
    np.float32,
    st.integers(1, 200),
    elements=st.floats(-30, 30, width=32),
)
WARM = SamplingRule(temperature=1.0, top_p=1.0, seed=1)


@given(LOGITS)
def test_temperature_zero_takes_the_first_of_the_largest(logits: np.ndarray) -> None:
    token = choose_token(logits, SamplingRule(), 0)
    assert token == logits.argmax()
    assert choices_of(logits, token, 0)[0].log_probability <= 0


@given(LOGITS, st.floats(0.1, 5), st.floats(0, 1), st.integers(0, 2**63 - 1), st.integers(1, 9999))
def test_a_sampled_token_lies_in_the_nucleus(
    logits: np.ndarray, temperature: float, top_p: float, seed: int, position: int
) -> None:
    token = choose_token(logits, SamplingRule(temperature, top_p, seed), position)
    weights = np.exp((logits.astype(np.float64) - logits.max()) / temperature)
    weights /= weights.sum()
    likelier = weights[weights > weights[token]].sum()
    assert likelier <= top_p + 1e-9


@given(LOGITS, st.floats(0.1, 5), st.floats(0, 1), st.integers(0, 50), st.floats(0, 1))
def test_what_may_be_drawn_is_what_each_bound_by_itself_keeps(
    logits: np.ndarray, temperature: float, top_p: float, top_k: int, min_p: float
) -> None:
    rule = SamplingRule(temperature, top_p, 0, top_k, min_p)
    scores = heated(logits.astype(np.float64), rule)
    alone = SamplingRule(temperature)
    bounds = (
        replace(alone, top_p=top_p),
        replace(alone, top_k=top_k),
        replace(alone, min_p=min_p),
    )
    kept = [set(kept_tokens(scores, bound)) for bound in bounds]
    assert set(kept_tokens(scores, rule)) == set.intersection(*kept)
    assert int(scores.argmax()) in set.intersection(*kept)
    assert len(kept[1]) == (min(top_k, len(logits)) or len(logits))


def test_a_bias_counts_as_if_the_model_had_said_so() -> None:
    logits = np.array([1.0, 3.0, 2.0], np.float32)
    liked = (Bias(2, 1.5), Bias(1, 0.25), Bias(99, 100.0))
    moved = np.array([1.0, 3.25, 3.5], np.float32)
    for rule in (SamplingRule(), *(replace(WARM, seed=seed) for seed in range(20))):
        with_biases = choose_token(logits, replace(rule, biases=liked), 5)
        assert with_biases == choose_token(moved, rule, 5)
    assert logits.tolist() == [1.0, 3.0, 2.0], "the logits themselves stay as they are"


@given(LOGITS, st.integers(0, 2**63 - 1), st.integers(0, 9999))
def test_the_same_seed_and_position_choose_the_same(
    logits: np.ndarray, seed: int, position: int
) -> None:
    warm = replace(WARM, seed=seed)
    assert choose_token(logits, warm, position) == choose_token(logits.copy(), warm, position)


def test_the_smallest_temperature_is_as_good_as_greedy() -> None:
    coldest = replace(WARM, temperature=5e-324)
    with np.errstate(over="raise"):
        assert choose_token(np.array([1.0, 3.0, 2.0], np.float32), coldest, 4) == 1


def test_tokens_come_as_often_as_their_probability() -> None:
    probabilities = np.array([0.5, 0.3, 0.15, 0.05])
    logits = np.log(probabilities).astype(np.float32)
    drawn = [choose_token(logits, WARM, position) for position in range(4000)]
    frequencies = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(frequencies, probabilities, atol=0.03)


def test_other_seeds_and_positions_choose_otherwise() -> None:
    logits = np.zeros(1000, np.float32)
    by_position = {choose_token(logits, WARM, position) for position in range(50)}
    by_seed = {choose_token(logits, replace(WARM, seed=seed), 7) for seed in range(50)}
    assert len(by_position) > 40
    assert len(by_seed) > 40


def test_a_wide_nucleus_holds_more_than_the_first_candidates() -> None:
    logits = np.zeros(5000, np.float32)
    drawn = {choose_token(logits, replace(WARM, top_p=0.5), position) for position in range(300)}
    assert max(drawn) < 2500
    assert len(drawn) > 200


def test_a_probability_is_that_of_the_model() -> None:
    logits = np.log(np.array([0.9, 0.1])).astype(np.float32) + 3
    for token, probability in enumerate((0.9, 0.1)):
        (chosen, _) = choices_of(logits, token, 0)
        assert chosen.token == token
        assert chosen.log_probability == pytest.approx(np.log(probability), abs=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_refused(value: float) -> None:
    with raises_telling(EngineError, match="not finite"):
        choose_token(np.array([0.0, value], np.float32), SamplingRule(), 0)


def test_minus_infinity_rules_a_token_out() -> None:
    logits = np.array([-np.inf, 0.0, -np.inf], np.float32)
    for sampling in (
        SamplingRule(),
        SamplingRule(temperature=2.0, seed=1),
        SamplingRule(2.0, 0.5, 3),
    ):
        assert choose_token(logits, sampling, 7) == 1
    with raises_telling(EngineError, match="not finite"):
        choose_token(np.full(3, -np.inf, np.float32), SamplingRule(), 0)


def _philox_first_output(key: int, counter: int) -> int:
    """Compute Philox 4x64-10 as Salmon et al. 2011 (section 3.3) give it."""
    mask = (1 << 64) - 1
    c0, c1, c2, c3 = (counter >> shift & mask for shift in (0, 64, 128, 192))
    k0, k1 = key & mask, key >> 64
    for _ in range(10):
        first, second = c0 * 0xD2E7470EE14C6C93, c2 * 0xCA5A826395121157
        c0, c1, c2, c3 = (
            (second >> 64) ^ c1 ^ k0,
            second & mask,
            (first >> 64) ^ c3 ^ k1,
            first & mask,
        )
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
    return c0


def _mixed(value: int) -> int:
    """Scatter 64 bits as SplitMix64 does (Steele et al. 2014, figure 17)."""
    mask = (1 << 64) - 1
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & mask
    return value ^ value >> 31


@pytest.mark.parametrize(("seed", "position"), [(0, 0), (1, 5), (2**63 - 1, 4095)])
@pytest.mark.parametrize("token", [0, 1, 151_999])
def test_noise_is_what_the_protocol_document_says(seed: int, position: int, token: int) -> None:
    start = _philox_first_output(seed, position + 1)
    bits = _mixed((start + token * 0x9E3779B97F4A7C15) % (1 << 64)) >> 11
    expected = -math.log(-math.log((bits + 0.5) / 2**53))
    found = noise(replace(WARM, seed=seed), position, np.array([token]))
    assert found[0] == pytest.approx(expected, rel=1e-12)


@given(LOGITS, st.integers(0, 20))
def test_the_likeliest_tokens_are_in_order(logits: np.ndarray, count: int) -> None:
    chosen, found = choices_of(logits, 0, count)
    assert all(chosen == each for each in found if each.token == 0)
    assert [choice.token for choice in found] == np.argsort(-logits, kind="stable")[:count].tolist()
    assert sum(math.exp(choice.log_probability) for choice in found) <= 1 + 1e-5


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 30), equals=st.booleans())
def test_the_likeliest_of_many_are_found_among_equals_too(
    seed: int, count: int, *, equals: bool
) -> None:
    logits = np.random.default_rng(seed).standard_normal(5000).astype(np.float32)
    logits = np.round(logits) if equals else logits
    _, found = choices_of(logits, 0, count)
    assert [choice.token for choice in found] == np.argsort(-logits, kind="stable")[:count].tolist()


def test_tokens_that_are_ruled_out_are_no_alternatives() -> None:
    logits = np.array([1.0, -np.inf, 2.0, -np.inf], np.float32)
    _, likeliest = choices_of(logits, 2, 4)
    assert [choice.token for choice in likeliest] == [2, 0]
    assert all(choice.log_probability <= 0 for choice in likeliest)
