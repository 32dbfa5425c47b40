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

ONNX_OPSET = 20
MICROSOFT_OPSET = 1
INTERMEDIATE_VERSION = 10
"""Version of the file format (`ir_version`); readers of opset 20 know it."""
MICROSOFT = "com.microsoft"
INTEGER_ACCURACY_LEVEL = 4
"""MatMulNBits quantises the activations to int8, which is what makes it quick on ARM."""
FLAT_SUFFIX = ".flat"
INPUT_IDS = "input_ids"
LOGITS = "logits"
LENGTHS = "seqlens_k"
TOTAL_LENGTH = "total_len"
_Dimension = int | str


class ShardGraph:
    """A graph under construction. Values are known by name; methods return the name they add."""

    def __init__(self, tensors: Mapping[str, StoredTensor]) -> None:
        self._tensors = tensors
        self._nodes: list[onnx.NodeProto] = []
        self._producers: dict[str, onnx.NodeProto] = {}
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._shared: dict[str, str] = {}
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

    def output(self, value: str, name: str, shape: Sequence[_Dimension]) -> None:
        """Publish a float32 value that no node reads, under a name."""
        names = self._producers[value].output
        names[list(names).index(value)] = name
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def operator(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str] = (),
        domain: str = "",
        **attributes: float | str,
    ) -> str:
        """Add a node; returns its first output, named here unless `outputs` names it."""
        position = len(self._nodes)
        names = list(outputs) or [f"value.{position}"]
        node = helper.make_node(kind, list(inputs), names, f"{kind}.{position}", domain=domain)
        node.attribute.extend(helper.make_attribute(*each) for each in attributes.items())
        self._nodes.append(node)
        self._producers.update(dict.fromkeys(names, node))
        return names[0]

    def copy(self, node: onnx.NodeProto, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Add a node of another graph under other names."""
        own = onnx.NodeProto(op_type=node.op_type, domain=node.domain, attribute=node.attribute)
        own.name = f"{node.op_type}.{len(self._nodes)}"
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
        if name not in self._initializers:
            self._initializers[name] = _external(self._tensors[name])
        return name

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
