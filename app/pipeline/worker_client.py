"""The host's connection to one worker: commands with replies, tokens, and its pulse.

Whatever comes through a socket is that worker's own word: CURVE proves who holds the other end.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.clock import Clock
from app.core.errors import PhoneLostError, WorkerError, reason_of, reason_told
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.core.nursery import Nursery
from app.pipeline.listening import LONGEST_LOOK_S, LOOK_INTERVAL_S, Silence, answered
from app.pipeline.mailbox import Letter, Mailbox
from app.pipeline.ports import PortClosedError, Received, WorkerPort
from app.pipeline.ring_messages import by_transaction
from app.pipeline.tracing.worker_time import WorkerTime
from workers.errors import WireError
from workers.protocol.codec import CallAnswer, encode, read_heartbeat, read_reply, read_told
from workers.protocol.message import Reply, ReplyType, WorkerCommand, reply_to
from workers.protocol.step_message import StepRow, step_frame
from workers.protocol.told import Broken, Failed, Heartbeat, Token
from workers.protocol.wire import Tensor

LOST_AFTER_S = 3.0
"""Six heartbeats of an idle worker missed in a row."""
HEARD_LATELY_S = 1.0
"""Within two of them."""
HANGS_AFTER_S = 1.0
"""Five heartbeats of a worker with a transaction open, missed in a row."""
_USUAL_GAPS: Final = 20
_GAP_FACTOR: Final = 3
"""So many times the longest of the newest gaps between heartbeats is no usual one: where processors
are short of time, heartbeats are late too."""
_MOST_WAITING = 10_000
_MOST_WAITING_BYTES = 1 << 30
"""What may come from a worker without its port once running dry; a loop that stood still for
seconds finds a few hundred messages."""

_log = logging.getLogger("shardloom.pipeline")


@dataclass(frozen=True)
class WorkerAddress:
    """Where a worker listens and the key it must prove."""

    host: str
    inbox_port: int
    pulse_port: int
    public_key: str

    @property
    def inbox(self) -> str:
        """Endpoint of the inbox."""
        return f"tcp://{self.host}:{self.inbox_port}"

    @property
    def pulse(self) -> str:
        """Endpoint of the heartbeats."""
        return f"tcp://{self.host}:{self.pulse_port}"


@dataclass(frozen=True)
class _PendingCommand:
    """A command under way: what it is answered with, and who waits for that."""

    reply: type[Reply]
    answer: asyncio.Future[Reply | Failed]


@dataclass(frozen=True)
class Pulse:
    """A worker's newest heartbeat."""

    at_s: float
    resident_bytes: int
    kv_bytes: int
    busy_ms: float


def _refusal(serial: Serial, told: Reply | Failed) -> Fact:
    """Return that a worker refused, with its own words where it gave any."""
    reason = reason_told(told.reason, told.fields) if isinstance(told, Failed) else ""
    if not reason:
        return Fact("worker.refused_silently", phone=serial)
    return Fact("worker.refused", phone=serial, reason=reason)


class _Backlog:
    """Counts what came through one way of a port since nothing waited there."""

    def __init__(self) -> None:
        self._messages = self._bytes = 0

    def overflows(self, received: Received) -> bool:
        """Count a message, and tell whether more came than anybody was asked for."""
        if not received.more_waits:
            self._messages = self._bytes = 0
            return False
        self._messages += 1
        self._bytes += sum(map(len, received.frames))
        return self._messages > _MOST_WAITING or self._bytes > _MOST_WAITING_BYTES


