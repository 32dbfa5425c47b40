"""Phones of other processors, made on this one: the same graph, activations rounded otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from app.proof.stage_parts import StagePart
from tests.unit.proof.support import RingShard

EXACT_ACCURACY_LEVEL = 1
LARGEST_CODE = 127


class Rounding(StrEnum):
    """How a processor rounds what it multiplies with quantised weights, as found on phones."""

    NONE = "none"
    ROWS = "rows"
    BLOCKS = "blocks"


def on_other_processors(shards: Sequence[RingShard], rounding: Rounding) -> tuple[RingShard, ...]:
    """Return the ring on phones that round that way."""
    return tuple(
        replace(shard, runs=StagePart(rounded(shard.graph_path, rounding), shard.shape))
        for shard in shards
    )


def rounded(graph_path: Path, rounding: Rounding) -> Path:
    """Write a graph that rounds itself and then multiplies without rounding; beside its weights."""
    model = onnx.load(str(graph_path), load_external_data=False)
    constants = [
        _constant("round.codes", np.float32(LARGEST_CODE)),
        _constant("round.tiny", np.float32(1e-30)),
        _constant("round.last", np.array([-1], np.int64)),
    ]
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "MatMulNBits":
            settings = {attribute.name: attribute for attribute in node.attribute}
            settings["accuracy_level"].i = EXACT_ACCURACY_LEVEL
            if rounding is not Rounding.NONE:
                size = settings["K"].i if rounding is Rounding.ROWS else 32
                constants.append(
                    _constant(f"{node.name}.parts", np.array([-1, settings["K"].i // size, size]))
                )
                nodes += _rounding_nodes(node)
                node.input[0] = f"{node.name}.rounded"
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(constants)
    written = graph_path.with_name(f"{graph_path.name}.{rounding}")
    written.write_bytes(model.SerializeToString())
    return written


def _rounding_nodes(product: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    name = product.name

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401 - as ONNX has it
        return helper.make_node(kind, inputs, [f"{name}.{output}"], **attributes)

    yield node("Shape", [product.input[0]], "shape")
    yield node("Reshape", [product.input[0], f"{name}.parts"], "apart")
    yield node("Abs", [f"{name}.apart"], "magnitudes")
    yield node("ReduceMax", [f"{name}.magnitudes", "round.last"], "largest", keepdims=1)
    yield node("Div", [f"{name}.largest", "round.codes"], "step")
    yield node("Max", [f"{name}.step", "round.tiny"], "scale")
    yield node("Div", [f"{name}.apart", f"{name}.scale"], "steps")
    yield node("Round", [f"{name}.steps"], "codes")
    yield node("Mul", [f"{name}.codes", f"{name}.scale"], "values")
    yield node("Reshape", [f"{name}.values", f"{name}.shape"], "rounded")


def _constant(name: str, value: np.generic | np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)
