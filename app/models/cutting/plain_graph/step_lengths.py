"""Computes values that follow from the lengths alone, such as masks and positions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from app.models.cutting.plain_graph.graph_parts import (
    ALL,
    LENGTHS,
    PAST,
    TOKENS,
    PlainGraph,
    is_stub,
)
from app.models.cutting.plain_graph.part_session import open_part

_Numbers = Mapping[str, NDArray[np.generic]]


class StepLengths:
    """Side values of a graph for any lengths; those that need stored weights are left out."""

    def __init__(self, graph: PlainGraph, values: Iterable[str]) -> None:
        self.names = tuple(name for name in values if _is_free(graph, name))
        self._session = _session(graph, self.names) if self.names else None

    def at(self, tokens: int, past: int) -> _Numbers:
        """Return the values for so many tokens behind so many others."""
        if self._session is None:
            return {}
        lengths = {TOKENS: tokens, PAST: past, ALL: tokens + past}
        read = {value.name for value in self._session.get_inputs()}
        feeds = {name: np.array([lengths[name]], np.int64) for name in LENGTHS if name in read}
        return dict(zip(self.names, self._session.run(None, feeds), strict=True))


def _is_free(graph: PlainGraph, value: str) -> bool:
    nodes = graph.needed_for([value], frozenset())
    read = {name for node in nodes for name in node.input}
    stubs = (name for name, proto in graph.constants.items() if is_stub(proto))
    return bool(nodes) and read.isdisjoint(stubs)


def _session(graph: PlainGraph, values: tuple[str, ...]) -> onnxruntime.InferenceSession:
    return open_part(
        graph,
        graph.needed_for(values, frozenset()),
        [helper.make_tensor_value_info(name, TensorProto.INT64, [1]) for name in LENGTHS],
        [onnx.ValueInfoProto(name=name) for name in values],
    )
