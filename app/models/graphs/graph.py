"""Writes a shard's ONNX graph; weights stay outside, in the blobs beside it.

Operators are those of ONNX and of onnxruntime's own domain (its ContribOperators.md), which the
phones' runtime fuses no further.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from app.models.quantization.block_wise import BLOCK_COLUMNS
from app.models.tensors import BIAS_SUFFIX, CODES_SUFFIX, SCALES_SUFFIX, StoredTensor
from workers.protocol.span_shape import RowForm

ONNX_OPSET = 20
MICROSOFT_OPSET = 1
INTERMEDIATE_VERSION = 10
"""Version of the file format (`ir_version`); readers of opset 20 know it."""
MICROSOFT = "com.microsoft"
OUTLINE = "shardloom"
"""Domain of nodes that stand for many where a graph is only reported of."""
INTEGER_ACCURACY_LEVEL = 4
"""MatMulNBits quantises the activations to int8, which is what makes it quick on ARM."""
FLAT_SUFFIX = ".flat"
INPUT_IDS = "input_ids"
HIDDEN_INPUT = "hidden_in"
HIDDEN_OUTPUT = "hidden_out"
LOGITS = "logits"
LENGTHS = "seqlens_k"
TOTAL_LENGTH = "total_len"
_CACHE_ELEMENTS = {
    RowForm.F32: TensorProto.FLOAT,
    RowForm.F16: TensorProto.FLOAT16,
    RowForm.INT8: TensorProto.INT8,
}
_Dimension = int | str


class ShardGraph:
    """A graph under construction. Values are known by name; methods return the name they add."""

    def __init__(
        self,
        tensors: Mapping[str, StoredTensor],
        *,
        in_outline: bool = False,
        cache_rows: RowForm = RowForm.F32,
    ) -> None:
        self._tensors = dict(tensors)
        self.cache_rows = cache_rows
        """How attention keeps keys and values."""
        self._count = 0
        self._branch_weights: dict[str, onnx.TensorProto] | None = None
        self.in_outline = in_outline
        """Whether the graph is only reported of: all experts of a layer are one node."""
        self._nodes: list[onnx.NodeProto] = []
        self._producers: dict[str, onnx.NodeProto] = {}
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._shared: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self.opset = ONNX_OPSET
        """Version of ONNX's own operators; set by what copies nodes of another version."""

    @property
    def nodes(self) -> Sequence[onnx.NodeProto]:
        """The nodes so far, each after those it reads from."""
        return self._nodes

    @property
    def initializers(self) -> Mapping[str, onnx.TensorProto]:
        """Weights and constants by name; of weights only the shape is here."""
        return self._initializers

    def input(self, name: str, element: int, shape: Sequence[_Dimension]) -> str:
        """Declare an input; names in the shape are free dimensions."""
        self._inputs.append(helper.make_tensor_value_info(name, element, shape))
        return name

    def output(
        self,
        value: str,
        name: str,
        shape: Sequence[_Dimension],
        element: int = TensorProto.FLOAT,
    ) -> None:
        """Publish a value that no node reads, float32 unless said otherwise, under a name."""
        names = self._producers[value].output
        names[list(names).index(value)] = name
        self._outputs.append(helper.make_tensor_value_info(name, element, shape))

    @property
    def cache_element(self) -> int:
        """Type of the attention cache's inputs and outputs."""
        return _CACHE_ELEMENTS[self.cache_rows]

    def operator(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str] = (),
        domain: str = "",
        **attributes: float | str | Sequence[int] | onnx.GraphProto,
    ) -> str:
        """Add a node; returns its first output, named here unless `outputs` names it."""
        position = self._count
        self._count += 1
        names = list(outputs) or [f"value.{position}"]
        node = helper.make_node(kind, list(inputs), names, f"{kind}.{position}", domain=domain)
        node.attribute.extend(helper.make_attribute(*each) for each in attributes.items())
        self._nodes.append(node)
        self._producers.update(dict.fromkeys(names, node))
        return names[0]

    def copy(self, node: onnx.NodeProto, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Add a node of another graph under other names."""
        own = onnx.NodeProto(op_type=node.op_type, domain=node.domain, attribute=node.attribute)
        own.name = f"{node.op_type}.{self._count}"
        self._count += 1
        own.input.extend(inputs)
        own.output.extend(outputs)
        self._nodes.append(own)
        self._producers.update(dict.fromkeys(outputs, own))

    def constant(self, name: str, value: np.generic | NDArray[Any]) -> str:
        """Add a scalar or a small array that lies in the graph itself."""
        self._initializers[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def weight(self, name: str) -> str:
        """Refer to a stored tensor by the hash of its blob (ONNX external data)."""
        branch = self._branch_weights
        known = self._initializers if branch is None else branch
        if name not in known:
            known[name] = _external(self._tensors[name])
        return name

    def part(self, name: str, index: int, count: int) -> str:
        """Name one of `count` equal parts of a stored weight's rows: fewer of the same bytes."""
        own = f"{name}.{index}"
        for stored in self.stored(name):
            part = own + stored.removeprefix(name)
            self._tensors[part] = self._tensors[stored].part(part, index, count)
        return own

    def stored(self, name: str) -> tuple[str, ...]:
        """Return the names of the tensors that stand for a weight, its bias among them."""
        names = (name + suffix for suffix in ("", CODES_SUFFIX, SCALES_SUFFIX, BIAS_SUFFIX))
        return tuple(each for each in names if each in self._tensors)

    def choose(self, condition: str, then: Callable[[], str], otherwise: Callable[[], str]) -> str:
        """Add one of two values; what computes the other is not run, its weights are not read."""
        return self.operator(
            "If", [condition], then_branch=self._branch(then), else_branch=self._branch(otherwise)
        )

    def outlined(
        self,
        kind: str,
        inputs: Sequence[str],
        weights: Sequence[str],
        add: Callable[[], str],
        **attributes: float,
    ) -> str:
        """Add a value as `add` does; where the graph is only reported of, as one node instead."""
        if not self.in_outline:
            return add()
        outer, self._nodes = self._nodes, []
        result = add()
        self._nodes = outer
        read = [self.weight(each) for name in weights for each in self.stored(name)]
        self._count -= 1
        return self.operator(kind, [*inputs, *read], [result], OUTLINE, **attributes)

    def _branch(self, add: Callable[[], str]) -> onnx.GraphProto:
        """Return a graph that holds its weights itself: quicker than reading outer ones."""
        outer = self._nodes, self._branch_weights
        self._nodes, self._branch_weights = [], {}
        result = add()
        published = helper.make_tensor_value_info(result, TensorProto.FLOAT, None)
        weights = list(self._branch_weights.values())
        branch = helper.make_graph(self._nodes, f"branch.{result}", [], [published], weights)
        self._nodes, self._branch_weights = outer
        return branch

    def has(self, name: str) -> bool:
        """Return whether a weight is stored under a name, quantised or not."""
        return name in self._tensors or name + CODES_SUFFIX in self._tensors

    def rows(self, indices: str, name: str) -> str:
        """Look rows of a stored matrix up: [...] to [..., columns]."""
        if name + CODES_SUFFIX not in self._tensors:
            return self.operator("Gather", [self.weight(name), indices])
        return self.operator(
            "GatherBlockQuantized",
            [self._flat_codes(name), indices, self.weight(name + SCALES_SUFFIX)],
            domain=MICROSOFT,
            bits=self._bits(name),
            block_size=BLOCK_COLUMNS,
            gather_axis=0,
            quantize_axis=1,
        )

    def linear(self, value: str, name: str) -> str:
        """Multiply [..., columns] with a stored matrix [rows, columns] and add its bias, if any."""
        if name + CODES_SUFFIX in self._tensors:
            product = self._quantized_product(value, name)
        else:
            product = self.operator(
                "FusedMatMul", [value, self.weight(name)], domain=MICROSOFT, transB=1
            )
        if name + BIAS_SUFFIX not in self._tensors:
            return product
        return self.operator("Add", [product, self.weight(name + BIAS_SUFFIX)])

    def note(self, name: str, value: str) -> None:
        """Keep a text in the graph's metadata."""
        self._notes[name] = value

    def once(self, name: str, add: Callable[[], str]) -> str:
        """Add a value that several layers share, such as a mask, the first time it is asked for."""
        if name not in self._shared:
            self._shared[name] = add()
        return self._shared[name]

    def serialize(self, name: str) -> bytes:
        """Return the finished graph; equal graphs give equal bytes."""
        graph = helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, list(self._initializers.values())
        )
        model = helper.make_model(
            graph,
            opset_imports=[
                helper.make_opsetid("", self.opset),
                helper.make_opsetid(MICROSOFT, MICROSOFT_OPSET),
            ],
            ir_version=INTERMEDIATE_VERSION,
        )
        helper.set_model_props(model, self._notes)
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _quantized_product(self, value: str, name: str) -> str:
        rows, blocks, _ = self._tensors[name + CODES_SUFFIX].shape
        return self.operator(
            "MatMulNBits",
            [value, self.weight(name + CODES_SUFFIX), self.weight(name + SCALES_SUFFIX)],
            domain=MICROSOFT,
            K=blocks * BLOCK_COLUMNS,
            N=rows,
            bits=self._bits(name),
            block_size=BLOCK_COLUMNS,
            accuracy_level=INTEGER_ACCURACY_LEVEL,
        )

    def _flat_codes(self, name: str) -> str:
        """Refer to the codes [rows, blocks, bytes] as [rows, bytes]: the same bytes."""
        codes = self._tensors[name + CODES_SUFFIX]
        rows, *rest = codes.shape
        flat = replace(codes, name=codes.name + FLAT_SUFFIX, shape=(rows, math.prod(rest)))
        self._initializers.setdefault(flat.name, _external(flat))
        return flat.name

    def _bits(self, name: str) -> int:
        return self._tensors[name + CODES_SUFFIX].shape[-1] * 8 // BLOCK_COLUMNS


def _external(tensor: StoredTensor) -> onnx.TensorProto:
    proto = TensorProto(
        name=tensor.name,
        dims=tensor.shape,
        data_type=helper.np_dtype_to_tensor_dtype(np.dtype(tensor.element)),
        data_location=TensorProto.EXTERNAL,
    )
    places = {
        "location": tensor.blob,
        "offset": str(tensor.offset_bytes),
        "length": str(tensor.size_bytes),
    }
    for key, place in places.items():
        proto.external_data.add(key=key, value=place)
    return proto
