"""A graph that also tells what its matrices are multiplied with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from app.models.graphs.graph import ShardGraph
from app.models.tensors import StoredTensor

_PREFIX = "recorded."


class RecordingGraph(ShardGraph):
    """Publishes the input of each product; of experts all are computed, with the rows they have."""

    def __init__(self, tensors: Mapping[str, StoredTensor]) -> None:
        super().__init__(tensors)
        self._published: dict[str, str] = {}
        self.recorded: dict[str, tuple[str, ...]] = {}
        """The outputs that have what a weight is multiplied with, by the weight's name."""

    def linear(self, value: str, name: str) -> str:
        """Multiply, and publish what with."""
        if value not in self._published:
            output = f"{_PREFIX}{len(self._published)}"
            self.operator("Identity", [value], [output])
            self._outputs.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
            self._published[value] = output
        self.recorded[name] = (*self.recorded.get(name, ()), self._published[value])
        return super().linear(value, name)

    def choose(self, condition: str, then: Callable[[], str], otherwise: Callable[[], str]) -> str:  # noqa: ARG002 - rows that are none cost nothing
        """Add the first of two values, whatever the condition: no rows give none."""
        return then()


def as_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return [..., columns] as [rows, columns]."""
    return values.reshape(-1, values.shape[-1])
