"""Drafts at one stage: each a step of its own, and signed for only once it is known to stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

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
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.span_shape import SpanShape
from workers.protocol.step_message import StepRow, TraceEntry, read_step, step_frame
from workers.protocol.told import Broken, Token
from workers.protocol.wire import Tensor
from workers.ring.parts import WorkerParts
from workers.ring.steps import StepRunner
from workers.ring.transactions import Transaction, TransactionTable
from workers.work_commands import WorkCommands

SPAN, TRANSACTION = "span", "t"
HOST, BEFORE = "h" * 40, "b" * 40
AHEAD = 20


class _Sent:
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


class _Stage:
    """A stage in the middle of a ring, or its last one, with one open transaction."""

    def __init__(self, *, last: bool = False) -> None:
        self._last = last
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
        self.sent = _Sent()
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
        )
        self.commands.open(command)
        return self._parts.transactions.find(name)

    def choice(self, position: int, row: float) -> int:
        """Return the token that the last stage chooses after a row, without taking a step."""
        return int(self.engine.run(0, position, _hidden([row]))[0].argmax())

    def step(self, number: int, rows: Sequence[float], ahead: int = AHEAD) -> None:
        """Take a step whose hidden states are those numbers; all but the first are of drafts."""
        row = _row(number, len(rows) - 1, ahead)
        self.frame(step_frame([row], (), _hidden(rows)))
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


def _row(number: int, drafts: int = 0, ahead: int = AHEAD) -> StepRow:
    return StepRow(TRANSACTION, number, number, True, number + 1, ahead, drafts)


def _hidden(rows: Sequence[float]) -> Tensor:
    return np.array([[[each] * HIDDEN_SIZE for each in rows]], np.float32)


def _signed_without_drafts(rows: Sequence[float]) -> dict[str, Any]:
    stage = _Stage()
    for number, row in enumerate(rows):
        stage.step(number, [row])
    return stage.signed(len(rows), len(rows))


@pytest.mark.parametrize("done", [1, 2, 3])
def test_drafts_of_a_round_whose_next_step_is_lost_are_signed_for_as_far_as_they_came_back(
    done: int,
) -> None:
    stage = _Stage()
    stage.step(0, [3])
    stage.step(1, [4, 5, 9, 9])
    certain = max(done, 2)
    assert stage.signed(4, done) == _signed_without_drafts([3, 4, 5][:certain])


def test_a_newer_step_tells_which_drafts_are_signed_for() -> None:
    stage = _Stage()
    stage.step(0, [3])
    stage.step(1, [4, 5, 9, 9])
    stage.step(3, [6])
    assert stage.signed(4, 1) == _signed_without_drafts([3, 4, 5, 6])


@pytest.mark.parametrize("arrived_us", [(1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_a_clock_that_the_host_cannot_be_told_is_laid_to_the_phone_that_sent_it(
    arrived_us: int,
) -> None:
    stage, most = _Stage(last=True), (1 << 32) - 1
    trace = [TraceEntry(most, most, most, most, most, most, arrived_us)]
    stage.frame(step_frame([_row(0)], trace, _hidden([3])))
    (told,) = stage.sent.told
    if arrived_us < 1 << 63:
        assert isinstance(told, Token)
        assert told.trace[:1] == tuple(trace)
    else:
        assert [broken.code for broken in stage.broken] == ["unusable-rows"]
    assert len(stage.sent.frames) == len(stage.sent.told) - len(stage.broken)


def test_a_trace_longer_than_the_stages_before_is_laid_to_the_phone_that_sent_it() -> None:
    stage = _Stage()
    row = _row(0)
    stage.frame(step_frame([row], [TraceEntry(0, 1)] * 2, _hidden([3])))
    (broken,) = stage.broken
    assert broken.code == "unusable-rows"
    assert not stage.sent.frames


def test_the_last_stage_answers_no_step_twice() -> None:
    stage = _Stage(last=True)
    lookup = stage.transaction.lookup
    assert lookup is not None
    chosen = [stage.choice(number, row) for number, row in enumerate([3, 4])]
    lookup.drafts = (chosen[0],)
    stage.step(0, [3, 4])
    assert stage.transaction.transcript.next_step == 2
    told = len(stage.sent.told)
    stage.frame(step_frame([_row(1)], (), _hidden([9])))
    assert [message.code for message in stage.broken] == ["unusable-rows"]
    assert stage.sent.told[told:] == [*stage.broken]
    assert stage.transaction.transcript.next_step == 2


def test_drafts_of_an_earlier_round_are_not_withdrawn_after_a_shared_step() -> None:
    stage = _Stage()
    other = stage.open("other", slot=1)
    stage.step(0, [3, 4])
    first, second = _row(0)._replace(transaction="other"), _row(2)
    stage.frame(step_frame([first, second], (), np.concatenate([_hidden([5]), _hidden([6])])))
    assert not stage.broken
    assert stage.transaction.drafts_taken == other.drafts_taken == 0
    stage.frame(step_frame([_row(2)], (), _hidden([7])))
    assert [message.code for message in stage.broken] == ["unusable-rows"]


def test_a_draft_that_cannot_be_sent_on_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, bad = _Stage(), 77
    run = stage.engine.run

    def overflow(slot: int, position: int, inputs: Tensor) -> Tensor:
        outputs = run(slot, position, inputs)
        return outputs * np.float32(np.inf) if inputs[0, 0, 0] == bad else outputs

    monkeypatch.setattr(stage.engine, "run", overflow)
    stage.step(0, [3, 4, bad, 5])
    sent = read_step(memoryview(stage.sent.frames[-1]))
    assert sent.rows == (_row(0, drafts=1),)
    assert sent.inputs.shape == (1, 2, HIDDEN_SIZE)
    assert stage.transaction.transcript.next_step == 2
    assert stage.transaction.beginning(1) is not None, "what is kept of it can be gone on with"
    stage.step(2, [6])
    assert stage.signed(3, 3) == _signed_without_drafts([3, 4, 6])


def test_what_cannot_be_done_without_drafts_fails_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = _Stage()
    monkeypatch.setattr(stage.engine, "run", lambda *_: _hidden([np.inf]))
    stage.frame(step_frame([_row(0, drafts=1)], (), _hidden([3, 4])))
    assert len(stage.broken) == 1
    assert not stage.sent.frames


def test_a_full_transcript_leaves_drafts_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = _Stage()
    row_bytes = _hidden([0]).nbytes
    monkeypatch.setattr(stage.transaction.transcript, "_maximum_bytes", 2 * row_bytes)
    stage.step(0, [3, 4, 5])
    assert read_step(memoryview(stage.sent.frames[-1])).rows[0].drafts == 1
    stage.step(1, [6])
    stage.frame(step_frame([_row(2, drafts=0)], (), _hidden([7])))
    assert len(stage.broken) == 1
