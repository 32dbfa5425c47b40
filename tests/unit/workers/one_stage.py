"""One stage of a ring with a model of sums, driven as the phone before it drives it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from app.simulation.model import (
    CONTEXT_TOKENS,
    HIDDEN_SIZE,
    LAYERS,
    VOCABULARY_SIZE,
    ArithmeticEngine,
)
from app.simulation.worker import SeededIdentity
from tests.signing import SHARD, TERMS
from workers.engine.light_sleep import LightSleep
from workers.engine.spans import LoadedSpan, SpanTable
from workers.network.curve import Admission
from workers.network.dropped import DroppedMessages
from workers.network.inbox import Inbox
from workers.network.links import OutboundLinks
from workers.network.outlets import Outlets
from workers.network.pulse import ActivityBoard
from workers.protocol.boundary import Boundary
from workers.protocol.chain import ChainName, Span
from workers.protocol.codec import encode
from workers.protocol.commands import NextHop, Open, Seal, Sealed
from workers.protocol.message import Message
from workers.protocol.sampling_rule import AskedTokens, SamplingRule
from workers.protocol.span_shape import SpanShape
from workers.protocol.step_message import StepRow, step_frame
from workers.protocol.told import Broken
from workers.protocol.wire import Tensor
from workers.replicas.replicas import Replicas
from workers.ring.parts import WorkerParts
from workers.ring.steps import StepRunner
from workers.ring.transactions import Transaction, TransactionTable
from workers.work_commands import WorkCommands

SPAN, TRANSACTION = "span", "t"
HOST, BEFORE = "h" * 40, "b" * 40
AHEAD = 20


class Sent:
    """Stands for inbox, links and sleep: keeps what the stage sends."""

    def __init__(self) -> None:
        self.dropped = DroppedMessages()
        self.told: list[Message] = []
        self.frames: list[bytes] = []

    def send_to_host(self, message: Message, call: int | None = None) -> None:
        encode(message, call)
        self.told.append(message)

    def connect(self, hop: NextHop) -> None:
        pass

    def send(self, _hop: NextHop, frame: bytes) -> None:
        self.frames.append(frame)

    def ask(self, *, light: bool) -> None:
        pass


class OneStage:
    """A stage in the middle of a ring, or its last one, with one open transaction."""

    def __init__(self, *, last: bool = False, asked: AskedTokens | None = None) -> None:
        self._last = last
        self._asked = asked
        shape = SpanShape(
            Span(ChainName.DECODER, LAYERS // 2, LAYERS if last else LAYERS - 1),
            has_embedding=False,
            has_head=last,
            hidden_size=HIDDEN_SIZE,
            vocabulary_size=VOCABULARY_SIZE,
            kv_heads=1,
            head_size=HIDDEN_SIZE,
            context_tokens=CONTEXT_TOKENS,
            slots=2,
        )
        spans = SpanTable(Path())
        self.engine = ArithmeticEngine(Path(), shape, 1)
        spans._spans = {SPAN: LoadedSpan(SPAN, SHARD, (), 1, self.engine)}
        self.sent = Sent()
        parts = WorkerParts(
            serial="phone",
            transport_key="k" * 40,
            threads=1,
            identity=SeededIdentity(bytes(32)),
            admission=Admission(HOST),
            inbox=cast(Inbox, self.sent),
            links=cast(OutboundLinks, self.sent),
            outlets=cast(Outlets, None),
            spans=spans,
            transactions=TransactionTable(spans),
            replicas=Replicas(Path(), b"", cast(OutboundLinks, self.sent)),
            board=ActivityBoard(),
            sleep=cast(LightSleep, self.sent),
            now_ns=lambda: 0,
        )
        self.steps = StepRunner(parts)
        self.commands = WorkCommands(parts, self.steps)
        self._parts = parts
        self.transaction = self.open(TRANSACTION, slot=0)

    def open(self, name: str, slot: int) -> Transaction:
        after, last, rule = NextHop("tcp://127.0.0.1:1", "n" * 40), self._last, SamplingRule()
        command = Open(
            name,
            SPAN,
            stage=1,
            slot=slot,
            sampling=rule,
            alternatives=0,
            boundary=Boundary.F32,
            next=None if last else after,
            first=after if last else None,
            end_tokens=(),
            previous=BEFORE,
            resume=None,
            terms=TERMS,
            history=(1, 2) if last else None,
            asked=self._asked,
        )
        self.commands.open(command)
        return self._parts.transactions.find(name)

    def choice(self, position: int, row: float) -> int:
        """Return the token that the last stage chooses after a row, without taking a step."""
        return int(self.engine.run(0, position, hidden([row]))[0].argmax())

    def step(self, number: int, rows: Sequence[float], ahead: int = AHEAD) -> None:
        """Take a step whose hidden states are those numbers; all but the first are of drafts."""
        row = row_of(number, len(rows) - 1, ahead)
        self.frame(step_frame([row], (), hidden(rows)))
        assert not self.broken

    def frame(self, frame: bytes) -> None:
        self.steps.run(memoryview(frame), BEFORE, 0)

    @property
    def broken(self) -> list[Broken]:
        return [message for message in self.sent.told if isinstance(message, Broken)]

    def signed(self, steps: int, done: int) -> dict[str, Any]:
        sealed = self.commands.seal(Seal(TRANSACTION, steps, done))
        assert isinstance(sealed, Sealed)
        body = json.loads(sealed.receipt)
        return {name: body[name] for name in ("steps", "tokens", "input_root", "output_root")}


def row_of(number: int, drafts: int = 0, ahead: int = AHEAD) -> StepRow:
    return StepRow(TRANSACTION, number, number, True, number + 1, ahead, drafts)


def hidden(rows: Sequence[float]) -> Tensor:
    return np.array([[[each] * HIDDEN_SIZE for each in rows]], np.float32)
