"""Requests' events as a file for Perfetto or chrome://tracing.

Written after the "Trace Event Format" (Google): complete events `X` with `ts` and `dur` in
microseconds, instants `i`, names of tracks as metadata `M`. This computer is the first process and
each phone one more. A phone does one thing at a time, so all it does for any request is one row:
`wait` (nothing to do), `receive`, `compute` with `engine` inside, `send`. Hops that overlap take
rows of their own.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from app.core.identifiers import HOST, RequestId, Serial
from app.pipeline.tracing.step_times import StageTrace, StepTrace
from app.rack.events.request_events import (
    Ended,
    Missed,
    RequestEvent,
    RolledBack,
    StageAudited,
    StateChanged,
    StepTraced,
)

_US_PER_S: Final = 1_000_000
_HOPS: Final = 100
"""Rows of hops are numbered from here."""
_STEPS: Final = 1_000
_STAGE: Final = 1
Entry = dict[str, Any]


@dataclass(frozen=True)
class TracedSpan:
    """Something that took time; what happened within it is inside."""

    name: str
    begin_s: float
    end_s: float
    arguments: Mapping[str, object] = field(default_factory=dict)
    inside: tuple[TracedSpan, ...] = ()

    def after(self, moment_s: float) -> TracedSpan:
        """Return it without what lies before a moment."""
        return TracedSpan(
            self.name,
            max(self.begin_s, moment_s),
            max(self.end_s, moment_s),
            self.arguments,
            tuple(each.after(moment_s) for each in self.inside),
        )


def chrome_trace(events: Iterable[RequestEvent]) -> dict[str, object]:
    """Return what to write as JSON of the events of any requests, in any order."""
    by_request: dict[RequestId, list[RequestEvent]] = {}
    for event in sorted(events, key=lambda each: (each.at_s, each.sequence)):
        by_request.setdefault(event.request, []).append(event)
    told = [event for each in by_request.values() for event in each]
    steps = [(each.request, each.what.trace) for each in told if isinstance(each.what, StepTraced)]
    page = _Page(min([each.at_s for each in told] + [step.begun_s for _, step in steps], default=0))
    page.name_process(HOST)
    for number, (request, happened) in enumerate(by_request.items(), 1):
        page.name_row(HOST, number, f"{request}")
        page.add(HOST, number, _request_span(request, happened))
        page.entries += _instants(page, number, happened)
    page.spread(HOST, _STEPS, "steps", (_step_span(request, step) for request, step in steps))
    page.spread(HOST, _HOPS, "hops", _told_hops(steps))
    _add_phones(page, steps)
    missed = sum(each.what.events for each in told if isinstance(each.what, Missed))
    return {
        "traceEvents": page.entries,
        "displayTimeUnit": "ms",
        "otherData": {"monotonic_s": page.zero_s, "missed_events": missed},
    }


@dataclass
class _Page:
    """What was written so far; times count from `zero_s`."""

    zero_s: float
    entries: list[Entry] = field(default_factory=list)
    _processes: dict[Serial, int] = field(default_factory=dict)

    def name_process(self, serial: Serial) -> int:
        """Return the number of a phone, or of this computer."""
        if serial not in self._processes:
            self._processes[serial] = number = len(self._processes) + 1
            self._name("process_name", number, 0, serial)
        return self._processes[serial]

    def name_row(self, serial: Serial, row: int, name: str) -> None:
        """Name a row of a process."""
        self._name("thread_name", self.name_process(serial), row, name)

    def add(self, serial: Serial, row: int, span: TracedSpan) -> None:
        """Write a span and what is inside."""
        begin_us, end_us = self.micros(span.begin_s), self.micros(span.end_s)
        self.entries.append(
            {
                "ph": "X",
                "name": span.name,
                "cat": "shardloom",
                "pid": self.name_process(serial),
                "tid": row,
                "ts": begin_us,
                "dur": round(end_us - begin_us, 3),
                "args": dict(span.arguments),
            }
        )
        for each in span.inside:
            self.add(serial, row, each)

    def spread(self, serial: Serial, first: int, name: str, spans: Iterable[TracedSpan]) -> None:
        """Write spans into as few rows as hold them without any two overlapping."""
        ends: list[tuple[float, int]] = []
        rows = 0
        for span in sorted(spans, key=lambda each: each.begin_s):
            if ends and ends[0][0] <= span.begin_s:
                _, row = heapq.heappop(ends)
            else:
                row, rows = first + rows, rows + 1
                self.name_row(serial, row, name)
            heapq.heappush(ends, (span.end_s, row))
            self.add(serial, row, span)

    def micros(self, at_s: float) -> float:
        """Return a moment as the format has it."""
        return round((at_s - self.zero_s) * _US_PER_S, 3)

    def _name(self, kind: str, process: int, row: int, name: str) -> None:
        self.entries.append(
            {"ph": "M", "name": kind, "pid": process, "tid": row, "args": {"name": name}}
        )


def _request_span(request: RequestId, events: Sequence[RequestEvent]) -> TracedSpan:
    states = [each for each in events if isinstance(each.what, StateChanged | Ended)]
    inside = tuple(
        TracedSpan(each.what.state.value, each.at_s, following.at_s)
        for each, following in pairwise(states)
        if isinstance(each.what, StateChanged)
    )
    return TracedSpan("request", events[0].at_s, events[-1].at_s, {"request": request}, inside)


def _instants(page: _Page, row: int, events: Sequence[RequestEvent]) -> Iterator[Entry]:
    arguments: dict[str, object]
    for event in events:
        match event.what:
            case StageAudited(serial, outcome):
                name, arguments = "audit", {"serial": serial, "outcome": outcome.value}
            case RolledBack(taken_back, kept):
                name, arguments = "roll-back", {"taken_back": taken_back, "kept": kept}
            case _:
                continue
        place = {"pid": page.name_process(HOST), "tid": row, "ts": page.micros(event.at_s)}
        yield {"ph": "i", "s": "t", "name": name, "cat": "shardloom", **place, "args": arguments}


def _step_span(request: RequestId, step: StepTrace) -> TracedSpan:
    name = "token" if step.generated else "prompt"
    arguments: dict[str, object] = {
        "request": request,
        "transaction": step.transaction,
        "step": step.step,
        "position": step.position,
        "tokens": step.tokens,
        "shared_by": step.rows,
        "begun_by_ring": step.by_ring,
    }
    if step.generated:
        arguments["number"] = step.generated
    return TracedSpan(name, step.begun_s, step.heard_s, arguments)


def _told_hops(steps: Sequence[tuple[RequestId, StepTrace]]) -> Iterator[TracedSpan]:
    """Return the last hop of each step, to this computer; one that requests share once."""
    told = {
        (each.stages[-1].serial, each.stages[-1].clock_us): each for _, each in steps if each.stages
    }
    for (serial, _), step in told.items():
        arguments = {"from": serial, "bytes": step.told_bytes}
        yield TracedSpan("hop", step.stages[-1].sent_s, step.heard_s, arguments)


def _add_phones(page: _Page, steps: Sequence[tuple[RequestId, StepTrace]]) -> None:
    parts: dict[tuple[Serial, int], tuple[StageTrace, Serial, dict[str, object]]] = {}
    for request, step in steps:
        sender = step.stages[-1].serial if step.by_ring and step.stages else HOST
        for each in step.stages:
            told = {"requests": [request], "tokens": step.tokens, "position": step.position}
            known = parts.setdefault((each.serial, each.clock_us), (each, sender, told))
            if known[2] is not told:
                known[2]["requests"] = [*_requests(known[2]), request]
            sender = each.serial
    serials = list(dict.fromkeys(serial for serial, _ in parts))
    for serial in serials:
        own = [part for (of, _), part in parts.items() if of == serial]
        page.name_row(serial, _STAGE, "stage")
        for span in _one_after_another(own, page.zero_s):
            page.add(serial, _STAGE, span)
        page.spread(serial, _HOPS, "hops", (_hop(each, sender) for each, sender, _ in own))


def _requests(arguments: Mapping[str, object]) -> list[object]:
    known = arguments["requests"]
    return known if isinstance(known, list) else []


def _one_after_another(
    parts: Iterable[tuple[StageTrace, Serial, Mapping[str, object]]], end_s: float
) -> Iterator[TracedSpan]:
    """Return what a phone did from a moment on; clocks that are off let no two things overlap."""
    for part, _, told in sorted(parts, key=lambda each: each[0].arrived_s):
        for span in _work_of(part, told):
            clipped = span.after(end_s)
            end_s = clipped.end_s
            if clipped.end_s > clipped.begin_s or span.name == "compute":
                yield clipped


def _work_of(part: StageTrace, told: Mapping[str, object]) -> tuple[TracedSpan, ...]:
    error_us = round(part.clock_error_s * _US_PER_S, 1)
    engine = TracedSpan("engine", part.computed_s - part.engine_s, part.computed_s)
    return (
        TracedSpan("wait", part.arrived_s - part.idle_s, part.arrived_s),
        TracedSpan("receive", part.arrived_s, part.begun_s, {"bytes": part.received_bytes}),
        TracedSpan(
            "compute",
            part.begun_s,
            part.computed_s,
            {**told, "clock_error_us": error_us},
            (engine,),
        ),
        TracedSpan("send", part.computed_s, part.sent_s),
    )


def _hop(part: StageTrace, sender: Serial) -> TracedSpan:
    arguments = {"from": sender, "bytes": part.received_bytes, "receiver_idle": part.idle_s > 0}
    return TracedSpan("hop", part.left_s, part.arrived_s, arguments)
