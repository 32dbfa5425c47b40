"""Commands, events and snapshots in one order, each with its time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.rack.commands import Apply
from app.rack.commands.pairing import PairByCode
from app.rack.events import recorder as recorder_module
from app.rack.events.recorder import CommandEnded, CommandGiven, Recorder
from app.rack.events.request_events import RequestEvent, StateChanged
from app.rack.snapshot import RequestState, TimelineKind
from app.rack.timeline import Timeline
from app.testing.clocks import ManualClock
from tests.unit.rack.snapshots import EMPTY_RACK

EVENT = RequestEvent(RequestId("r"), 1, 0.0, StateChanged(RequestState.PREFILL, None))


def test_all_kinds_come_back_in_one_order_with_their_times() -> None:
    clock = ManualClock()
    recorder = Recorder(clock)
    given = recorder.command_given(Apply())
    clock.advance(1.0)
    recorder.event(EVENT)
    recorder.snapshot(EMPTY_RACK)
    Timeline(clock, recorder.event).add(TimelineKind.MOVE, Fact("layers.renewed"))
    recorder.command_ended(given)
    recording = recorder.since()
    first, event, snapshot, told, last = recording.records
    assert first.what == CommandGiven(Apply())
    assert (event.what, event.at_s) == (EVENT, 1.0)
    assert snapshot.what == EMPTY_RACK
    assert getattr(told.what, "fact", None) == Fact("layers.renewed")
    assert last.what == CommandEnded(given, None)
    assert [record.sequence for record in recording.records] == [1, 2, 3, 4, 5]
    assert (recording.newest, recording.complete) == (5, True)


def test_reading_on_gives_only_what_is_new() -> None:
    recorder = Recorder(ManualClock())
    recorder.event(EVENT)
    newest = recorder.since().newest
    assert recorder.since(newest).records == ()
    recorder.command_given(Apply())
    assert [record.sequence for record in recorder.since(newest).records] == [2]


def test_what_is_kept_no_longer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "EVENTS_KEPT", 3)
    recorder = Recorder(ManualClock())
    for _ in range(5):
        recorder.event(EVENT)
    recording = recorder.since()
    assert [record.sequence for record in recording.records] == [3, 4, 5]
    assert not recording.complete
    assert recorder.since(2).complete


def test_one_snapshot_a_second_is_kept() -> None:
    recorder = Recorder(ManualClock())
    for tenth in range(25):
        recorder.snapshot(replace(EMPTY_RACK, at_s=tenth / 10))
    assert len(recorder.since().records) == 3


def test_a_pairing_code_is_not_recorded() -> None:
    recorder = Recorder(ManualClock())
    recorder.command_given(PairByCode("HOST:1", "123456", print))
    (record,) = recorder.since().records
    assert isinstance(record.what, CommandGiven)
    assert isinstance(record.what.command, PairByCode)
    assert (record.what.command.code, record.what.command.tell is print) == ("", False)
