"""Steps of phones whose clocks are strangers to ours: all times come out on ours, in order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import Serial, TransactionId
from app.pipeline.prompts.step_record import StepRecord
from app.pipeline.ring_messages import StepAnswer
from app.pipeline.stage import Stage
from app.pipeline.step_outcomes import StepOutcome
from app.pipeline.tracing.step_times import StepTrace
from app.pipeline.tracing.step_trace import StepTracer
from app.pipeline.tracing.worker_time import DRIFT, WorkerTime
from app.testing.clocks import ManualClock
from workers.protocol.boundary import Boundary
from workers.protocol.step_message import StepRow, TraceEntry, passed_on, read_step, step_frame
from workers.protocol.told import ToldToken
from workers.protocol.wire import Tensor

HIDDEN = 8
US = 1_000_000


@dataclass
class Phone:
    """A phone with a clock of its own."""

    offset_s: float
    """What its clock is behind ours."""

    def __post_init__(self) -> None:
        self.client = SimpleNamespace(serial=Serial("P"), time=WorkerTime())

    def shows_us(self, at_s: float) -> int:
        return int((at_s - self.offset_s) * US)

    def read(self, at_s: float, there_s: float, back_s: float) -> None:
        self.client.time.note(at_s, self.shows_us(at_s + there_s), at_s + there_s + back_s)

    @property
    def stage(self) -> Stage:
        return Stage(cast(Any, self.client), "span")


def tracer(*phones: Phone) -> StepTracer:
    stages = [phone.stage for phone in phones]
    return StepTracer(TransactionId("t"), stages, HIDDEN, Boundary.F32, ManualClock())


def outcome(
    trace: tuple[TraceEntry, ...],
    sent_s: float,
    heard_s: float,
    tokens: int = 1,
    *,
    by_ring: bool = False,
) -> StepOutcome:
    record = StepRecord(0, 0, tuple(range(tokens)), wants_token=True, generated=1, by_ring=by_ring)
    row = ToldToken("t", 0, 1, 7, -0.5, (), goes_on=False)
    answer = StepAnswer(row, trace, (), rows=1, size_bytes=99)
    return StepOutcome(record, answer, heard_s - sent_s, sent_s, heard_s)


delays = st.floats(1e-4, 0.2)


@given(st.floats(-1e6, 1e3), st.lists(st.tuples(delays, delays), min_size=1, max_size=9))
def test_a_clock_is_off_by_half_of_its_shortest_round_trip_at_most(
    offset_s: float, ways: list[tuple[float, float]]
) -> None:
    phone, now_s = Phone(offset_s), 2e3
    for there_s, back_s in ways:
        phone.read(now_s, there_s, back_s)
        now_s += there_s + back_s
    best = phone.client.time.best(now_s)
    assert best is not None
    assert abs(best.offset_s - offset_s) <= best.error_s + 2e-6
    shortest_s = min(there_s + back_s for there_s, back_s in ways) / 2
    assert best.error_at(now_s) <= shortest_s + DRIFT * (now_s - 2e3)


def test_a_clock_that_was_never_read_is_none() -> None:
    assert WorkerTime().best(1.0) is None


@given(st.integers(1, 5), st.randoms(use_true_random=False), st.tuples(st.booleans()))
def test_steps_on_strange_clocks_come_out_in_order_and_near_the_truth(
    count: int, random: Random, reading: tuple[bool]
) -> None:
    (read,) = reading
    phones = [Phone(random.uniform(-1e6, 1e3)) for _ in range(count)]
    now_s, truth, entries = 2e3, [], []
    for phone in phones if read else ():
        phone.read(now_s, random.uniform(1e-3, 5e-3), random.uniform(1e-3, 5e-3))
    sent_s = now_s
    for number, phone in enumerate(phones):
        arrived_s = now_s + random.uniform(0.01, 0.05)
        truth.append(arrived_s)
        entry = TraceEntry(number, 2_000, 100, 1_500, 50, 300, phone.shows_us(arrived_s))
        entries.append(entry)
        now_s = arrived_s + 2_150 / US
    heard_s = now_s + 0.02
    step = tracer(*phones).trace(outcome(tuple(entries), sent_s, heard_s))
    _check_order(step)
    if read:
        for part, arrived_s in zip(step.stages, truth, strict=True):
            assert abs(part.arrived_s - arrived_s) <= part.clock_error_s + 1e-5


def _check_order(step: StepTrace) -> None:
    moments = [step.begun_s]
    for part in step.stages:
        moments += [part.left_s, part.arrived_s, part.begun_s, part.computed_s, part.sent_s]
        assert 0 <= part.engine_s <= part.computed_s - part.begun_s
    moments.append(step.heard_s)
    assert all(earlier <= later for earlier, later in pairwise(moments))


entries = st.builds(TraceEntry, st.integers(0, 3), *[st.integers(0, (1 << 32) - 1)] * 5)


@given(st.lists(entries, max_size=4), st.integers(0, (1 << 63) - 1))
def test_whatever_phones_claim_a_trace_stays_within_what_is_known(
    claims: list[TraceEntry], arrived_us: int
) -> None:
    phones = [Phone(0.0), Phone(5.0)]
    for phone in phones:
        phone.read(1.0, 0.01, 0.01)
    told = tuple(each._replace(arrived_us=arrived_us) for each in claims)
    step = tracer(*phones).trace(outcome(told, 2.0, 2.5))
    _check_order(step)
    assert len(step.stages) <= 2


def test_the_bytes_of_each_hop_are_those_of_the_frame_that_crossed_it() -> None:
    row, tokens = StepRow("t", 0, 0, wants_token=True, generated=1), 3
    frame = step_frame([row], (), _zeros(1, tokens).astype("<i8"))
    sizes, told = [len(frame)], []
    for number in range(3):
        entry = TraceEntry(number, 10, arrived_us=number)
        told.append(entry)
        frame = passed_on(read_step(memoryview(frame)), entry, _zeros(1, tokens, HIDDEN))
        sizes.append(len(frame))
    step = tracer(*(Phone(0.0) for _ in range(3))).trace(outcome(tuple(told), 1.0, 2.0, tokens))
    assert [part.received_bytes for part in step.stages] == sizes[:3]
    assert step.told_bytes == 99


def test_a_step_that_the_ring_began_starts_where_the_last_stage_was_done() -> None:
    phone = Phone(0.0)
    phone.read(0.9, 0.0, 0.0)
    tracing = tracer(phone)
    first = tracing.trace(outcome((TraceEntry(0, 50_000, arrived_us=1_010_000),), 1.0, 1.2))
    entry = TraceEntry(0, 50_000, arrived_us=1_070_000)
    second = tracing.trace(outcome((entry,), 1.2, 1.3, by_ring=True))
    assert second.begun_s == first.stages[-1].computed_s
    assert abs(second.stages[0].arrived_s - 1.07) < 1e-3


def _zeros(*shape: int) -> Tensor:
    return np.zeros(shape, "<f4")
