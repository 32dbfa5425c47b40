"""The recorded stream of a wall of phones that there is not: every figure in it is made up.

It has the form of a real one (`app.rack.replay`), so that the window takes the same way to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.core.assignment import Assignment, StageAssignment
from app.core.chain import Chain
from app.core.device import DeviceDescription, DeviceState
from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial
from app.core.vitals import DeviceVitals
from app.ledger.views.snapshot import LedgerSnapshot, PhoneStanding
from app.placement.problem import Objective
from app.rack.events.recorder import Record
from app.rack.replay.stream_file import StreamWriter
from app.rack.snapshot import (
    ModelChoice,
    Phase,
    PhoneSnapshot,
    PhoneTelemetry,
    RackSnapshot,
    RequestSnapshot,
    RequestState,
    TimelineEvent,
    TimelineKind,
)
from workers.protocol.chain import ChainName, Span

PHONES: Final = 200
STAGES: Final = 32
"""Phones that hold layers; the others are free, and tell their figures too."""
PICTURES_A_SECOND: Final = 10
BEGIN_S: Final = 10_000.0
EVENT_EVERY_S: Final = 4.0
HISTORY_S: Final = 600.0
DEATHS_A_SECOND: Final = 2
_LAYERS: Final = 2 * STAGES
_LAYER_BYTES: Final = 9_000_000
_PICTURES_A_TOKEN: Final = 1
_WALL_MS: Final = 1_795_000_000_000
_EVENTS_KEPT: Final = 200
_WORDS: Final = ("and", "the", "earth", "was", "without", "form", "and", "void", "and", "darkness")


def write_wall(path: Path, seconds: float, dying_from_s: float) -> None:
    """Write a stream of so many seconds; from a moment on two phones without layers die a second.

    Raises `BadInputError` or `OSError`.
    """
    writer = StreamWriter(path)
    try:
        for number in range(int(seconds * PICTURES_A_SECOND)):
            at_s = number / PICTURES_A_SECOND
            dead = int(max(at_s - dying_from_s, 0.0) * DEATHS_A_SECOND)
            picture = wall_picture(number, dead)
            writer.write((Record(number + 1, picture.at_s, picture),))
    finally:
        writer.close()


def wall_serial(position: int) -> Serial:
    """Return the serial number of the phone at a place that counts from 1."""
    return Serial(f"WALL{position:04d}")


def stage_ms_at(position: int, at_s: float) -> float:
    """Return what a phone's stage takes at a moment: about 8 ms, up and down by itself."""
    return 8.0 + 3.0 * math.sin(at_s / 7.0 + position) + position % 5


def wall_picture(number: int, dead: int) -> RackSnapshot:
    """Return the picture of that number; the last phones are those that are dead."""
    at_s = BEGIN_S + number / PICTURES_A_SECOND
    assignment = _assignment()
    alive = PHONES - min(dead, PHONES - STAGES)
    return RackSnapshot(
        sequence=number + 1,
        at_s=at_s,
        phase=Phase.RUNNING,
        rack_name="wall",
        notices=(),
        model=ModelChoice("wall", "q8", _LAYERS, _LAYERS * _LAYER_BYTES),
        phones=tuple(_phone(place + 1, at_s, lost=place >= alive) for place in range(PHONES)),
        objective=Objective.THROUGHPUT,
        pins=(),
        requested=assignment,
        applied=assignment,
        prediction=None,
        plan=None,
        requests=tuple(_request(place, number) for place in range(3)),
        timeline=tuple(_events(at_s)),
        ledger=LedgerSnapshot(number, "a" * 64, 12_500_000, (), (), ()),
        tokens_per_second=31.0,
        newest_token_at_s=at_s,
        expected_phones=PHONES,
        context_tokens=4096,
    )


def _assignment() -> Assignment:
    each = _LAYERS // STAGES
    spans = (Span(ChainName.DECODER, place * each, (place + 1) * each) for place in range(STAGES))
    stages = tuple(
        StageAssignment(wall_serial(place + 1), span) for place, span in enumerate(spans)
    )
    return Assignment("wall", (Chain(ChainName.DECODER, _LAYERS),), stages)


def _phone(position: int, at_s: float, *, lost: bool) -> PhoneSnapshot:
    works = position <= STAGES
    state = DeviceState.WORKING if works else DeviceState.READY
    heard_s = at_s - (9.0 if lost else 0.1)
    resident = _LAYER_BYTES * 2 + int(200_000 * math.sin(at_s / 11 + position))
    return PhoneSnapshot(
        serial=wall_serial(position),
        position=position,
        state=DeviceState.LOST if lost else state,
        state_reason=None,
        description=DeviceDescription(
            wall_serial(position),
            f"Phone {position}",
            "Nobody",
            "arm64-v8a",
            "14",
            8,
            "replayed",
            simulated=True,
        ),
        vitals=DeviceVitals(
            90 - position % 40, 30.0 + position % 12 + math.sin(at_s), 8 * 10**9, 3 * 10**9
        ),
        profile=None,
        telemetry=PhoneTelemetry(stage_ms_at(position, at_s), resident, None, heard_s, heard_s),
        standing=PhoneStanding(500_000_000, 500_000_000, 1_200_000, 0, 0.97, 41, 0, None),
        transfer=None,
        fault=None,
        lost_at_s=heard_s if lost else None,
        vitals_at_s=at_s - 1.0,
    )


def _request(place: int, number: int) -> RequestSnapshot:
    count = (number // _PICTURES_A_TOKEN + 1) % 300
    settled = max(count - 12, 0)
    return RequestSnapshot(
        identifier=RequestId(f"wall-{place}"),
        prompt=f"In the beginning {place}",
        state=RequestState.DECODING,
        state_reason=None,
        settled_text=_text(0, settled),
        open_text=_text(settled, count),
        token_ids=tuple(range(count)),
        choices=(),
        tokens_wanted=300,
        time_to_first_token_ms=412.0,
        tokens_per_second=10.0,
        failovers=0,
        slashes=0,
        receipts=count * STAGES,
        audits=settled,
        assignment=None,
        prompt_tokens=6,
    )


def _text(start: int, end: int) -> str:
    return "".join(f" {_WORDS[place % len(_WORDS)]}" for place in range(start, end))


def _events(at_s: float) -> Iterator[TimelineEvent]:
    """Yield one every few seconds of the last ten minutes, the oldest first."""
    newest = int(at_s / EVENT_EVERY_S)
    count = min(int(HISTORY_S / EVENT_EVERY_S), _EVENTS_KEPT)
    for number in range(newest - count, newest + 1):
        moves = number % 3 == 0
        yield TimelineEvent(
            number,
            number * EVENT_EVERY_S,
            _WALL_MS + int(number * EVENT_EVERY_S * 1e3),
            TimelineKind.MOVE if moves else TimelineKind.AUDIT_OK,
            None,
            Fact("layers.renewed") if moves else Fact("audit.passed", passed=3, count=3),
        )
