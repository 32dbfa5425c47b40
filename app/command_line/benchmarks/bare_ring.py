"""The least that stages in processes of their own cost: a pair of sockets and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np

from app.command_line.benchmarks import bare_stage
from app.command_line.benchmarks.bare_stage import receive, send
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.shards import span_shape

END_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class BareRing:
    """Stages in ring order, each behind one end of a socket pair."""

    ends: tuple[socket.socket, ...]

    def decode(self, prompt: Sequence[int], tokens: int) -> tuple[tuple[int, ...], float]:
        """Return the greedy tokens after a prompt, and tokens per second after the first."""
        generated = [self._step(prompt, 0)]
        started_s = time.perf_counter()
        while len(generated) <= tokens:
            generated.append(self._step(generated[-1:], len(prompt) + len(generated) - 1))
        return tuple(generated), tokens / (time.perf_counter() - started_s)

    def _step(self, rows: Sequence[int], position: int) -> int:
        data = np.array(rows, "<i8").tobytes()
        for end in self.ends:
            send(end, position, data)
            _, data = receive(end)
        return int(np.frombuffer(data, "<i8")[0])


@contextmanager
def bare_ring(
    library: Library, model: ModelManifest, seams: Sequence[tuple[int, int]], context_tokens: int
) -> Iterator[BareRing]:
    """Start a process for each span of layers, pinned to a core; end them afterwards."""
    started = [
        _start(library, model, seam, context_tokens, number) for number, seam in enumerate(seams)
    ]
    try:
        for end, _process in started:
            receive(end)
        yield BareRing(tuple(end for end, _process in started))
    finally:
        for end, process in started:
            end.close()
            process.wait(END_TIMEOUT_S)


def _start(
    library: Library,
    model: ModelManifest,
    seam: tuple[int, int],
    context_tokens: int,
    number: int,
) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    shard = library.shard(model, *seam)
    cores = sorted(os.sched_getaffinity(0))
    ours, theirs = socket.socketpair()
    description = {
        "graph": str(library.store.path(shard.graph.sha256)),
        "shape": asdict(span_shape(model, shard, context_tokens, 1)),
        "core": cores[number % len(cores)],
        "socket": theirs.fileno(),
    }
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", bare_stage.__name__, json.dumps(description)],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
    return ours, process
