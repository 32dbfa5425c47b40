"""How far the end of a replay may be from what was signed, before stake hangs on it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from app.proof.case import AuditCase
from app.proof.sharp.ends import MEASURED_LAYERS, ROUNDED_ANEW, rounded_anew
from workers.protocol.boundary import Boundary

HONEST_A_LAYER = 0.0038
"""What one honest row was off at most, for each of ten layers."""


def _case(layers: int, boundary: Boundary) -> AuditCase:
    shape = SimpleNamespace(layer_count=layers)
    return cast(AuditCase, SimpleNamespace(shape=shape, boundary=boundary))


@given(st.integers(1, 200), st.sampled_from(Boundary))
def test_more_layers_are_allowed_more_and_always_twice_what_honest_rows_drift(
    layers: int, boundary: Boundary
) -> None:
    allowed = rounded_anew(_case(layers, boundary))
    assert allowed <= rounded_anew(_case(layers + 1, boundary))
    assert allowed > 2 * HONEST_A_LAYER * layers


@given(st.integers(1, MEASURED_LAYERS), st.sampled_from(Boundary))
def test_where_it_was_measured_nothing_is_allowed_beyond(layers: int, boundary: Boundary) -> None:
    assert rounded_anew(_case(layers, boundary)) <= ROUNDED_ANEW
