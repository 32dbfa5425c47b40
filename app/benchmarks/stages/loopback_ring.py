"""Workers on this machine, one a stage and core, driven as those on phones are."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import zmq
import zmq.asyncio

from app.benchmarks.stages.cores import core_of
from app.core.clock import SystemClock
from app.core.errors import WorkerError
from app.core.identifiers import Serial
from app.core.model import ModelManifest
from app.core.nursery import Nursery
from app.models.library import Library
from app.models.shards import Shard, span_shape
from app.pipeline.stage import Stage
from app.pipeline.worker_client import WorkerAddress, WorkerClient
from app.pipeline.zmq_port import HostKeys, ZmqPort
from workers.engine.memory import LARGE_PAGES
from workers.protocol.chain import Span
from workers.protocol.commands import Admit, Hello, Load, StoredFile
from workers.protocol.configuration import (
    READY_FILE,
    STORE_FOLDER,
    WorkerConfiguration,
    WorkerReady,
)
from workers.protocol.span_shape import SpanShape

START_TIMEOUT_S = 60.0
LOAD_TIMEOUT_S = 120.0
_POLL_S = 0.01


@dataclass(frozen=True)
class LoopbackStage:
    """A worker process that holds a span."""

    process: subprocess.Popen[bytes]
    stage: Stage
    shape: SpanShape
    weight_bytes: int


@asynccontextmanager
async def loopback_ring(
    folder: Path,
    library: Library,
    model: ModelManifest,
    seams: Sequence[tuple[int, int]],
    slots: int,
    context_tokens: int,
) -> AsyncIterator[tuple[LoopbackStage, ...]]:
    """Start a worker for each span of layers (both ends included); end them afterwards."""
    context = zmq.asyncio.Context()
    ring = _Ring(folder, context, library, model, slots, context_tokens)
    try:
        (chain,) = model.chains
        for number, (first, last) in enumerate(seams):
            await ring.add(number, library.shard(model, Span(chain.name, first, last + 1)))
        await ring.introduce()
        yield tuple(ring.stages)
    finally:
        await ring.close()
        context.destroy(linger=0)


class _Ring:
    def __init__(
        self,
        folder: Path,
        context: zmq.asyncio.Context,
        library: Library,
        model: ModelManifest,
        slots: int,
        context_tokens: int,
    ) -> None:
        self.stages: list[LoopbackStage] = []
        self._folder = folder
        self._context = context
        self._library = library
        self._model = model
        self._slots = slots
        self._context_tokens = context_tokens
        public, secret = zmq.curve_keypair()
        self._keys = HostKeys(public.decode(), secret.decode())
        self._clock = SystemClock()
        self._nursery = Nursery(self._clock)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._clients: list[WorkerClient] = []

    async def add(self, number: int, shard: Shard) -> None:
        serial = Serial(f"loopback-{number}")
        folder = self._folder / serial
        process, public_key = self._start(folder, serial, number)
        ready = await _wait_until_ready(process, folder)
        address = WorkerAddress("127.0.0.1", ready.inbox_port, ready.pulse_port, public_key)
        port = ZmqPort(self._context, address, self._keys)
        client = WorkerClient(port, serial, address, self._clock, self._nursery)
        self._clients.append(client)
        await client.call(Hello.anew(bytes(32)))
        shape = span_shape(self._model, shard, self._context_tokens, self._slots)
        await self._load(client, folder, shard, shape)
        weight_bytes = sum(blob.size_bytes for blob in shard.blobs)
        self.stages.append(LoopbackStage(process, Stage(client, serial), shape, weight_bytes))

    def _start(
        self, folder: Path, serial: Serial, number: int
    ) -> tuple[subprocess.Popen[bytes], str]:
        (folder / STORE_FOLDER).mkdir(parents=True)
        public, secret = zmq.curve_keypair()
        configuration = WorkerConfiguration(
            serial=serial,
            folder=str(folder),
            bind_address="127.0.0.1",
            curve_public_key=public.decode(),
            curve_secret_key=secret.decode(),
            host_public_key=self._keys.public,
            threads=1,
        )
        path = folder / "worker.json"
        path.touch(0o600)
        path.write_text(configuration.to_json())
        with (folder / "worker.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and package
                [sys.executable, "-m", "workers", str(path)],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, **LARGE_PAGES},
            )
        self._processes.append(process)
        psutil.Process(process.pid).cpu_affinity([core_of(number)])
        return process, public.decode()

    async def _load(
        self, client: WorkerClient, folder: Path, shard: Shard, shape: SpanShape
    ) -> None:
        for blob in (*shard.blobs, shard.graph):
            os.link(self._library.store.path(blob.sha256), folder / STORE_FOLDER / blob.sha256)
        files = tuple(StoredFile(blob.sha256, blob.size_bytes) for blob in shard.blobs)
        await client.call(
            Load(client.serial, shard.graph.sha256, files, threads=1, shape=shape), LOAD_TIMEOUT_S
        )

    async def introduce(self) -> None:
        keys = tuple(client.address.public_key for client in self._clients)
        for client in self._clients:
            await client.call(Admit(keys))
            for other in self._clients:
                client.reach(other.address, other.address.inbox)

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            await asyncio.to_thread(process.wait, START_TIMEOUT_S)


async def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path) -> WorkerReady:
    limit_s = time.monotonic() + START_TIMEOUT_S
    while not (folder / READY_FILE).exists():
        if process.poll() is not None or time.monotonic() > limit_s:
            raise WorkerError("bench.worker_not_started", log=str(folder / "worker.log"))
        await asyncio.sleep(_POLL_S)
    return WorkerReady.from_json((folder / READY_FILE).read_text())