class WorkerClient:
    """One worker, from the host's side. Lives on the service loop."""

    def __init__(
        self,
        port: WorkerPort,
        serial: Serial,
        address: WorkerAddress,
        clock: Clock,
        nursery: Nursery,
        patience: float = 1.0,
    ) -> None:
        """All that the worker is given time for takes `patience` times as long as usual.

        `port` leads to the worker at `address`, and is closed with this.
        """
        self._port = port
        self.serial = serial
        self.address = address
        self.patience = patience
        self.pulse: Pulse | None = None
        self.offence: Fact | None = None
        """What it said that no worker may say, until somebody calls it to account."""
        self.time = WorkerTime()
        """What its own clock shows; empty until somebody asks."""
        self._clock = clock
        self._silence = Silence(clock)
        self._work = Silence(clock)
        self._gaps_s: deque[float] = deque(maxlen=_USUAL_GAPS)
        self._disconnected = False
        self._given_up = False
        self.unreadable = 0
        """Messages that were dropped because nobody can read them."""
        self._calls: dict[int, _PendingCommand] = {}
        self._numbers = itertools.count(1)
        self._ways: dict[str, str] = {}
        self._transactions: dict[TransactionId, Mailbox] = {}
        self._waiting, self._waiting_heartbeats = _Backlog(), _Backlog()
        self._watches = nursery.child()
        for look, name, interval_s in (
            (self._receive, "messages", 0.0),
            (self._listen, "heartbeats", 0.0),
            (self._watch_connection, "connection", 0.0),
            (self._count_silence, "silence", LOOK_INTERVAL_S),
        ):
            self._watches.watch(look, f"{name} of {serial}'s worker", interval_s)

    @property
    def silent_s(self) -> float:
        """Seconds listened in vain since its last heartbeat, or since we connected."""
        return self._silence.seconds

    @property
    def is_silent(self) -> bool:
        """Whether it has missed so many heartbeats that it counts as lost."""
        return self.silent_s > LOST_AFTER_S * self.patience

    @property
    def hangs(self) -> bool:
        """Whether it has been silent for far longer than usual: it may have stopped."""
        usual_s = max(self._gaps_s, default=HANGS_AFTER_S)
        return self.silent_s > max(HANGS_AFTER_S, _GAP_FACTOR * usual_s) * self.patience

    @property
    def busy_ms(self) -> float:
        """How long its current step has been computing, as of its last heartbeat."""
        return self.pulse.busy_ms if self.pulse else 0.0

    @property
    def working_s(self) -> float:
        """How long it has computed its current step, counted while this computer listened."""
        return min(self.busy_ms / 1000, self._work.seconds)

    @property
    def at_work(self) -> bool:
        """Whether it computes a step or does what it was told; true while it does not say."""
        return self.busy_ms > 0 or bool(self._calls) or self.silent_s > HEARD_LATELY_S

    @property
    def lost(self) -> bool:
        """Whether its process is gone or has been silent for too long."""
        return self._given_up or self._disconnected or self.is_silent

    def reach(self, other: WorkerAddress, endpoint: str) -> None:
        """Let this worker reach another's inbox at an endpoint of its own from now on."""
        self._ways[other.public_key] = endpoint

    def endpoint_of(self, other: WorkerAddress) -> str:
        """Return where this worker reaches another's inbox: where we do, unless told else."""
        return self._ways.get(other.public_key, other.inbox)

    def give_up(self) -> None:
        """Count this worker as lost from now on, whatever it still sends."""
        self._given_up = True
        self._answer_all(Fact("worker.given_up", phone=self.serial))

    async def call(self, command: WorkerCommand[ReplyType], timeout_s: float = 10.0) -> ReplyType:
        """Send a command and return what it is answered with.

        Raises `WorkerError` where the worker refuses or answers with something else,
        `PhoneLostError` where it does not answer.
        """
        number, reply = next(self._numbers), reply_to(command)
        answer: asyncio.Future[Reply | Failed] = asyncio.get_running_loop().create_future()
        try:
            frames = encode(command, number)
        except WireError as error:
            raise WorkerError(
                "worker.cannot_be_asked", phone=self.serial, reason=reason_of(error)
            ) from None
        self._calls[number] = _PendingCommand(reply, answer)
        try:
            if not await self._send(frames):
                raise PhoneLostError("worker.given_up", phone=self.serial)
            told = await answered(answer, timeout_s * self.patience, self._clock)
        except TimeoutError:
            raise PhoneLostError(
                "worker.no_answer",
                phone=self.serial,
                command=command.kind,
                limit=timeout_s * self.patience,
            ) from None
        finally:
            self._calls.pop(number, None)
        if isinstance(told, reply):
            return told
        raise WorkerError(_refusal(self.serial, told))

    async def send_step(self, rows: Sequence[StepRow], tokens: Tensor) -> None:
        """Send a step into the ring; its outcome comes on the last stage's queue.

        `tokens` is `i8 [rows, tokens]`.

        To a worker given up nothing is sent: whoever waits for the outcome sees that it is lost.
        """
        await self._send([step_frame(rows, (), tokens)])

    async def _send(self, frames: Sequence[bytes | memoryview]) -> bool:
        """Send a message; return false where the worker was given up before it was under way."""
        if self._given_up:
            return False
        try:
            await self._port.send(frames)
        except (PortClosedError, asyncio.CancelledError):
            if not self._was_closed_meanwhile():
                raise
            return False
        return True

    def _was_closed_meanwhile(self) -> bool:
        """Tell whether a send ended because of `close`, and not because its caller was stopped."""
        task = asyncio.current_task()
        return self._given_up and not (task is not None and task.cancelling())

    def listen_to(self, transaction: TransactionId, mailbox: Mailbox) -> None:
        """Put this worker's tokens and complaints about a transaction into a mailbox."""
        self._transactions[transaction] = mailbox

    def forget(self, transaction: TransactionId) -> None:
        """Stop listening to a transaction."""
        self._transactions.pop(transaction, None)

    async def close(self) -> None:
        """Let go of the worker; it goes on running."""
        await self._watches.close()
        self._port.close()
        self._answer_all(Fact("worker.let_go", phone=self.serial))
        if self.unreadable > 1:
            _log.warning("%s sent %d malformed messages.", self.serial, self.unreadable)

    def _answer_all(self, reason: Fact) -> None:
        for call in self._calls.values():
            if not call.answer.done():
                call.answer.set_exception(PhoneLostError(reason))

    async def _receive(self) -> None:
        received = await self._port.receive()
        if self._waiting.overflows(received):
            await self._end_a_flood()
            return
        try:
            self._dispatch(read_told(received.frames), sum(map(len, received.frames)))
        except WireError as error:
            self._drop(error)
            self.offence = Fact("offence.unreadable_message", reason=reason_of(error))

    def _drop(self, error: WireError) -> None:
        """Count a message that nobody can read; the first is logged, and at the end how many."""
        self.unreadable += 1
        if self.unreadable == 1:
            _log.warning("%s sent a malformed message: %s", self.serial, error)

    def _dispatch(self, told: CallAnswer | Token | Broken, size_bytes: int) -> None:
        if isinstance(told, CallAnswer):
            self._take(told)
            return
        for transaction, part in by_transaction(told, size_bytes):
            mailbox = self._transactions.get(transaction)
            if mailbox is not None and not mailbox.put(Letter(self.serial, part)):
                self.offence = Fact("offence.says_too_much")

    def _take(self, answer: CallAnswer) -> None:
        """Hand an answer to who waits for it. Raises `WireError` for another than it must be."""
        call = self._calls.get(answer.call)
        if call is None or call.answer.done():
            return
        if isinstance(answer.content, Failed):
            call.answer.set_result(answer.content)
            return
        try:
            call.answer.set_result(read_reply(call.reply, answer.content))
        except WireError as error:
            wrong = WorkerError(
                "worker.answered_wrongly", phone=self.serial, reason=reason_of(error)
            )
            call.answer.set_exception(wrong)
            raise

    async def _end_a_flood(self) -> None:
        """Hear nothing of it any more: what it sends would fill this computer's memory."""
        self.offence = Fact("offence.floods")
        _log.warning("%s sent more than can be taken, its connection was closed.", self.serial)
        self.give_up()
        self._port.close()
        await self._watches.close()

    async def _listen(self) -> None:
        received = await self._port.heartbeat()
        if self._waiting_heartbeats.overflows(received):
            await self._end_a_flood()
            return
        try:
            heartbeat = read_heartbeat(received.frames)
        except WireError as error:
            self._drop(error)
            return
        self._hear(self._pulse_of(heartbeat))

    def _hear(self, pulse: Pulse) -> None:
        if self.busy_ms == 0 or pulse.busy_ms < self.busy_ms:
            self._work.end()
            self._work.seconds = min(pulse.busy_ms / 1000, LONGEST_LOOK_S)
        self.pulse = pulse
        self._disconnected = False
        self._gaps_s.append(self._silence.look())
        self._silence.end()

    def _pulse_of(self, heartbeat: Heartbeat) -> Pulse:
        return Pulse(
            self._clock.monotonic_s(),
            heartbeat.resident_bytes,
            heartbeat.kv_bytes,
            heartbeat.busy_ms,
        )

    async def _count_silence(self) -> None:
        self._silence.look()
        self._work.look()

    async def _watch_connection(self) -> None:
        await self._port.disconnected()
        self._disconnected = True
