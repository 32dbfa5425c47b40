"""A trace as Perfetto reads it: rows in which spans nest, no time before the first, true bytes."""

from __future__ import annotations

import json
from collections import defaultdict
from random import Random
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from app.core.audit_outcome import AuditOutcome
from app.core.identifiers import RequestId, Serial, TransactionId
from app.pipeline.tracing.step_times import StageTrace, StepTrace
from app.rack.events.chrome_trace import chrome_trace
from app.rack.events.request_events import (
    Missed,
    RequestEvent,
    RolledBack,
    StageAudited,
    StateChanged,
    StepTraced,
    WhatHappened,
)
from app.rack.snapshot import RequestState

PHONES = (Serial("A"), Serial("B"))
SEEDED = Random(1)  # noqa: S311 - of made-up times


def step(number: int, at_s: float, random: Random, *, by_ring: bool = False) -> StepTrace:
    """Return a step round both phones that begins at a moment."""
    moment_s, stages = at_s, []
    for serial in PHONES:
        left_s = moment_s
        arrived_s = left_s + random.uniform(0, 0.02)
        begun_s = arrived_s + 0.001
        computed_s = begun_s + random.uniform(0, 0.01)
        engine_s = (computed_s - begun_s) / 2
        moment_s = computed_s + 0.001
        stages.append(
            StageTrace(
                serial,
                int(arrived_s * 1e6),
                received_bytes=100 + number,
                left_s=left_s,
                idle_s=random.uniform(0, 0.05),
                arrived_s=arrived_s,
                begun_s=begun_s,
                engine_s=engine_s,
                computed_s=computed_s,
                sent_s=moment_s,
                clock_error_s=1e-4,
            )
        )
    heard_s = moment_s + 0.01
    return StepTrace(
        TransactionId("t"), number, number, 1, number, 1, by_ring, at_s, tuple(stages), 77, heard_s
    )


def events_of(name: str, *happened: tuple[float, WhatHappened]) -> list[RequestEvent]:
    return [
        RequestEvent(RequestId(name), number, at_s, what)
        for number, (at_s, what) in enumerate(happened, 1)
    ]


def written(events: list[RequestEvent]) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(json.dumps(chrome_trace(events))))


def rows_of(trace: dict[str, Any]) -> dict[tuple[int, int], list[dict[str, Any]]]:
    rows: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for entry in trace["traceEvents"]:
        if entry["ph"] == "X":
            rows[entry["pid"], entry["tid"]].append(entry)
    return rows


def check_nesting(trace: dict[str, Any]) -> None:
    """Spans of a row lie one after another, or one whole within another."""
    for entries in rows_of(trace).values():
        open_until: list[float] = []
        for entry in sorted(entries, key=lambda each: (each["ts"], -each["dur"])):
            begin, end = entry["ts"], entry["ts"] + entry["dur"]
            assert begin >= 0
            assert entry["dur"] >= 0
            while open_until and open_until[-1] <= begin + 0.002:
                open_until.pop()
            assert not open_until or end <= open_until[-1] + 0.002
            open_until.append(end)


@given(st.randoms(use_true_random=False), st.integers(1, 3), st.integers(0, 12))
def test_spans_of_a_row_nest_however_requests_run_beside_each_other(
    random: Random, requests: int, steps: int
) -> None:
    events = []
    for number in range(requests):
        at_s = 100 + random.uniform(0, 0.1)
        happened: list[tuple[float, WhatHappened]] = [
            (at_s, StateChanged(RequestState.DECODING, None))
        ]
        for count in range(steps):
            traced = step(count, at_s, random, by_ring=count % 2 == 1)
            at_s += random.uniform(0, 0.05)  # the next one may begin before this one ended
            happened.append((traced.heard_s, StepTraced(traced)))
        events += events_of(f"r{number}", *happened)
    random.shuffle(events)
    trace = written(events)
    check_nesting(trace)
    names = [entry["name"] for entry in trace["traceEvents"] if entry["ph"] == "X"]
    assert names.count("prompt") + names.count("token") == requests * steps
    assert names.count("engine") == names.count("compute") <= requests * steps * len(PHONES)


def test_hops_tell_who_sent_how_many_bytes() -> None:
    traced = step(1, 5.0, SEEDED)
    trace = written(events_of("r", (5.1, StepTraced(traced))))
    hops = [each["args"] for each in trace["traceEvents"] if each["name"] == "hop"]
    told = {(each["from"], each["bytes"]) for each in hops}
    assert told == {("host", 101), ("A", 101), ("B", 77)}


def test_what_several_requests_shared_is_drawn_once() -> None:
    traced = StepTraced(step(1, 5.0, SEEDED))
    trace = written([*events_of("r", (5.1, traced)), *events_of("s", (5.1, traced))])
    computing = [each for each in trace["traceEvents"] if each["name"] == "compute"]
    assert [each["args"]["requests"] for each in computing] == [["r", "s"]] * 2


def test_audits_roll_backs_and_gaps_are_told() -> None:
    audited = StageAudited(PHONES[0], AuditOutcome.PASSED, 0.0)
    events = events_of("r", (5.0, audited), (6.0, RolledBack(2, 3)), (6.0, Missed(4)))
    trace = written(events)
    instants = [each for each in trace["traceEvents"] if each["ph"] == "i"]
    assert [each["name"] for each in instants] == ["audit", "roll-back"]
    assert instants[1]["ts"] - instants[0]["ts"] == 1e6
    assert trace["otherData"]["missed_events"] == 4


def test_a_trace_of_nothing_is_a_trace() -> None:
    assert written([])["otherData"]["missed_events"] == 0
