"""A stage as LinguaLinked runs one: no cache, the whole text again for every token, on request.

`python -m ... DESCRIPTION`, started by a virtual phone's own shell, which holds it to the phone's
processor share and radio. A stage asks the one before for its tensors ("Request Data") and answers
the one behind it the same way; the last answers with the logits of the newest position, in float32.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import numpy as np
import zmq

from workers.engine.engine import ShardEngine
from workers.protocol.configuration import BIND_VARIABLE
from workers.protocol.forms import form_of
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor

REQUEST: Final = b"Request Data"
END: Final = b""
"""Asked instead: whoever hears it passes it on and ends."""
WAIT_MS: Final = 60_000
"""How long anybody waits for data, or for somebody who wants some."""


def main() -> None:
    """Tell the port in the file `ready`, ask the stage at `before`, and serve until the end."""
    description = json.loads(sys.argv[1])
    shape = form_of(SpanShape).read(description["shape"])
    engine = ShardEngine(Path(description["graph"]), shape, 1)
    context = zmq.Context[zmq.Socket[bytes]]()
    try:
        answers = _socket(context, zmq.REP)
        port = answers.bind_to_random_port(f"tcp://{os.environ.get(BIND_VARIABLE, '127.0.0.1')}")
        _tell(Path(description["ready"]), port)
        requests = _socket(context, zmq.REQ)
        proxy = urlsplit(os.environ.get("ALL_PROXY", "")).netloc
        if proxy:
            requests.setsockopt_string(zmq.SOCKS_PROXY, proxy)
        requests.connect(description["before"])
        serve(engine, shape, requests, answers)
    finally:
        context.destroy(0)


def _tell(ready: Path, port: int) -> None:
    """Write the port in one step: whoever sees the file reads it whole."""
    begun = ready.with_suffix(".begun")
    begun.write_text(f"{port}\n")
    begun.rename(ready)


def _socket(context: zmq.Context[zmq.Socket[bytes]], kind: int) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    socket.setsockopt(zmq.RCVTIMEO, WAIT_MS)
    socket.setsockopt(zmq.LINGER, 0)
    return socket


def serve(
    engine: ShardEngine,
    shape: SpanShape,
    requests: zmq.Socket[bytes],
    answers: zmq.Socket[bytes],
) -> None:
    """Compute what is asked for, a text at a time, until the end is passed on."""
    while True:
        requests.send(REQUEST)
        data = requests.recv()
        outcome = END if data == END else engine.run(0, 0, _rows(shape, data)).tobytes()
        answers.recv()
        answers.send(outcome)
        if outcome == END:
            return


def _rows(shape: SpanShape, data: bytes) -> Tensor:
    if shape.has_embedding:
        return np.frombuffer(data, "<i8").reshape(1, -1)
    return np.frombuffer(data, "<f4").reshape(1, -1, shape.hidden_size)


if __name__ == "__main__":
    main()
