"""One attempt at a request: a transaction opened on every stage of one assignment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from app.core.clock import Clock
from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.core.identifiers import Serial, TransactionId
from app.core.ring import RUN_TOKENS, run_tokens
from app.pipeline.listening import LOOK_INTERVAL_S, Silence
from app.pipeline.results import TokenResult, VectorResult, token_result, vector_result
from app.pipeline.slots import Seat
from app.pipeline.step_limits import Pace, StepLimits, TokenTimes
from app.pipeline.worker_client import WorkerClient
from workers.boundary import Boundary
from workers.errors import BoundaryOverflowError
from workers.sampling import Sampling
from workers.step_message import StepRow
from workers.wire import Kind, Message, Tensor

PREFILL_CHUNK_TOKENS = 64
SEAL_TIMEOUT_S = 3.0
TRANSCRIPT_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 3.0
_TRANSCRIPT_STEPS_PER_CALL = 256


class StageFailedError(ShardloomError):
    """A stage of the ring cannot go on; `reason` continues a sentence that begins with its name."""

    def __init__(self, serial: Serial, reason: str) -> None:
        super().__init__(f"{serial} {reason}")
        self.serial = serial
        self.reason = reason


class StepLostError(StageFailedError):
    """A step that nobody computes did not come back: a phone's fault, or that of a way."""


@dataclass(frozen=True)
class Stage:
    """A worker and the span loaded on it."""

    client: WorkerClient
    span: str

    @property
    def serial(self) -> Serial:
        """The phone's serial."""
        return self.client.serial


@dataclass(frozen=True)
class StepRecord:
    """A step as the host sent it, or knows of it: what the first stage must have received."""

    step: int
    position: int
    tokens: tuple[int, ...]
    wants_token: bool
    generated: int
    by_ring: bool = False
    """Whether the last stage sent it to the first, and not the host."""


@dataclass(frozen=True)
class SealedReceipt:
    """A stage's signed statement of what went in and out."""

    serial: Serial
    data: bytes
    signature: bytes


@dataclass(frozen=True)
class AttemptTerms:
    """How tokens are chosen and told, and what the ring may do by itself."""

    sampling: Sampling = field(default_factory=Sampling)
    boundary: Boundary = Boundary.F32
    alternatives: int = 0
    """How many of the likeliest tokens are told with each one chosen."""
    end_tokens: frozenset[int] = frozenset()
    closed: bool = False
    """Whether the last stage feeds the first, so that several tokens are decoded on end."""
    predicted: TokenTimes = field(default_factory=TokenTimes)


