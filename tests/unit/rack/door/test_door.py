"""Programs at the door of a rack: what they may do, and that none of them troubles another."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import pytest

from app.core.clock import SystemClock
from app.core.errors import BadInputError, ShardloomError
from app.core.identifiers import RequestId
from app.core.tasks import Complete
from app.rack.commands import Ask, Cancel, UseModel
from app.rack.door import door as door_module
from app.rack.door import entrance, visit
from app.rack.door.door import Door
from app.rack.door.messages import HEAD, MOST_CALL_BYTES, Welcome, frame
from app.rack.door.remote_rack import RemoteRack, find_open
from app.rack.events.request_events import Ended, TokenAdded
from app.rack.home import Home
from app.rack.snapshot import Phase, RackSnapshot, RequestState
from tests.saying import raises_saying
from tests.unit.gateway.fake_rack import OTHER, TIMEOUT_S, FakeRack, FakeRequest, write_all
from workers.protocol.boundary import Boundary
from workers.version import VERSION

WELCOME = Welcome(VERSION, "virtual:2", 1024, Boundary.F32, 4, None, None, None)


@contextmanager
def open_door(rack: FakeRack, folder: Path, welcome: Welcome = WELCOME) -> Iterator[Home]:
    """Open the door of a rack."""
    home = Home(folder)
    door = Door(rack, home, welcome, SystemClock())
    try:
        yield home
    finally:
        door.close()


def visitor(home: Home) -> RemoteRack:
    found = find_open(home)
    assert found is not None
    return found


def write_until_cancelled(request: FakeRequest) -> None:
    """Write one token, then wait for the end."""
    request.say(1)
    assert request.cancelled.wait(TIMEOUT_S)
    request.end(RequestState.CANCELLED)


def test_a_request_through_the_door_is_followed_from_its_first_event_to_its_last(
    tmp_path: Path,
) -> None:
    with open_door(FakeRack(write_all), tmp_path) as home:
        rack = visitor(home)
        request = rack.do(Ask(Complete("x"), 5)).result(TIMEOUT_S)
        events = [event.what for event in rack.follow(request)]
        assert [event.token for event in events if isinstance(event, TokenAdded)] == [1, 2, 3, 4, 5]
        assert isinstance(events[-1], Ended)
        rack.close()


def test_only_its_owner_can_use_the_socket_however_long_its_path(tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 30)
    folder.mkdir()
    with open_door(FakeRack(), folder) as home:
        path = entrance.path_of(home)
        assert stat.S_IMODE(path.stat().st_mode) == entrance.MODE
        assert path.stat().st_uid == os.getuid()
        visitor(home).close()
    assert not path.exists()
    assert find_open(home) is None


def test_another_users_program_is_turned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_door(FakeRack(), tmp_path) as home:
        monkeypatch.setattr(door_module, "_is_own", lambda _connection: False)
        assert find_open(home) is None
        monkeypatch.undo()
        visitor(home).close()


def test_peer_credentials_are_the_systems_own() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert entrance.is_own(one)


def test_a_socket_that_nobody_listens_at_is_no_open_rack_and_is_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(entrance.path_of(home)))
    assert find_open(home) is None
    with open_door(FakeRack(), tmp_path):
        visitor(home).close()


def test_what_a_program_asked_for_ends_with_it_and_no_other_request_does(tmp_path: Path) -> None:
    fake = FakeRack(write_until_cancelled)
    with open_door(fake, tmp_path) as home:
        dying, living = visitor(home), visitor(home)
        ended = dying.do(Ask(Complete("x"), 5)).result(TIMEOUT_S)
        goes_on = living.do(Ask(Complete("x"), 5)).result(TIMEOUT_S)
        dying.close()
        assert fake.requests[ended].cancelled.wait(TIMEOUT_S)
        assert not fake.requests[goes_on].cancelled.is_set()
        living.do(Cancel(goes_on)).result(TIMEOUT_S)
        assert fake.requests[goes_on].cancelled.is_set()


def test_a_program_sees_its_own_requests_and_not_those_of_others(tmp_path: Path) -> None:
    with open_door(FakeRack(write_until_cancelled), tmp_path) as home:
        one, other = visitor(home), visitor(home)
        own = one.do(Ask(Complete("x"), 5)).result(TIMEOUT_S)
        other.do(Ask(Complete("y"), 5)).result(TIMEOUT_S)
        assert [each.identifier for each in one.snapshot().requests] == [own]


def test_a_refusal_arrives_as_the_error_that_it_is(tmp_path: Path) -> None:
    fake = FakeRack()
    fake.refusal = BadInputError("request.empty_prompt")
    with open_door(fake, tmp_path) as home:
        with raises_saying(BadInputError, "empty"):
            visitor(home).do(Ask(Complete(""))).result(TIMEOUT_S)
        assert list(visitor(home).follow(RequestId("unknown"))) == []


def test_a_settled_command_shows_in_the_snapshot(tmp_path: Path) -> None:
    with open_door(FakeRack(), tmp_path) as home:
        rack = visitor(home)
        rack.do(UseModel(OTHER)).result(TIMEOUT_S)
        model = rack.snapshot().model
        assert model is not None
        assert model.name == OTHER
        assert [each.name for each in rack.models()] == ["small", "other"]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        HEAD.pack(MOST_CALL_BYTES + 1),
        HEAD.pack(3) + b"\xc1\xc1\xc1",
        frame([1], 1000),
        frame({"do": 1}, 1000),
        frame([1, "look", "x"], 1000)[:-1],
    ],
)
def test_what_cannot_be_read_ends_that_visit_alone(tmp_path: Path, sent: bytes) -> None:
    with open_door(FakeRack(), tmp_path) as home:
        stranger = entrance.connect(home, TIMEOUT_S)
        assert stranger is not None
        stranger.sendall(sent)
        stranger.shutdown(socket.SHUT_WR)
        while stranger.recv(1 << 16):
            pass
        visitor(home).close()


@pytest.mark.parametrize("call", [["nope"], ["look"], ["do", "Ask", []], ["do", "Pair", []]])
def test_a_call_that_makes_no_sense_is_answered_with_a_reason(
    tmp_path: Path, call: list[object]
) -> None:
    with open_door(FakeRack(), tmp_path) as home:
        rack = visitor(home)
        refused: list[ShardloomError] = []
        answered = Event()

        def fail(error: ShardloomError) -> None:
            refused.append(error)
            answered.set()

        rack._call(lambda _given: answered.set(), fail, *call)
        assert answered.wait(TIMEOUT_S)
        assert [error.fact.code for error in refused] == ["door.unreadable"]


def test_who_reads_nothing_is_given_up_and_holds_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit, "SEND_TIMEOUT_S", 0.2)
    with open_door(FakeRack(), tmp_path) as home:
        deaf = entrance.connect(home, TIMEOUT_S)
        assert deaf is not None
        with suppress(OSError):
            while deaf.send(frame([1, "models"], 1000) * 64):
                pass
        rack = visitor(home)
        assert rack.do(Ask(Complete("x"), 1)).result(TIMEOUT_S)


def test_who_is_one_too_many_is_turned_away_until_another_leaves(tmp_path: Path) -> None:
    with open_door(FakeRack(), tmp_path) as home:
        inside = [visitor(home) for _ in range(door_module.MOST_VISITS)]
        assert find_open(home) is None
        inside[0].close()
        deadline = Event()
        while find_open(home) is None:
            assert not deadline.wait(0.01)


def test_another_version_says_so(tmp_path: Path) -> None:
    other = Welcome("0.0.1", None, 1024, Boundary.F32, 4, None, None, None)
    with (
        open_door(FakeRack(), tmp_path, other) as home,
        raises_saying(BadInputError, "Another version"),
    ):
        find_open(home)


def test_a_door_that_closes_ends_what_waits_for_it(tmp_path: Path) -> None:
    ended, stopped = Event(), Event()

    def play(request: FakeRequest) -> None:
        request.cancelled.wait(TIMEOUT_S)
        ended.set()

    def hear(snapshot: RackSnapshot) -> None:
        if snapshot.phase is Phase.STOPPED:
            stopped.set()

    with open_door(FakeRack(play), tmp_path) as home:
        rack = visitor(home)
        rack.subscribe(hear)
        stream = rack.follow(rack.do(Ask(Complete("x"), 5)).result(TIMEOUT_S))
    assert stopped.wait(TIMEOUT_S)
    assert list(stream) == []
    with raises_saying(ShardloomError, "has been closed"):
        rack.do(UseModel(OTHER)).result(TIMEOUT_S)
    assert ended.wait(TIMEOUT_S)
    with pytest.raises((ShardloomError, CancelledError)):
        rack.models()
