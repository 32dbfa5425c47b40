"""Buckets of distances against transformers' own functions, at every distance."""

from __future__ import annotations

import numpy as np
import pytest

from app.models.graphs.disentangled import Disentangled
from app.models.graphs.distances import DistanceBuckets

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")
pytest.importorskip("transformers", reason="transformers is not installed")


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize(("count", "farthest"), [(32, 128), (8, 20), (64, 512)])
def test_buckets_are_those_of_t5(count: int, farthest: int, *, both_ways: bool) -> None:
    from transformers.models.t5.modeling_t5 import T5Attention  # noqa: PLC0415 - slow to import

    distances = torch.arange(-2 * farthest, 2 * farthest + 1)
    expected = T5Attention._relative_position_bucket(distances, both_ways, count, farthest)
    found = DistanceBuckets(count, farthest, both_ways).table()
    near = np.clip(distances.numpy(), -farthest, farthest) + farthest
    assert np.array_equal(found[near], expected.numpy())


@pytest.mark.parametrize(("buckets", "farthest"), [(256, 512), (8, 64), (0, 512), (0, 5)])
def test_rows_of_distances_are_those_of_deberta(buckets: int, farthest: int) -> None:
    from transformers.models.deberta_v2 import modeling_deberta_v2 as deberta  # noqa: PLC0415

    context, span = 512, buckets or farthest
    distances = torch.arange(context, -context - 1, -1)
    if buckets:
        distances = deberta.make_log_bucket_position(distances, buckets, farthest)
    expected = torch.clamp(distances.long() + span, 0, 2 * span - 1)
    found = Disentangled(
        span=span,
        farthest=farthest,
        context_tokens=context,
        logarithmic=buckets > 0,
        keys=True,
        queries=True,
        epsilon=1e-7,
    ).table()
    assert np.array_equal(found, expected.numpy())
