"""What the host steers the choice of a token by, and what an audit makes of it."""

from __future__ import annotations

import zlib
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.proof.tokens import token_deviation
from app.proof.tolerance import WITHOUT_MEASURE
from tests.saying import raises_telling
from tests.signing import TERMS
from workers.engine.sampling import allowed_by, biased, choose_token, deflated
from workers.engine.spans import LoadedSpan
from workers.errors import NotFiniteError, RequestRefusedError, UnusableRowsError
from workers.identity.choices import choices_root
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import UNSTEERED, Added, SamplingRule, Steering, steered
from workers.protocol.step_message import StepRow
from workers.ring.transactions import Transaction

RULES = (
    SamplingRule(),
    SamplingRule(1.0, seed=5),
    SamplingRule(0.8, top_p=0.7, seed=6),
    SamplingRule(1.5, seed=7, top_k=5, min_p=0.01),
)
masks = st.lists(st.booleans(), min_size=1, max_size=70).filter(any)


def packed(allowed: list[bool]) -> bytes:
    return deflated(np.packbits(np.array(allowed), bitorder="little").tobytes())


@given(masks, st.sampled_from(RULES), st.integers(0, 1000))
def test_only_what_is_allowed_is_chosen_and_an_audit_finds_anything_else(
    allowed: list[bool], rule: SamplingRule, seed: int
) -> None:
    logits = np.random.default_rng(seed).normal(0, 5, len(allowed)).astype(np.float32)
    steering = steered(rule, Steering(packed(allowed)))
    chosen = choose_token(logits, steering, 3)
    assert allowed[chosen]
    assert token_deviation(logits, chosen, steering, 3) == 0
    for token, may in enumerate(allowed):
        if not may:
            assert token_deviation(logits, token, steering, 3) == WITHOUT_MEASURE


@given(st.integers(0, 1000))
def test_what_is_added_counts_as_a_bias_does(seed: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 1, 20).astype(np.float32)
    best = int(logits.argmax())
    away = steered(SamplingRule(), Steering(added=(Added(best, -50.0), Added(99, 5.0))))
    assert choose_token(logits, away, 0) != best
    assert token_deviation(logits, best, away, 0) > 1


@given(st.integers(0, 1000), st.floats(0.1, 10.0))
def test_tokens_that_came_lose_by_the_penalty_whatever_their_sign(
    seed: int, penalty: float
) -> None:
    logits = np.random.default_rng(seed).normal(0, 1, 20).astype(np.float32)
    rule = steered(SamplingRule(), Steering(repeated=(3, 7, 99), repetition=penalty))
    wanted, factor = logits.copy(), np.float32(penalty)
    for token in (3, 7):
        wanted[token] = logits[token] / factor if logits[token] > 0 else logits[token] * factor
    assert np.array_equal(biased(logits, rule), wanted)
    assert choose_token(logits, rule, 0) == int(wanted.argmax())


def test_a_rule_that_nothing_steers_is_the_same() -> None:
    assert steered(RULES[1], UNSTEERED) is RULES[1]


@pytest.mark.parametrize(
    "mask",
    [b"x", zlib.compress(b"\xff"), zlib.compress(bytes(1 << 20)), packed([True] * 20) + b"x"],
)
def test_a_mask_of_another_vocabulary_is_refused_however_large_it_would_be(mask: bytes) -> None:
    with raises_telling(RequestRefusedError, "cannot be read"):
        allowed_by(mask, 20)


def test_a_mask_that_allows_nothing_chooses_nothing() -> None:
    nothing = steered(SamplingRule(), Steering(packed([False] * 9)))
    with pytest.raises(NotFiniteError):
        choose_token(np.zeros(9, np.float32), nothing, 0)


def transaction_told(number: int, generated: int) -> Transaction:
    """Return a transaction of a last stage that was told how to choose a token."""
    span = cast(LoadedSpan, SimpleNamespace(engine=SimpleNamespace(shape=None)))
    told = Transaction(
        "t", span, 0, 0, SamplingRule(), None, None, frozenset(), Boundary.F32, 0, TERMS, b"", None
    )
    told.steering, told.generated = (number, Steering(repeated=(1,), repetition=2.0)), generated
    return told


def test_a_step_that_asks_for_another_token_than_the_one_told_of_cannot_be_used() -> None:
    told = transaction_told(5, generated=4)
    told.check_steered(StepRow("t", 4, 9, wants_token=False, generated=0))
    told.check_steered(StepRow("t", 4, 9, wants_token=True, generated=5))
    for other in (4, 6, 1_000):
        with raises_telling(UnusableRowsError, "asked"):
            told.check_steered(StepRow("t", 4, 9, wants_token=True, generated=other))
    chosen = transaction_told(5, generated=5)
    chosen.check_steered(StepRow("t", 5, 10, wants_token=True, generated=6))


@given(st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=6), st.integers(0, 5))
def test_any_other_steering_of_any_step_is_another_root(
    penalised: list[int | None], other: int
) -> None:
    choices = [
        None if token is None else Steering(repeated=(token,), repetition=1.5)
        for token in penalised
    ]
    root = choices_root(choices)
    for number, choice in enumerate(choices):
        for different in (None, UNSTEERED, Steering(repeated=(other,), repetition=2.5)):
            if different != choice:
                assert choices_root([*choices[:number], different, *choices[number + 1 :]]) != root
    assert choices_root([*choices, None]) != root
