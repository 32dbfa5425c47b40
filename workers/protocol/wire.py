"""The frames of a message, between the host and phones. Nothing is ever unpickled.

A message is a list of frames: one msgpack map, then one raw little-endian tensor per entry of
its `tensors` list. The map always has `kind`; commands and replies also carry `call`, a number
chosen by the host and repeated in the reply. Steps have a form of their own (`step_message`).
What the other fields hold is for `codec` to check; docs/wire-protocol.md gives every one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgpack
import numpy as np
from numpy.typing import NDArray

from workers.errors import WireError

PROTOCOL_VERSION: Final = 10
MAXIMUM_HEADER_BYTES: Final = 1 << 20
MAXIMUM_TENSOR_BYTES: Final = 256 << 20
MAXIMUM_DIMENSIONS: Final = 8
DTYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "f4": np.dtype("<f4"),
    "f2": np.dtype("<f2"),
    "i8": np.dtype("<i8"),
}
CODES: Final = {dtype: code for code, dtype in DTYPES.items()}

Tensor = NDArray[Any]


class Kind:
    """Message kinds. Commands are answered by `DONE` or `FAILED` with the same `call`."""

    HELLO: Final = "hello"
    LOAD: Final = "load"
    UNLOAD: Final = "unload"
    OPEN: Final = "open"
    SEAL: Final = "seal"
    TRANSCRIPT: Final = "transcript"
    CLOSE: Final = "close"
    FAULT: Final = "fault"
    MEASURE: Final = "measure"
    PING: Final = "ping"
    PROBE: Final = "probe"
    ADMIT: Final = "admit"
    OUTLET: Final = "outlet"
    HELD_HEAD: Final = "held-head"
    COSIGN: Final = "cosign"
    STOP: Final = "stop"
    DONE: Final = "done"
    FAILED: Final = "failed"
    TOKEN: Final = "token"  # noqa: S105 - a message kind
    BROKEN: Final = "broken"
    HEARTBEAT: Final = "heartbeat"


@dataclass(frozen=True)
class RawMessage:
    """Header fields that nobody has checked yet, and tensors (arrays are read-only views)."""

    kind: str
    fields: Mapping[str, Any]
    tensors: tuple[Tensor, ...] = field(default=())


def raw_frames(
    kind: str, fields: Mapping[str, Any], tensors: Sequence[Tensor] = ()
) -> list[bytes | memoryview]:
    """Return the frames of a message.

    Raises `WireError` for a tensor type the protocol does not have, and for text that is no
    Unicode.
    """
    contiguous = [np.asarray(tensor, order="C") for tensor in tensors]
    try:
        shapes = [[CODES[tensor.dtype], list(tensor.shape)] for tensor in contiguous]
    except KeyError as error:
        raise WireError(f"tensor type {error.args[0]} is not in the protocol") from None
    try:
        header = msgpack.packb({**fields, "kind": kind, "tensors": shapes})
    except ValueError as error:
        raise WireError(f"a field cannot be written: {error}") from None
    return [header, *(tensor.reshape(-1).view(np.uint8).data for tensor in contiguous)]


def read_raw(frames: Sequence[bytes | memoryview]) -> RawMessage:
    """Return the message in the frames; sizes are checked before anything is allocated.

    Raises `WireError` for anything that does not follow the protocol.
    """
    if not frames or len(frames[0]) > MAXIMUM_HEADER_BYTES:
        raise WireError("missing or oversized header")
    try:
        header = msgpack.unpackb(
            frames[0], max_array_len=MAXIMUM_HEADER_BYTES, max_map_len=MAXIMUM_HEADER_BYTES
        )
    except Exception as error:
        raise WireError("header is not msgpack") from error
    if not isinstance(header, dict) or not isinstance(header.get("kind"), str):
        raise WireError("header has no kind")
    shapes = header.pop("tensors", None)
    if not isinstance(shapes, list) or len(shapes) != len(frames) - 1:
        raise WireError("tensor list does not match the frames")
    tensors = tuple(_tensor(shape, frame) for shape, frame in zip(shapes, frames[1:], strict=True))
    return RawMessage(header.pop("kind"), header, tensors)


def _tensor(description: object, frame: bytes | memoryview) -> Tensor:
    match description:
        case [str(code), list(shape)] if code in DTYPES and len(shape) <= MAXIMUM_DIMENSIONS:
            pass
        case _:
            raise WireError("malformed tensor description")
    if not all(type(size) is int and 0 <= size <= MAXIMUM_TENSOR_BYTES for size in shape):
        raise WireError("malformed tensor shape")
    dtype = DTYPES[code]
    size_bytes = math.prod(shape) * dtype.itemsize
    if size_bytes > MAXIMUM_TENSOR_BYTES or size_bytes != memoryview(frame).nbytes:
        raise WireError("tensor size does not match its shape")
    return np.frombuffer(frame, dtype=dtype).reshape(shape)
