"""Rounding by what a product is multiplied with loses less of it than rounding each number."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from app.models.quantization.block_wise import quantize_rows, unpacked
from app.models.quantization.error_feedback import Moments, round_with_feedback
from app.models.quantization.scales import sought_rows

ROWS, COLUMNS = 48, 96


def drawn(seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a matrix and inputs of which a few directions carry most."""
    generator = np.random.default_rng(seed)
    mixed = generator.standard_normal((400, 12)) @ generator.standard_normal((12, COLUMNS))
    inputs = mixed + 0.3 * generator.standard_normal((400, COLUMNS))
    return (
        generator.standard_normal((ROWS, COLUMNS)).astype(np.float32),
        inputs.astype(np.float32),
    )


def lost(
    weights: NDArray[np.float32], kept: NDArray[np.float32], inputs: NDArray[np.float32]
) -> float:
    off = inputs @ (weights - kept).T
    return float(np.square(off).sum() / np.square(inputs @ weights.T).sum())


@pytest.mark.parametrize("widest", [32, 64, 4096])
def test_a_product_loses_less_than_by_rounding_each_number(widest: int) -> None:
    weights, inputs = drawn(1)
    moments = Moments(COLUMNS, widest)
    for part in np.array_split(inputs, 3):
        moments.add(part)
    found = round_with_feedback(weights, moments)
    plain = lost(weights, unpacked(*quantize_rows(weights, 4)), inputs)
    own = lost(weights, unpacked(found.codes, found.scales), inputs)
    assert own < 0.75 * plain
    if widest > COLUMNS:
        assert own < 0.4 * plain
        assert found.lost == pytest.approx(own, rel=1e-2)


def test_inputs_that_are_all_zero_and_weights_that_are_round_as_any() -> None:
    weights = np.zeros((4, COLUMNS), np.float32)
    weights[1] = 1.0
    found = round_with_feedback(weights, Moments(COLUMNS, 4096))
    kept = unpacked(found.codes, found.scales)
    assert np.isfinite(found.scales).all()
    assert np.array_equal(kept[0], weights[0])
    assert np.allclose(kept[1], 1.0, atol=0.08)


def test_scales_that_are_sought_are_nearer_than_those_of_the_largest_weight() -> None:
    weights, _ = drawn(2)
    sought = np.square(weights - unpacked(*sought_rows(weights))).sum()
    assert sought < 0.9 * np.square(weights - unpacked(*quantize_rows(weights, 4))).sum()
