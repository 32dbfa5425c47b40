from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.graphs.rotary import Rotary, RotaryScaling
from tests.saying import raises_saying

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 512,
}


@settings(deadline=None)
@given(
    base=st.floats(100, 1e6),
    head_size=st.integers(1, 64).map(lambda half: 2 * half),
    context=st.integers(1, 300),
)
def test_tables_are_points_on_the_unit_circle_starting_at_angle_zero(
    base: float, head_size: int, context: int
) -> None:
    cosines, sines = Rotary(base, RotaryScaling()).tables(context, head_size)
    assert cosines.shape == sines.shape == (context, head_size // 2)
    assert cosines.dtype == sines.dtype == np.float32
    assert np.allclose(cosines**2 + sines**2, 1, atol=1e-6)
    assert (cosines[0] == 1).all()
    assert np.allclose(cosines[:, 0], np.cos(np.arange(context)), atol=1e-4)


def test_the_newer_and_the_older_configuration_give_the_same_tables() -> None:
    newer = Rotary.from_configuration(
        Configuration({"rope_parameters": {"rope_theta": 5e5, **LLAMA3}})
    )
    older = Rotary.from_configuration(Configuration({"rope_theta": 5e5, "rope_scaling": LLAMA3}))
    assert newer == older
    assert newer.base == 5e5


def test_linear_scaling_walks_the_circle_more_slowly() -> None:
    plain = Rotary(1e4, RotaryScaling()).tables(64, 16)
    scaled = Rotary(1e4, RotaryScaling("linear", 4.0)).tables(64, 16)
    for before, after in zip(plain, scaled, strict=True):
        assert np.allclose(before[:16], after[::4], atol=1e-5)


def test_dynamic_scaling_changes_nothing_within_the_configured_context() -> None:
    section = {"rope_theta": 5e5, "rope_type": "dynamic", "factor": 4.0}
    dynamic = Rotary.from_configuration(Configuration({"rope_parameters": section}))
    assert dynamic == Rotary.from_configuration(Configuration({"rope_theta": 5e5}))


def test_llama3_scaling_stretches_only_the_slow_frequencies() -> None:
    rotary = Rotary.from_configuration(Configuration({"rope_scaling": LLAMA3}))
    plain, _ = Rotary(1e4, RotaryScaling()).tables(64, 64)
    slow, _ = Rotary(1e4, RotaryScaling("linear", 8.0)).tables(64, 64)
    found, _ = rotary.tables(64, 64)
    assert np.array_equal(found[:, 0], plain[:, 0])
    assert np.allclose(found[:, -1], slow[:, -1], atol=1e-6)
    assert not np.allclose(found, plain, atol=1e-3)


def test_scaling_with_crossed_limits_is_refused() -> None:
    crossed = {**LLAMA3, "low_freq_factor": 4.0}
    with raises_saying(BadInputError, match="must be above"):
        Rotary.from_configuration(Configuration({"rope_scaling": crossed}))
