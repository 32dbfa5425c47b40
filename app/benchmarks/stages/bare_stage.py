"""A stage with nothing around it: `python -m ... DESCRIPTION`, steps in and out by one socket."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

from workers.engine.engine import ShardEngine
from workers.protocol.forms import form_of
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor

HEADER = struct.Struct("<qqq")
"""Slot, position in the sequence, and size of what follows in bytes."""


def send(end: socket.socket, slot: int, position: int, data: bytes) -> None:
    """Send one step's rows, or its outcome."""
    end.sendall(HEADER.pack(slot, position, len(data)) + data)


def receive(end: socket.socket) -> tuple[int, int, bytes]:
    """Return slot, position and bytes; raises `EOFError` where the other side is gone."""
    slot, position, size_bytes = HEADER.unpack(_exactly(end, HEADER.size))
    return slot, position, _exactly(end, size_bytes)


def _exactly(end: socket.socket, size_bytes: int) -> bytes:
    data = end.recv(size_bytes, socket.MSG_WAITALL)
    if len(data) < size_bytes:
        raise EOFError
    return data


def main() -> None:
    """Run steps until the other side closes; the last stage answers with the token."""
    description = json.loads(sys.argv[1])
    os.sched_setaffinity(0, {description["core"]})
    shape = form_of(SpanShape).read(description["shape"])
    engine = ShardEngine(Path(description["graph"]), shape, 1)
    with socket.socket(fileno=description["socket"]) as end:
        send(end, 0, 0, b"")
        try:
            while True:
                slot, position, data = receive(end)
                outputs = engine.run_in_place(slot, position, _rows(shape, data))
                send(end, slot, position, _outcome(shape, outputs))
        except EOFError:
            return


def _rows(shape: SpanShape, data: bytes) -> Tensor:
    if shape.has_embedding:
        return np.frombuffer(data, "<i8").reshape(1, -1)
    return np.frombuffer(data, "<f4").reshape(1, -1, shape.hidden_size)


def _outcome(shape: SpanShape, outputs: Tensor) -> bytes:
    chosen: Any = outputs.argmax(axis=1) if shape.has_head else outputs
    return bytes(chosen.tobytes())


if __name__ == "__main__":
    main()
