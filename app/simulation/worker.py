"""A worker without process and sockets: the phone's own server over simulated links and time.

Commands, transactions, steps, transcripts and receipts are those of `workers`; what is simulated
is what carries messages, how long a step takes, and the engine (`app.simulation.model`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.clock import Clock
from app.core.nursery import Nursery
from app.simulation.drafts import SeededLookup
from app.simulation.model import LAYER_BYTES, ArithmeticEngine, weight_file
from app.simulation.network import HostPort, Network
from workers.engine.light_sleep import LightSleep
from workers.engine.spans import LoadedSpan, SpanTable
from workers.errors import RequestRefusedError
from workers.identity.identity import Identity
from workers.identity.signed_log import SignedLine, SignedMemory
from workers.network.curve import Admission
from workers.network.dropped import DroppedMessages
from workers.network.inbox import Envelope, Inbox
from workers.network.links import OutboundLinks
from workers.network.outlets import Outlets
from workers.network.probing import UnreachableError
from workers.network.pulse import INTERVAL_AT_WORK_S, INTERVAL_S, ActivityBoard
from workers.pledges.pledge import Pledge
from workers.protocol.codec import Asked, encode, read_command
from workers.protocol.commands import (
    OPENING_NONCE_BYTES,
    Load,
    Measure,
    Measured,
    NextHop,
    Probe,
    Probed,
    Stop,
)
from workers.protocol.configuration import LOOPBACK, WorkerConfiguration
from workers.protocol.message import Message
from workers.protocol.span_shape import SpanShape
from workers.protocol.step_message import is_step
from workers.protocol.told import Failed, Heartbeat, failure
from workers.protocol.wire import Tensor
from workers.replicas.replicas import Replicas
from workers.ring.parts import WorkerParts
from workers.ring.transactions import TransactionTable
from workers.server import WorkerServer

_MEMORY_BYTES: Final = 100_000_000
_STEP_S: Final = 0.001
"""What a step takes besides its blocks."""
_HOST_ROUTE: Final = b"host"


class SeededIdentity(Identity):
    """A phone's key and what it signed, kept in memory."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._random = Random(seed)  # noqa: S311 - a simulated phone's
        self._memory = SignedMemory()

    def opening_nonce(self) -> bytes:
        """Return what tells one opening of a transaction from any other."""
        return self._random.randbytes(OPENING_NONCE_BYTES)

    def _signed(self) -> SignedMemory:
        return self._memory

    def _note(self, line: SignedLine) -> None:
        self._memory.take(line)


class _TimedEngine(ArithmeticEngine):
    """Tells for how many requests it has run: a step seems to have taken what was waited for."""

    def __init__(self, shape: SpanShape, has_run: Callable[[int], None]) -> None:
        super().__init__(Path(), shape, 1)
        self._has_run = has_run

    def run_in_place(self, slot: int, position: int, inputs: Tensor) -> Tensor:
        """Run rows of one request."""
        self._has_run(1)
        return super().run_in_place(slot, position, inputs)

    def run_rows(self, slots: Sequence[int], positions: Sequence[int], inputs: Tensor) -> Tensor:
        """Run a row of each of several requests."""
        self._has_run(len(slots))
        return super().run_rows(slots, positions, inputs)


class _Spans(SpanTable):
    """Loads spans of the arithmetic model, which has no files."""

    def __init__(self, has_run: Callable[[int], None]) -> None:
        super().__init__(Path())
        self._has_run = has_run

    def load(self, command: Load) -> LoadedSpan:
        """Load a span. Raises `RequestRefusedError` where it is loaded already."""
        if command.span in self._spans:
            raise RequestRefusedError("span.loaded_already", span=command.span)
        engine = _TimedEngine(command.shape, self._has_run)
        weights = tuple(weight_file(blob.sha256, blob.size_bytes) for blob in command.blobs)
        span = LoadedSpan(command.span, command.graph, weights, command.threads, engine)
        self._spans[command.span] = span
        return span


class _Sleep:
    def ask(self, *, light: bool) -> None:
        """Sleep is not simulated."""


@dataclass
class _Answers:
    """What the server sends to the host."""

    port: HostPort | None = None

    def __post_init__(self) -> None:
        self.dropped = DroppedMessages()

    def send_to_host(self, message: Message, call: int | None = None) -> None:
        """Send to where the host last wrote from."""
        if self.port is not None:
            self.port.say(encode(message, call))

    def send_to(self, _route: bytes, message: Message, call: int | None = None) -> None:
        """Answer the host, who alone asks anything over this network."""
        self.send_to_host(message, call)


@dataclass(frozen=True)
class _Links:
    """Where the server's steps go on to."""

    network: Network
    place: str
    key: str

    def connect(self, hop: NextHop) -> None:
        """Links need no time to come about."""

    def send(self, hop: NextHop, frame: bytes) -> None:
        """Send a step to the worker at an endpoint; to nobody it is lost.

        A phone alone in its ring reaches itself by its own loopback address.
        """
        receiver = self.network.find(hop.endpoint.replace(LOOPBACK, self.place))
        if receiver is not None:
            self.network.send_step(
                self.place, receiver.place, lambda: receiver.arrived(self.key, [frame], None)
            )


