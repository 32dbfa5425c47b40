from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from app.models.cutting.plain_graph.sizes import SIZE_PREFIX, formula, summed

MEANINGS: dict[str, int | str] = {"s1": "tokens", "s2": "past", "batch": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (7, {"": 7}),
        ("s1", {"tokens": 1}),
        ("s1+s2", {"tokens": 1, "past": 1}),
        ("2*s1+3", {"tokens": 2, "": 3}),
        ("batch*s1+s1", {"tokens": 2}),
        ("unknown", None),
        ("2*(s1+s2)", None),
        ("s1*s2", None),
        ("s1-1", None),
        (None, None),
    ],
)
def test_a_size_is_a_sum_of_lengths_or_not_known(
    text: int | str | None, expected: Mapping[str, int] | None
) -> None:
    assert formula(text, MEANINGS) == expected


@given(
    total=st.dictionaries(st.sampled_from(["tokens", "past", ""]), st.integers(1, 9), min_size=1),
    tokens=st.integers(1, 50),
    past=st.integers(0, 50),
)
def test_the_nodes_of_a_sum_compute_it(total: dict[str, int], tokens: int, past: int) -> None:
    result, nodes = summed(total, "out")
    nodes.append(helper.make_node("Identity", [result], ["result"]))
    info = helper.make_tensor_value_info
    constants = [
        numpy_helper.from_array(np.array([number], np.int64), f"{SIZE_PREFIX}{number}")
        for number in range(10)
    ]
    graph = helper.make_graph(
        nodes,
        "sum",
        [info(name, TensorProto.INT64, [1]) for name in ("tokens", "past")],
        [info("result", TensorProto.INT64, [1])],
        constants,
    )
    feeds = {"tokens": np.array([tokens]), "past": np.array([past])}
    (found,) = ReferenceEvaluator(helper.make_model(graph)).run(None, feeds)
    meanings = {"tokens": tokens, "past": past, "": 1}
    assert np.asarray(found).tolist() == [
        sum(meanings[name] * factor for name, factor in total.items())
    ]
