from __future__ import annotations

import pytest

from app.benchmarks.stages.decode_tables import DecodeFigures
from app.benchmarks.stages.even_seams import even_seams
from tests.unit.placement.support import model_of


def test_a_heavy_head_shortens_the_last_stage() -> None:
    assert even_seams(model_of((1000,) * 16, head_bytes=1000), 2) == ((0, 7), (8, 15))
    assert even_seams(model_of((1000,) * 16, head_bytes=5000), 2) == ((0, 9), (10, 15))


@pytest.mark.parametrize("stages", [1, 3, 4])
def test_stages_cover_all_layers_once(stages: int) -> None:
    seams = even_seams(model_of((5, 1, 1, 9)), stages)
    assert len(seams) == stages
    assert [layer for first, last in seams for layer in range(first, last + 1)] == [0, 1, 2, 3]


def test_two_streams_at_full_rate_count_only_rounds_in_which_both_cores_could_read() -> None:
    figures = DecodeFigures("f32", weight_bytes=1, hop_bytes=1)
    figures.stream_rates = {1: [10.0, 10.0, 10.0], 2: [12.0, 19.0, 17.0]}
    figures.reading_gains = [1.2, 2.0, 1.9]
    assert figures.gain(2) == pytest.approx(1.7)
    assert figures.gain_at_full_rate == pytest.approx(1.8)
    figures.reading_gains = [1.2, 1.1, 1.7]
    assert figures.gain_at_full_rate is None
