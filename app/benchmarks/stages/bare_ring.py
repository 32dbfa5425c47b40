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
from dataclasses import dataclass

import numpy as np

from app.benchmarks.stages import bare_stage
from app.benchmarks.stages.bare_stage import receive, send
from app.benchmarks.stages.cores import core_of
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.shards import span_shape
from workers.engine.memory import LARGE_PAGES
from workers.protocol.chain import Span
from workers.protocol.forms import form_of
from workers.protocol.span_shape import SpanShape

END_TIMEOUT_S = 60.0
_STREAMS = 2


@dataclass(frozen=True)
class BareRing:
    """Stages in ring order, each behind one end of a socket pair."""

    ends: tuple[socket.socket, ...]

    def decode(self, prompt: Sequence[int], tokens: int) -> tuple[tuple[int, ...], float]:
        """Return the greedy tokens after a prompt, and tokens per second after the first."""
        generated = [self._step(0, prompt, 0)]
        started_s = time.perf_counter()
        while len(generated) <= tokens:
            generated.append(self._step(0, generated[-1:], len(prompt) + len(generated) - 1))
        return tuple(generated), tokens / (time.perf_counter() - started_s)

    def decode_two(self, prompt: Sequence[int], tokens: int) -> tuple[set[tuple[int, ...]], float]:
        """Return the tokens of two streams, and how many a second both together decoded.

        Each of two stages always has work: while one stream is in the first, the other is in the
        second.
        """
        first, last = self.ends
        streams = [[self._step(slot, prompt, 0)] for slot in range(_STREAMS)]
        started_s = time.perf_counter()
        self._begin(0, streams[0], len(prompt))
        send(last, *receive(first))
        self._begin(1, streams[1], len(prompt))
        for _ in range(_STREAMS * tokens):
            hidden = receive(first)
            slot, _, data = receive(last)
            streams[slot].append(_token(data))
            send(last, *hidden)
            self._begin(slot, streams[slot], len(prompt))
        rate = _STREAMS * tokens / (time.perf_counter() - started_s)
        receive(first)
        receive(last)
        return {tuple(stream[: tokens + 1]) for stream in streams}, rate

    def _begin(self, slot: int, stream: Sequence[int], prompt_tokens: int) -> None:
        send(self.ends[0], slot, prompt_tokens + len(stream) - 1, _rows(stream[-1:]))

    def _step(self, slot: int, tokens: Sequence[int], position: int) -> int:
        data = _rows(tokens)
        for end in self.ends:
            send(end, slot, position, data)
            _, _, data = receive(end)
        return _token(data)


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
    (chain,) = model.chains
    shard = library.shard(model, Span(chain.name, seam[0], seam[1] + 1))
    ours, theirs = socket.socketpair()
    description = {
        "graph": str(library.store.path(shard.graph.sha256)),
        "shape": form_of(SpanShape).write(span_shape(model, shard, context_tokens, _STREAMS)),
        "core": core_of(number),
        "socket": theirs.fileno(),
    }
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", bare_stage.__name__, json.dumps(description)],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **LARGE_PAGES},
        )
    return ours, process


def _rows(tokens: Sequence[int]) -> bytes:
    return np.array(tokens, "<i8").tobytes()


def _token(data: bytes) -> int:
    return int(np.frombuffer(data, "<i8")[0])
