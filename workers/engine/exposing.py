"""A shard's graph with the states between its operators among its outputs.

Phones have no library for ONNX files, and need none: a protobuf message that follows another of its
type is merged into it, lists by appending (Protocol Buffers, "Encoding", last one wins). So a few
bytes behind the file name more outputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_GRAPH: Final = 7
"""Field of `ModelProto` (onnx.proto)."""
_OUTPUT: Final = 12
"""Field of `GraphProto`."""
_NAME: Final = 1
"""Field of `ValueInfoProto`."""
_BYTES: Final = 2
"""Wire type of what comes with its length."""
_MORE: Final = 0x80


def exposed(graph: bytes, names: Iterable[str]) -> bytes:
    """Return an ONNX graph (serialised `ModelProto`) that puts out these values besides.

    None of them may be an output already. What is appended to a message in protobuf's encoding
    joins what it has of repeated fields, so that the graph is neither read nor copied in parts.
    """
    outputs = (_field(_OUTPUT, _field(_NAME, name.encode())) for name in names)
    return graph + _field(_GRAPH, b"".join(outputs))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _BYTES]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number >= _MORE:
        digits.append(number & (_MORE - 1) | _MORE)
        number >>= 7
    digits.append(number)
    return bytes(digits)