class SimulatedWorker:
    """One launch of a worker. Lives on the loop; `end` is its death."""

    def __init__(
        self,
        configuration: WorkerConfiguration,
        identity: Identity,
        endpoint: str,
        network: Network,
        clock: Clock,
        nursery: Nursery,
        random: Random,
        block_s: float,
    ) -> None:
        """Each block of its spans takes `block_s` a step."""
        self.place = configuration.bind_address
        self.slowness = 1.0
        self.alive = True
        self.requests_together = 0
        """How many requests the newest step was of."""
        self._serial = configuration.serial
        self._block_s = block_s
        self._step_s = self._ran_s = 0.0
        self._endpoint = endpoint
        self._network = network
        self._clock = clock
        self._random = random
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self._busy_since_s: float | None = None
        self._beats = 0
        self._answers = _Answers()
        self._chance = Random(configuration.serial)  # noqa: S311 - chance that repeats
        self._admission = Admission(configuration.host_public_key)
        self._board = ActivityBoard()
        self._envelopes: asyncio.Queue[tuple[Envelope, HostPort | None]] = asyncio.Queue()
        self._pledge = Pledge()
        self._server = WorkerServer(self._parts(configuration, identity))
        self._tasks = (
            nursery.watch(self._serve, f"{self._serial}'s simulated worker", 0.0),
            nursery.watch(self._beat, f"{self._serial}'s simulated pulse", 0.0),
        )
        network.listen(endpoint, self)

    def _parts(self, configuration: WorkerConfiguration, identity: Identity) -> WorkerParts:
        self._spans = spans = _Spans(self._has_run)
        links = _Links(self._network, self.place, configuration.curve_public_key)
        return WorkerParts(
            serial=configuration.serial,
            transport_key=configuration.curve_public_key,
            threads=configuration.threads,
            identity=identity,
            admission=self._admission,
            inbox=cast(Inbox, self._answers),
            links=cast(OutboundLinks, links),
            outlets=cast(Outlets, None),
            spans=spans,
            transactions=TransactionTable(
                spans, lambda command: SeededLookup(command, self._chance)
            ),
            replicas=Replicas(Path(), b"", cast(OutboundLinks, links)),
            board=self._board,
            sleep=cast(LightSleep, _Sleep()),
            now_ns=self._now_ns,
            memory_bytes=lambda: _MEMORY_BYTES,
            pledge=self._pledge,
        )

    def _now_ns(self) -> int:
        return int((self._clock.monotonic_s() + self._ran_s) * 1e9)

    def _has_run(self, requests: int) -> None:
        self._ran_s = self._step_s
        self.requests_together = requests

    def hang(self) -> None:
        """Do nothing more that is asked; the pulse goes on."""
        self._goes_on.clear()

    def go_on(self) -> None:
        """Do what has been asked meanwhile."""
        self._goes_on.set()

    def end(self) -> None:
        """Be gone from one moment to the next."""
        self.alive = False
        self._network.end(self._endpoint)
        for task in self._tasks:
            task.cancel()

    def arrived(self, sender_key: str, frames: Sequence[bytes], port: HostPort | None) -> None:
        """Take a message of the host's (through `port`) or of another phone's."""
        if not self.alive or not self._admission.allows(sender_key):
            return
        views = [memoryview(frame) for frame in frames]
        content = views[0] if is_step(views[0]) else read_command(views)
        envelope = Envelope(sender_key, content, self._now_ns(), _HOST_ROUTE)
        self._envelopes.put_nowait((envelope, port))

    async def _serve(self) -> None:
        envelope, port = await self._envelopes.get()
        if port is not None:
            self._answers.port = port
        is_work = isinstance(envelope.content, memoryview)
        self._busy_since_s = self._clock.monotonic_s() if is_work else None
        await self._goes_on.wait()
        usual_s = self._usual_step_s() if is_work else self._random.uniform(0.001, 0.01)
        self._step_s = usual_s * self.slowness
        await self._clock.sleep(self._step_s)
        self._busy_since_s = None
        if isinstance(envelope.content, Asked) and await self._was_answered(envelope.content):
            return
        self._server.handle(envelope)
        self._ran_s = 0.0

    def _usual_step_s(self) -> float:
        """Return about what a step of the newest span takes, all blocks alike."""
        blocks = 1
        if self._spans.identifiers:
            shape = self._spans.find(self._spans.identifiers[-1]).engine.shape
            blocks = shape.layer_count + shape.has_embedding + shape.has_head
        return (_STEP_S + blocks * self._block_s) * self._random.uniform(0.9, 1.1)

    async def _was_answered(self, asked: Asked) -> bool:
        """Answer what needs a network or a processor; tell whether it was that."""
        match asked.command:
            case Measure():
                speed = LAYER_BYTES / self._block_s / self.slowness
                measured = Measured(speed, 4 * speed, _STEP_S * self.slowness)
                self._pledge.note_speed(measured)
                self._answers.send_to_host(measured, asked.call)
            case Probe(endpoint=endpoint):
                self._answers.send_to_host(await self._probed(endpoint), asked.call)
            case Stop():
                self._server.handle(Envelope(self._admission.host_key, asked, 0, _HOST_ROUTE))
                self.end()
            case _:
                return False
        return True

    async def _probed(self, endpoint: str) -> Probed | Failed:
        receiver = self._network.find(endpoint)
        if receiver is None:
            return failure(UnreachableError("hop.takes_nothing", endpoint=endpoint))
        round_trip_s = await self._network.round_trip(self.place, receiver.place)
        if round_trip_s is None:
            return failure(UnreachableError("hop.takes_nothing", endpoint=endpoint))
        return Probed(round_trip_s, None)

    async def _beat(self) -> None:
        holdings = self._board.holdings
        await self._clock.sleep(INTERVAL_AT_WORK_S if holdings.transactions else INTERVAL_S)
        since_s, self._beats = self._busy_since_s, self._beats + 1
        busy_ms = 0.0 if since_s is None else (self._clock.monotonic_s() - since_s) * 1000
        if self._answers.port is not None:
            heartbeat = Heartbeat(
                self._serial,
                self._beats,
                _MEMORY_BYTES,
                holdings.kv_bytes,
                busy_ms,
                holdings.spans,
                holdings.transactions,
            )
            self._answers.port.beat(encode(heartbeat))
