"""Virtual phones that decode as LinguaLinked does: its stages, started by their own shells."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import zmq

from app.benchmarks.paper import stage
from app.benchmarks.paper.stage import END, REQUEST, WAIT_MS
from app.core.assignment import Assignment, StageAssignment
from app.core.errors import ShardloomError
from app.core.model import ModelManifest
from app.devices.adb.keys import host_key
from app.devices.links.adb_link import AdbLink
from app.devices.links.tcp_link import connect_tcp
from app.models.library import Library
from app.models.shards import span_shape
from app.virtual.persona import Persona
from app.virtual.rack import VirtualRack
from workers.protocol.forms import form_of
from workers.protocol.span_shape import SpanShape

START_TIMEOUT_S: Final = 60.0
_LOOK_S: Final = 0.05
_OUTER_ADDRESS: Final = "cat /system/etc/wlan0"


@dataclass(frozen=True)
class PaperPhones:
    """Phones that are switched on, each with a link to it, and where stages leave their ports."""

    links: dict[str, AdbLink]
    folder: Path
    library: Library
    model: ModelManifest
    context_tokens: int


@dataclass(frozen=True)
class PaperRing:
    """The two ends of a ring: what its first stage asks for, and what is asked of its last."""

    feed: zmq.Socket[bytes]
    logits: zmq.Socket[bytes]

    def next_token(self, text: Sequence[int]) -> int:
        """Return the greedy token after a text, all of which every stage computes again."""
        self.feed.recv()
        self.feed.send(np.array(text, "<i8").tobytes())
        self.logits.send(REQUEST)
        return int(np.frombuffer(self.logits.recv(), "<f4").argmax())

    def end(self) -> None:
        """Have every stage end."""
        self.feed.recv()
        self.feed.send(END)
        self.logits.send(REQUEST)
        self.logits.recv()


@contextmanager
def switched_on(
    personas: Sequence[Persona],
    folder: Path,
    library: Library,
    model: ModelManifest,
    context_tokens: int,
) -> Iterator[PaperPhones]:
    """Switch phones on and connect to each; off again afterwards."""
    key, rack = host_key(folder, folder), VirtualRack(personas, folder / "phones")
    with ExitStack() as stack:
        stack.callback(rack.stop)
        links = {}
        for persona, address in zip(personas, rack.start(), strict=True):
            links[persona.serial] = connect_tcp(address, key)
            stack.callback(links[persona.serial].close)
        yield PaperPhones(links, folder, library, model, context_tokens)


@contextmanager
def paper_ring(phones: PaperPhones, assignment: Assignment) -> Iterator[PaperRing]:
    """Start a stage on each phone of an assignment; end them afterwards."""
    context = zmq.Context[zmq.Socket[bytes]]()
    try:
        feed, logits = _socket(context, zmq.REP), _socket(context, zmq.REQ)
        before = f"tcp://127.0.0.1:{feed.bind_to_random_port('tcp://127.0.0.1')}"
        for each in assignment.stages:
            before = _start(phones, each, before)
        logits.connect(before)
        ring = PaperRing(feed, logits)
        yield ring
        ring.end()
    except zmq.Again:
        raise ShardloomError("bench.no_figures") from None
    finally:
        context.destroy(0)


def _start(phones: PaperPhones, each: StageAssignment, before: str) -> str:
    """Start a stage that asks the one at `before`; return where it is asked itself."""
    shard = phones.library.shard(phones.model, each.span)
    shape = span_shape(phones.model, shard, phones.context_tokens, 1)
    ready = phones.folder / f"{each.serial}-{time.monotonic_ns()}"
    description = {
        "graph": str(phones.library.store.path(shard.graph.sha256)),
        "shape": form_of(SpanShape).write(shape),
        "before": before,
        "ready": str(ready),
    }
    command = shlex.join((sys.executable, "-m", stage.__name__, json.dumps(description)))
    link = phones.links[each.serial]
    link.shell(f"{command} </dev/null >{shlex.quote(f'{ready}.log')} 2>&1 &")
    until_s = time.monotonic() + START_TIMEOUT_S
    while not ready.exists():
        if time.monotonic() > until_s:
            raise ShardloomError("bench.no_figures")
        time.sleep(_LOOK_S)
    host = link.shell(_OUTER_ADDRESS).stdout.partition("/")[0]  # and the port is open there now
    return f"tcp://{host}:{ready.read_text().strip()}"


def _socket(context: zmq.Context[zmq.Socket[bytes]], kind: int) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    socket.setsockopt(zmq.RCVTIMEO, WAIT_MS)
    return socket