class Attempt:
    """Drives one transaction round the ring. Lives on the service loop."""

    def __init__(
        self,
        transaction: TransactionId,
        stages: Sequence[Stage],
        seat: Seat,
        terms: AttemptTerms,
        clock: Clock,
    ) -> None:
        self.transaction = transaction
        self.stages = tuple(stages)
        self.terms = terms
        self._seat = seat
        self.steps: list[StepRecord] = []
        self.answers: list[int | Tensor] = []
        """Tokens generated in this attempt, or the one vector `[1, numbers]` that answers."""
        self._serials = tuple(stage.serial for stage in self.stages)
        self._clock = clock
        patience = max(stage.client.patience for stage in self.stages)
        self._pace = Pace(terms.predicted, patience)
        self._position = 0
        self._run_tokens = RUN_TOKENS
        self._on_its_way: StepRecord | None = None
        self._ahead = 0
        self._queue: asyncio.Queue[Message] = asyncio.Queue()

    async def open(self) -> None:
        """Open the transaction on every stage, last first, so that no step finds a door shut."""
        for stage in self.stages:
            stage.client.listen_to(self.transaction, self._queue)
        await asyncio.gather(*(self._open_stage(index) for index in range(len(self.stages))))

    async def _open_stage(self, index: int) -> None:
        stage = self.stages[index]
        is_last = index + 1 == len(self.stages)
        previous = self.stages[index - 1].client.address.public_key
        try:
            await stage.client.call(
                Kind.OPEN,
                transaction=self.transaction,
                span=stage.span,
                stage=index,
                slot=self._seat.slot,
                sampling=asdict(self.terms.sampling),
                boundary=self.terms.boundary.value,
                alternatives=self.terms.alternatives,
                previous=previous if index > 0 or self.terms.closed else None,
                next=None if is_last else self._hop(stage, index + 1),
                first=self._hop(stage, 0) if is_last and self.terms.closed else None,
                end_tokens=sorted(self.terms.end_tokens) if is_last else [],
            )
        except (PhoneLostError, WorkerError) as error:
            raise StageFailedError(stage.serial, f"did not take the request: {error}") from None

    def _hop(self, stage: Stage, index: int) -> dict[str, str]:
        address = self.stages[index].client.address
        return {"endpoint": stage.client.endpoint_of(address), "key": address.public_key}

    async def prefill(self, tokens: Sequence[int], generated: int) -> TokenResult:
        """Feed a prompt in chunks and return the token that follows it.

        `generated` is the 1-based number of that token in the request.
        """
        return self._token(await self._feed(tokens, generated, PREFILL_CHUNK_TOKENS))

    async def answer(self, tokens: Sequence[int], numbers: int, *, whole: bool) -> VectorResult:
        """Feed a text, in one step where it has to go `whole`, and return its vector."""
        chunk_tokens = len(tokens) if whole else PREFILL_CHUNK_TOKENS
        message = await self._feed(tokens, 1, chunk_tokens)
        result = vector_result(message, numbers, self._serials)
        if result is None:
            raise self._useless(f"{numbers} numbers")
        self.answers.append(result.vector)
        return result

    async def _feed(self, tokens: Sequence[int], generated: int, chunk_tokens: int) -> Message:
        """Send a text in chunks and return what came of the last."""
        message: Message | None = None
        for start in range(0, len(tokens), chunk_tokens):
            chunk = tuple(tokens[start : start + chunk_tokens])
            last = start + len(chunk) == len(tokens)
            record = self._record(chunk, generated if last else 0)
            await self._send_alone(record)
            silence = Silence(self._clock)
            message = await self._outcome(record, self._pace.of_chunk(len(chunk)), silence)
            self._pace.chunk_took(silence.look())
        if message is None:
            raise ShardloomError("A prompt needs at least one token.")
        return message

    async def decode(self, token: int, generated: int, more: int = 0) -> TokenResult:
        """Feed one token, together with the others of its group, and return the next.

        Where up to `more` tokens are wanted after that one the ring begins them by itself; the
        next calls return them.
        """
        record = self._on_its_way or await self._send_with_group(token, generated, more)
        return await self._result(record)

    async def _result(self, record: StepRecord) -> TokenResult:
        silence = Silence(self._clock)
        try:
            result = self._token(await self._outcome(record, self._pace.of_token(), silence))
            self._on_its_way = self._next_by_itself(record, result)
        except ShardloomError:
            self._on_its_way = None
            raise
        step_s = silence.look()
        self._pace.token_took(step_s)
        computed_s = sum(timing.compute_ms for timing in result.timings) / 1000
        self._run_tokens = run_tokens(max(step_s, computed_s))
        return result

    @property
    def under_way(self) -> bool:
        """Whether the ring decodes a token that `decode` has not returned yet."""
        return self._on_its_way is not None

    async def drain(self) -> None:
        """Wait for the tokens that the ring decodes though nobody wants them any more."""
        with suppress(ShardloomError):
            while self._on_its_way is not None:
                await self._result(self._on_its_way)

    async def _send_with_group(self, token: int, generated: int, more: int) -> StepRecord:
        record = self._record((token,), generated)
        ahead = min(more, self._run_tokens - 1) if self.terms.closed else 0
        group = self._seat.group
        group.join(self.transaction)
        await group.send(
            self.transaction, self._row(record, ahead), token, lambda: self._sent(record, ahead)
        )
        return record

    def _sent(self, record: StepRecord, ahead: int) -> None:
        self.steps.append(record)
        self._on_its_way, self._ahead = record, ahead

    def _next_by_itself(self, record: StepRecord, result: TokenResult) -> StepRecord | None:
        """Return the step that the last stage says it began; none where it did not."""
        if not result.goes_on:
            return None
        if self._ahead == 0:
            raise StageFailedError(self.stages[-1].serial, "goes on without being asked.")
        self._ahead -= 1
        following = replace(self._record((result.token,), record.generated + 1), by_ring=True)
        self.steps.append(following)
        return following

    def leave_group(self) -> None:
        """Let the others of the group go on without this attempt."""
        self._seat.group.leave(self.transaction)

    def _record(self, tokens: tuple[int, ...], generated: int) -> StepRecord:
        """Return the next step; `generated` 0 asks for no token."""
        return StepRecord(len(self.steps), self._position, tokens, generated > 0, generated)

    def _row(self, record: StepRecord, ahead: int = 0) -> StepRow:
        return StepRow(
            self.transaction,
            record.step,
            record.position,
            record.wants_token,
            record.generated,
            ahead,
        )

    async def _send_alone(self, record: StepRecord) -> None:
        self.steps.append(record)
        tokens = np.array([record.tokens], dtype="<i8")
        await self.stages[0].client.send_step([self._row(record)], tokens)

    def _token(self, message: Message) -> TokenResult:
        result = token_result(message, self._serials)
        if result is None:
            raise self._useless("a token")
        self.answers.append(result.token)
        return result

    def _useless(self, wanted: str) -> StageFailedError:
        return StageFailedError(self.stages[-1].serial, f"did not answer with {wanted}.")

    async def _outcome(self, record: StepRecord, limits: StepLimits, silence: Silence) -> Message:
        """Wait for what the last stage says of a step."""
        idle = Silence(self._clock)
        while True:
            try:
                async with asyncio.timeout(LOOK_INTERVAL_S):
                    message = await self._queue.get()
            except TimeoutError:
                self._raise_if_lost()
                self._raise_if_late(limits, silence, idle)
                continue
            if message.kind == Kind.BROKEN:
                raise self._broken(message)
            if message.fields.get("step") == record.step:
                self._position += len(record.tokens)
                return message

    def _broken(self, message: Message) -> ShardloomError:
        serial = Serial(str(message.fields.get("serial", self.stages[0].serial)))
        if message.fields.get("code") == BoundaryOverflowError.code:
            return ShardloomError(
                "The model's hidden states do not fit float16: open the rack with --boundary f32."
            )
        reason = str(message.fields.get("reason", "it gave no reason"))
        return StageFailedError(serial, f"cannot go on: {reason}")

    def _raise_if_lost(self) -> None:
        for stage in self.stages:
            if stage.client.lost:
                raise StageFailedError(stage.serial, "stopped answering.")

    def _raise_if_late(self, limits: StepLimits, silence: Silence, idle: Silence) -> None:
        if any(stage.client.at_work for stage in self.stages):
            idle.end()
        if silence.look() > limits.total_s:
            raise self._stuck(limits.total_s)
        if idle.look() > limits.idle_s:
            raise self._stuck(limits.idle_s)

    def _stuck(self, deadline_s: float) -> StageFailedError:
        slowest = max(self.stages, key=lambda stage: stage.client.busy_ms).client
        error = StageFailedError if slowest.busy_ms else StepLostError
        return error(slowest.serial, f"did not finish a step within {deadline_s:.0f} s.")

    async def seal(self, stage: Stage) -> SealedReceipt | None:
        """Return a stage's receipt, or None where it does not give one."""
        if stage.client.lost:
            return None
        try:
            reply = await stage.client.call(
                Kind.SEAL, timeout_s=SEAL_TIMEOUT_S, transaction=self.transaction
            )
            return SealedReceipt(
                stage.serial, bytes(reply.fields["receipt"]), bytes(reply.fields["signature"])
            )
        except (PhoneLostError, WorkerError, KeyError, TypeError):
            return None

    async def transcript(self, stage: Stage, steps: int) -> list[Tensor]:
        """Return the input tensors of a stage's first steps, as many as it signed for.

        Raises `PhoneLostError` or `WorkerError` where it does not give them.
        """
        tensors: list[Tensor] = []
        while len(tensors) < steps:
            reply = await stage.client.call(
                Kind.TRANSCRIPT,
                timeout_s=TRANSCRIPT_TIMEOUT_S,
                transaction=self.transaction,
                first_step=len(tensors),
                count=_TRANSCRIPT_STEPS_PER_CALL,
            )
            if not reply.tensors:
                break
            tensors.extend(reply.tensors)
        return tensors

    async def close(self) -> None:
        """Free the slot on every stage that still answers."""
        for stage in self.stages:
            stage.client.forget(self.transaction)
        await asyncio.gather(
            *(
                stage.client.call(
                    Kind.CLOSE, timeout_s=CLOSE_TIMEOUT_S, transaction=self.transaction
                )
                for stage in self.stages
                if not stage.client.lost
            ),
            return_exceptions=True,
        )
