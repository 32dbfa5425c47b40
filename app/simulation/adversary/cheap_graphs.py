"""Graphs that compute less than the one signed for: other weights, fewer of them, none at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

from app.models.quantization.block_wise import quantize_rows
from workers.protocol.wire import Tensor

Change = Callable[[str, Tensor], Tensor | None]
"""A weight's name and value to what is computed with instead; None where it stays."""
BLOCK: Final = 32
_MIDDLE_CODE: Final = 128
"""What stands for 0 among codes of 8 bits."""
_COARSE_STEP: Final = 16
_DROPPED: Final = 4
"""Each so many-th input of the last product of a feed-forward is left out."""


def with_weights(graph: Path, name: str, change: Change) -> Path:
    """Write a graph beside another, with some weights changed; they travel inside it."""
    model = onnx.load(str(graph), load_external_data=False)
    for tensor in model.graph.initializer:
        changed = change(tensor.name, _value(graph, tensor))
        if changed is not None:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(changed), tensor.name))
    return _written(graph, name, model)


def thinned(graph: Path) -> Path:
    """Write a graph whose feed-forwards leave out a quarter of what they computed."""
    model = onnx.load(str(graph), load_external_data=False)
    for number, node in enumerate([*model.graph.node]):
        if any(".down" in name for name in node.input[1:]):
            _thin(model.graph, node, number)
    return _written(graph, "thinned", model)


def of_16_bits(_name: str, weights: Tensor) -> Tensor | None:
    """Return matrices as 16 bits hold them."""
    if not _is_matrix(weights):
        return None
    return weights.astype(np.float16).astype(np.float32)


def of_8_bits(_name: str, weights: Tensor) -> Tensor | None:
    """Return matrices as 8 bits a weight hold them, in blocks."""
    if not _is_matrix(weights) or weights.shape[1] % BLOCK:
        return None
    codes, scales = quantize_rows(weights.astype(np.float32), 8)
    whole = (codes.astype(np.float32) - _MIDDLE_CODE) * scales[..., None]
    return whole.reshape(weights.shape)


def of_4_bits(name: str, codes: Tensor) -> Tensor | None:
    """Return codes of 8 bits as 4 bits tell them apart."""
    if not name.endswith(".codes"):
        return None
    middle = codes.astype(float) - _MIDDLE_CODE
    coarse = np.clip(np.rint(middle / _COARSE_STEP) * _COARSE_STEP + _MIDDLE_CODE, 0, 255)
    found: Tensor = coarse.astype(np.uint8)
    return found


def in_head(change: Change) -> Change:
    """Return a change of the weights of the head alone."""

    def changed(name: str, weights: Tensor) -> Tensor | None:
        return None if name.startswith("layer.") else change(name, weights)

    return changed


def _is_matrix(weights: Tensor) -> bool:
    return weights.dtype == np.float32 and weights.ndim == 2 and len(weights) >= BLOCK


def _thin(graph: onnx.GraphProto, node: onnx.NodeProto, number: int) -> None:
    kept, thin = f"kept.{number}", f"thin.{number}"
    count = _inner_size(graph, node)
    mask = np.ones(count, np.float32)
    mask[::_DROPPED] = 0
    graph.initializer.append(numpy_helper.from_array(mask, kept))
    product = helper.make_node("Mul", [node.input[0], kept], [thin])
    graph.node.insert(list(graph.node).index(node), product)
    node.input[0] = thin


def _inner_size(graph: onnx.GraphProto, node: onnx.NodeProto) -> int:
    """Return how many numbers the product reads: its attribute K, or a side of its matrix."""
    named = {each.name: each for each in node.attribute}
    if "K" in named:
        return int(named["K"].i)
    (weights,) = (each for each in graph.initializer if each.name == node.input[1])
    turned = "transB" in named and named["transB"].i
    return int(weights.dims[1] if turned else weights.dims[0])


def _value(graph: Path, tensor: onnx.TensorProto) -> Tensor:
    """Return a weight, from the file beside the graph where it lies there."""
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        inside: Tensor = numpy_helper.to_array(tensor)
        return inside
    places = {each.key: each.value for each in tensor.external_data}
    element = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    first, length = int(places.get("offset", 0)), int(places["length"])
    data = (graph.parent / places["location"]).read_bytes()[first : first + length]
    beside: Tensor = np.frombuffer(data, element).reshape(tensor.dims)
    return beside


def _written(graph: Path, name: str, model: onnx.ModelProto) -> Path:
    path = graph.with_name(f"{graph.name}.{name}")
    path.write_bytes(model.SerializeToString())
    return path
