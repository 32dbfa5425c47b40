"""What was recorded comes back in the same order, pictures and all; nothing else is played."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.clock import SystemClock
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial
from app.rack.commands import Apply, Release
from app.rack.commands.pairing import WatchPairing
from app.rack.events.recorder import CommandGiven, Recorder
from app.rack.events.request_events import RequestEvent, RolledBack, StateChanged
from app.rack.replay.replayed_rack import ReplayedRack
from app.rack.replay.stream_file import FIRST_LINE, StreamWriter, read_stream
from app.rack.snapshot import RackSnapshot, RequestState, TimelineEvent, TimelineKind
from tests.saying import raises_saying
from tests.unit.rack.snapshots import EMPTY_RACK

PICTURES = 5


def _recorder() -> Recorder:
    recorder = Recorder(SystemClock(), interval_s=0.0)
    for number in range(PICTURES):
        recorder.snapshot(replace(EMPTY_RACK, sequence=number, at_s=float(number)))
        told = TimelineEvent(
            number, float(number), 0, TimelineKind.INFO, None, Fact("rack.stopped")
        )
        recorder.event(told)
        recorder.event(RequestEvent(RequestId("r"), number + 1, float(number), RolledBack(1, 0)))
    recorder.command_ended(recorder.command_given(Release(Serial("A"))))
    recorder.command_ended(recorder.command_given(WatchPairing(print)), Fact("rack.stopped"))
    ended = StateChanged(RequestState.AUDITING, None)
    recorder.event(RequestEvent(RequestId("r"), PICTURES + 1, 9.0, ended))
    return recorder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stream"
    writer = StreamWriter(path)
    writer.write(_recorder().since().records)
    writer.close()
    return path


def test_records_come_back_as_they_went_in(tmp_path: Path) -> None:
    recorder, path = _recorder(), tmp_path / "stream"
    writer = StreamWriter(path)
    for since in (0, 7):
        writer.write(tuple(r for r in recorder.since(since).records if since or r.sequence <= 7))
    writer.close()
    read = list(read_stream(path))
    written = list(recorder.since().records)
    assert len(read) == len(written)
    for one, other in zip(read, written, strict=True):
        told = isinstance(other.what, CommandGiven) and isinstance(other.what.command, WatchPairing)
        assert one == other or told


@pytest.mark.parametrize("speed", [math.inf, 1_000.0])
def test_a_replay_shows_the_same_pictures_in_the_same_order(file: Path, speed: float) -> None:
    recorded = [r.what for r in read_stream(file) if isinstance(r.what, RackSnapshot)]
    shown: list[RackSnapshot] = []
    rack = ReplayedRack(file, speed)
    try:
        rack.subscribe(shown.append)
        assert rack.ended.wait(30)
        played = [r.what for r in rack.events().records if isinstance(r.what, RackSnapshot)]
        assert played == recorded
        assert rack.snapshot() == recorded[-1]
        assert [each for each in shown if each in recorded] == shown
        events = rack.follow(RequestId("r")).read()
        assert [type(each.what) for each in events] == [RolledBack] * PICTURES + [StateChanged]
        assert rack.failure is None
    finally:
        rack.close().result(30)


def test_a_replay_takes_no_command_and_closes_at_once(file: Path) -> None:
    rack = ReplayedRack(file, 1e-12)
    with raises_saying(BadInputError, match="This is a replay"):
        rack.do(Apply()).result(5)
    rack.close().result(30)  # playing on would take months


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no recording"),
        (b"x" * 1000, "no recording"),
        (FIRST_LINE.replace(b"stream 1", b"stream 9"), "no recording"),
        (FIRST_LINE, "Nothing is recorded"),
        (FIRST_LINE + b"\xff\xff\xff\xff", "damaged"),
        (FIRST_LINE + b"\0\0\0\4abcd", "damaged"),
    ],
)
def test_what_is_no_stream_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "odd"
    path.write_bytes(content)
    with raises_saying(BadInputError, match=why):
        ReplayedRack(path)


def test_a_file_that_was_cut_off_plays_as_far_as_it_goes(file: Path) -> None:
    whole = list(read_stream(file))
    file.write_bytes(file.read_bytes()[:-3])
    assert list(read_stream(file)) == whole[:-1]


def test_a_damaged_frame_ends_the_replay_and_is_told(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-20:] = bytes(20)
    file.write_bytes(content)
    rack = ReplayedRack(file, math.inf)
    assert rack.ended.wait(30)
    assert rack.failure is not None
    rack.close().result(30)
