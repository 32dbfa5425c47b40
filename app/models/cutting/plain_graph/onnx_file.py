"""An ONNX file and the weight files beside it, checked before anything is read from them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from app.core.errors import BadInputError, reason_of
from app.models.files import PIECE_BYTES

MAXIMUM_GRAPH_BYTES = 2**31 - 1
"""What the format itself allows; larger models have their weights beside the graph."""
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
_PLAIN = (TensorProto.BOOL, TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32)
READABLE = (*FLOATS, *_PLAIN, TensorProto.INT64)


def read_graph(path: Path) -> onnx.ModelProto:
    """Read a graph without the weights beside it. Raises `BadInputError` where it is not one."""
    try:
        if path.stat().st_size > MAXIMUM_GRAPH_BYTES:
            raise BadInputError("graph.too_large", file=path.name)
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError("file.unreadable", path=str(path), reason=reason_of(error)) from error
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(content)
    except Exception as error:  # protobuf's own kind, which onnx does not name
        raise BadInputError("graph.not_onnx", file=path.name) from error
    if not model.graph.node:
        raise BadInputError("graph.empty", file=path.name)
    return model


@dataclass(frozen=True)
class _Place:
    """Where a tensor's raw bytes lie."""

    path: Path
    offset_bytes: int


class OnnxTensors:
    """The constant tensors of a graph by name, read in pieces.

    Tensors beside the graph stay on disk. Construction checks that each lies in a file of the
    graph's own folder and whole in it, and raises `BadInputError` otherwise.
    """

    def __init__(self, model: onnx.ModelProto, folder: Path) -> None:
        self._folder = folder.resolve()
        self._protos = {proto.name: proto for proto in model.graph.initializer}
        self._places = {
            name: self._place(proto)
            for name, proto in self._protos.items()
            if proto.data_location == TensorProto.EXTERNAL
        }

    @property
    def files(self) -> tuple[Path, ...]:
        """The weight files beside the graph."""
        return tuple(sorted({place.path for place in self._places.values()}))

    def whole(self, name: str) -> NDArray[Any]:
        """Return a tensor in its own type."""
        place = self._places.get(name)
        if place is None:
            return _inside(self._protos[name])
        return np.array(self._mapped(name, place))

    def pieces(
        self, name: str, rows: Sequence[tuple[int, int]] = (), *, transposed: bool = False
    ) -> Iterator[NDArray[Any]]:
        """Yield arrays of consecutive rows, a few megabytes each; floats as float32.

        `rows` are ranges to yield instead of the whole; a transposed tensor is turned first. Raises
        `BadInputError` at a value that is no number. Minus infinity passes: masks are made of it.
        """
        shape = tuple(self._protos[name].dims)
        if not shape:
            yield self._checked(name, self.whole(name))
            return
        count, *rest = reversed(shape) if transposed else shape
        step = max(1, PIECE_BYTES // (4 * max(1, math.prod(rest))))
        for first, after in rows or [(0, count)]:
            for start in range(first, after, step):
                yield self._piece(name, slice(start, min(start + step, after)), transposed)

    def _piece(self, name: str, rows: slice, transposed: bool) -> NDArray[Any]:  # noqa: FBT001 - private
        place = self._places.get(name)
        whole = _inside(self._protos[name]) if place is None else self._mapped(name, place)
        return self._checked(
            name, np.ascontiguousarray(whole[:, rows].T if transposed else whole[rows])
        )

    def _checked(self, name: str, piece: NDArray[Any]) -> NDArray[Any]:
        if self._protos[name].data_type not in FLOATS:
            return piece
        numbers = piece.astype(np.float32)
        if np.isnan(numbers).any() or np.isposinf(numbers).any():
            raise BadInputError("tensor.not_finite", tensor=name)
        return numbers

    def _mapped(self, name: str, place: _Place) -> NDArray[Any]:
        proto = self._protos[name]
        element = helper.tensor_dtype_to_np_dtype(proto.data_type)
        shape = tuple(proto.dims)
        return np.memmap(place.path, element, "r", offset=place.offset_bytes, shape=shape)

    def _place(self, proto: TensorProto) -> _Place:
        fields = {entry.key: entry.value for entry in proto.external_data}
        path = self._inside_folder(proto.name, fields.get("location", ""))
        size_bytes = _size_bytes(proto)
        offset_bytes = _count(proto.name, fields.get("offset", "0"))
        if _count(proto.name, fields.get("length", str(size_bytes))) != size_bytes:
            raise BadInputError("tensor.of_other_length", tensor=proto.name)
        if offset_bytes + size_bytes > path.stat().st_size:
            raise BadInputError("tensor.beyond_file", file=path.name, tensor=proto.name)
        return _Place(path, offset_bytes)

    def _inside_folder(self, tensor: str, location: str) -> Path:
        path = (self._folder / location).resolve()
        if not location or not path.is_relative_to(self._folder):
            raise BadInputError("tensor.outside_folder", tensor=tensor, location=location)
        if not path.is_file():
            raise BadInputError("weights.missing_beside_graph", file=location)
        return path


def _inside(proto: TensorProto) -> NDArray[Any]:
    try:
        return numpy_helper.to_array(proto)
    except (ValueError, TypeError) as error:
        raise BadInputError("tensor.damaged", tensor=proto.name, reason=reason_of(error)) from error


def _size_bytes(proto: TensorProto) -> int:
    if proto.data_type not in READABLE:
        kind = TensorProto.DataType.Name(proto.data_type)
        raise BadInputError("tensor.type_beside_graph", tensor=proto.name, type=kind)
    if min(proto.dims, default=0) < 0:
        raise BadInputError("tensor.negative_size", tensor=proto.name)
    element: np.dtype[Any] = helper.tensor_dtype_to_np_dtype(proto.data_type)
    return int(math.prod(proto.dims)) * element.itemsize


def _count(tensor: str, text: str) -> int:
    if not text.isdecimal():
        raise BadInputError("tensor.no_place", tensor=tensor, place=text)
    return int(text)


def shapes_of(model: onnx.ModelProto) -> Mapping[str, tuple[int | str | None, ...]]:
    """Return what the graph says of its values' shapes: a size, a name, or None where unknown."""
    graph = model.graph
    declared = (*graph.input, *graph.value_info, *graph.output)
    shapes = {
        each.name: _shape(each) for each in declared if each.type.tensor_type.HasField("shape")
    }
    return shapes | {proto.name: tuple(proto.dims) for proto in graph.initializer}


def _shape(value: onnx.ValueInfoProto) -> tuple[int | str | None, ...]:
    return tuple(_dimension(each) for each in value.type.tensor_type.shape.dim)


def _dimension(dimension: onnx.TensorShapeProto.Dimension) -> int | str | None:
    if dimension.HasField("dim_value"):
        return int(dimension.dim_value)
    name = dimension.dim_param.replace(" ", "")
    return int(name) if name.isdecimal() else name or None
