"""A ring of real worker processes on loopback, and a small host that drives it."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zmq

from app.core.errors import reason_told
from app.words.sentences import fact_text
from tests.integration.workers.model import ToyModel, shape_of
from tests.signing import TERMS
from workers.network.curve import CurveKeys, connect_client
from workers.protocol.codec import raw_frames, read_raw
from workers.protocol.configuration import (
    READY_FILE,
    STORE_FOLDER,
    WorkerConfiguration,
    WorkerReady,
)
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.step_message import StepRow, step_frame
from workers.protocol.told import ToldToken
from workers.protocol.wire import Kind, RawMessage, Tensor

DEADLINE_S = 60.0
SPAN = "toy"
REPOSITORY = Path(__file__).parents[3]
GREEDY = asdict(SamplingRule())
"""As it stands in a message."""


def new_keys() -> CurveKeys:
    public, secret = zmq.curve_keypair()
    return CurveKeys(public.decode(), secret.decode())


def step_row(
    transaction: str, number: int, position: int, generated: int, ahead: int = 0
) -> StepRow:
    return StepRow(transaction, number, position, generated > 0, generated, ahead)


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    limit_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < limit_s, f"{what} did not come about in {deadline_s} s"
        time.sleep(0.005)


class WorkerProcess:
    """One `python -m workers` with a folder of its own."""

    def __init__(
        self,
        folder: Path,
        serial: str,
        host_key: str,
        proxy: str | None = None,
        python_path: Path = REPOSITORY,
    ) -> None:
        self.folder = folder
        self.serial = serial
        self.keys = new_keys()
        self.store = folder / STORE_FOLDER
        self.store.mkdir(parents=True, exist_ok=True)
        configuration = WorkerConfiguration(
            serial=serial,
            folder=str(folder),
            bind_address="127.0.0.1",
            curve_public_key=self.keys.public_key,
            curve_secret_key=self.keys.secret_key,
            host_public_key=host_key,
            threads=1,
        )
        self.configuration_path = folder / "worker.json"
        self.configuration_path.write_text(configuration.to_json())
        self.log_path = folder / "worker.log"
        self._environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(python_path)}
        if proxy:
            self._environment["ALL_PROXY"] = proxy
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-s", "-m", "workers", str(self.configuration_path)],
                stdin=subprocess.DEVNULL,
                stderr=log,
                cwd=self.folder,
                env=self._environment,
            )

    def ready(self) -> WorkerReady:
        path = self.folder / READY_FILE
        wait_until(lambda: path.exists() or self.process.poll() is not None, "ready.json")
        return WorkerReady.from_json(path.read_text())

    def restart(self) -> None:
        self.end()
        (self.folder / READY_FILE).unlink(missing_ok=True)
        self.process = self._start()

    def log(self) -> str:
        return self.log_path.read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@dataclass
class Peer:
    """A socket to one worker, under any key pair; it can say what no honest host would."""

    socket: zmq.Socket[bytes]
    calls: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    deadline_s: float = DEADLINE_S

    def send(self, kind: str, fields: Mapping[str, Any], tensors: Sequence[Tensor] = ()) -> None:
        self.socket.send_multipart(raw_frames(kind, fields, tensors))

    def send_step(self, rows: Sequence[StepRow], tokens: Tensor) -> None:
        self.socket.send(step_frame(rows, (), tokens))

    def receive(self) -> RawMessage:
        assert self.socket.poll(int(self.deadline_s * 1000)), f"no message in {self.deadline_s} s"
        return read_raw(self.socket.recv_multipart())

    def call(self, kind: str, **fields: object) -> RawMessage:
        number = next(self.calls)
        self.send(kind, {**fields, "call": number})
        reply = self.receive()
        assert reply.fields["call"] == number
        return reply

    def done(self, kind: str, **fields: object) -> RawMessage:
        reply = self.call(kind, **fields)
        assert reply.kind == Kind.DONE, reply
        return reply

    def failure(self, kind: str, **fields: object) -> str:
        reply = self.call(kind, **fields)
        assert reply.kind == Kind.FAILED, reply
        return told(reply.fields)


class Ring:
    """Workers that hold the toy model's layers in order, and the host that drives them."""

    def __init__(
        self,
        folder: Path,
        model: ToyModel,
        seams: Sequence[tuple[int, int]],
        proxy: str | None = None,
    ) -> None:
        self.model = model
        self.seams = tuple(seams)
        self.keys = new_keys()
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.workers = [
            WorkerProcess(folder / f"phone{number}", f"phone{number}", self.keys.public_key, proxy)
            for number in range(len(seams))
        ]
        self.peers = [self.connect(worker, self.keys) for worker in self.workers]
        self.transactions = itertools.count(1)

    def connect(self, worker: WorkerProcess, keys: CurveKeys, proxy: str | None = None) -> Peer:
        return Peer(
            connect_client(self.context, self.endpoint(worker), worker.keys.public_key, keys, proxy)
        )

    def endpoint(self, worker: WorkerProcess) -> str:
        return f"tcp://127.0.0.1:{worker.ready().inbox_port}"

    def load(self) -> None:
        for stage in range(len(self.workers)):
            self.peers[stage].done(
                Kind.ADMIT, keys=[worker.keys.public_key for worker in self.workers]
            )
            self.peers[stage].done(Kind.LOAD, **self.load_fields(stage))

    def load_fields(self, stage: int) -> dict[str, Any]:
        shard = self.model.shard(*self.seams[stage])
        for blob in (*shard.blobs, shard.graph):
            shutil.copy(self.model.path(blob.sha256), self.workers[stage].store / blob.sha256)
        return {
            "span": SPAN,
            "graph": shard.graph.sha256,
            "blobs": [[blob.sha256, blob.size_bytes] for blob in shard.blobs],
            "threads": 1,
            "shape": asdict(shape_of(shard)),
        }

    def open_fields(self, stage: int, transaction: str, **changes: object) -> dict[str, Any]:
        following = self.workers[stage + 1] if stage + 1 < len(self.workers) else None
        return {
            "transaction": transaction,
            "span": SPAN,
            "stage": stage,
            "slot": 0,
            "sampling": GREEDY,
            "alternatives": 0,
            "boundary": "f4",
            "next": following and [self.endpoint(following), following.keys.public_key],
            "previous": self.workers[stage - 1].keys.public_key if stage else None,
            "first": None,
            "end_tokens": [],
            "resume": None,
            "history": None,
            "asked": None,
            "terms": asdict(TERMS),
            **changes,
        }

    def open(self, **changes: object) -> str:
        transaction = f"transaction-{next(self.transactions)}"
        for stage, peer in enumerate(self.peers):
            peer.done(Kind.OPEN, **self.open_fields(stage, transaction, **changes))
        return transaction

    def step(
        self, transaction: str, number: int, position: int, tokens: Sequence[int], generated: int
    ) -> None:
        row = step_row(transaction, number, position, generated)
        self.peers[0].send_step([row], np.array([tokens], np.int64))

    def results(self) -> tuple[list[dict[str, Any]], list[Any]]:
        """Return the rows the last stage answered and the trace."""
        message = self.peers[-1].receive()
        assert message.kind == Kind.TOKEN, message
        rows = [dict(zip(ToldToken._fields, row, strict=True)) for row in message.fields["rows"]]
        return rows, message.fields["trace"]

    def token(self) -> dict[str, Any]:
        (row,), _trace = self.results()
        return row

    def generate(self, transaction: str, prompt: Sequence[int], tokens: int) -> list[int]:
        return [int(row["token"]) for row in self.tell(transaction, prompt, tokens)]

    def tell(self, transaction: str, prompt: Sequence[int], tokens: int) -> list[dict[str, Any]]:
        """Generate, and return all that is told of each token."""
        self.step(transaction, 0, 0, prompt, 1)
        told = [self.token()]
        while len(told) < tokens:
            position = len(prompt) + len(told) - 1
            self.step(transaction, len(told), position, [told[-1]["token"]], len(told) + 1)
            told.append(self.token())
        return told

    def close(self) -> None:
        for worker in self.workers:
            worker.end()
        self.context.destroy(0)


@contextmanager
def running_ring(
    folder: Path, model: ToyModel, seams: Sequence[tuple[int, int]], proxy: str | None = None
) -> Iterator[Ring]:
    ring = Ring(folder, model, seams, proxy)
    try:
        ring.load()
        yield ring
    finally:
        ring.close()


def told(fields: Mapping[str, Any]) -> str:
    """Return why, in the words that people read."""
    reason = reason_told(str(fields["reason"]), fields["fields"])
    return reason if isinstance(reason, str) else fact_text(reason)
