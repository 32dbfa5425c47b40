"""Followers of a request get all of its events, in order and once, whenever they read."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.rack.events.request_events import (
    Ended,
    Missed,
    RequestEvent,
    StateChanged,
    WhatHappened,
)
from app.rack.events.request_log import RequestLog, RequestStream, events_kept
from app.rack.requests.request import Request
from app.rack.snapshot import RequestState
from workers.protocol.sampling_rule import SamplingRule

REQUEST = RequestId("r")
TIMEOUT_S = 20.0


def a_log(kept: int = 100) -> RequestLog:
    return RequestLog(REQUEST, kept)


def fill(log: RequestLog, events: int) -> None:
    for number in range(events):
        log.add(
            float(number),
            StateChanged(RequestState.DECODING, Fact("request.tokens_wrong", count=number)),
        )


def end(log: RequestLog) -> None:
    ended = Request(REQUEST, "", (1,), 3, frozenset(), SamplingRule(), None, 0.0)
    log.add(99.0, Ended(ended.snapshot()))


def sequences(events: tuple[RequestEvent, ...] | list[RequestEvent]) -> list[int]:
    return [event.sequence for event in events]


def kinds(events: tuple[RequestEvent, ...]) -> list[type[WhatHappened]]:
    return [type(event.what) for event in events]


def test_a_late_follower_gets_all_and_comes_to_an_end() -> None:
    log = a_log()
    fill(log, 3)
    end(log)
    assert sequences(list(RequestStream(log))) == [1, 2, 3, 4]
    assert sequences(list(RequestStream(log, after=2))) == [3, 4]


def test_a_follower_on_another_thread_gets_each_event_once_as_it_comes() -> None:
    log, got, seen = a_log(), list[RequestEvent](), threading.Semaphore(0)

    def follow() -> None:
        for event in RequestStream(log):
            got.append(event)
            seen.release()

    follower = threading.Thread(target=follow)
    follower.start()
    for number in range(1, 6):
        fill(log, 1)
        assert seen.acquire(timeout=TIMEOUT_S)
        assert sequences(got) == list(range(1, number + 1))
    end(log)
    follower.join(TIMEOUT_S)
    assert not follower.is_alive()
    assert isinstance(got[-1].what, Ended)


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(0, 3))
def test_however_reads_and_events_alternate_nothing_is_lost_or_told_twice(
    steps: list[int], followers: int
) -> None:
    log = a_log(1000)
    streams = [RequestStream(log) for _ in range(followers)]
    read: list[list[RequestEvent]] = [[] for _ in streams]
    for step in steps:
        if step < followers:
            read[step] += streams[step].read()
        else:
            fill(log, step)
    end(log)
    for stream, before in zip(streams, read, strict=True):
        events = [*before, *stream.read()]
        assert stream.ended
        assert sequences(events) == list(range(1, events[-1].sequence + 1))
        assert isinstance(events[-1].what, Ended)


def test_a_follower_that_does_not_read_costs_no_memory_and_is_told_what_it_missed() -> None:
    log = a_log(10)
    slow = RequestStream(log)
    fill(log, 25)
    assert len(log) == 10
    gap, *rest = slow.read()
    assert gap.what == Missed(15)
    assert sequences(rest) == list(range(16, 26))
    fill(log, 2)
    assert kinds(slow.read()) == [StateChanged, StateChanged]


def test_a_log_has_room_for_all_tokens_twice() -> None:
    assert events_kept(1000) >= 2 * 1000


def test_of_an_old_request_it_is_kept_how_it_ended() -> None:
    log = a_log()
    fill(log, 5)
    end(log)
    log.keep_last()
    assert kinds(tuple(RequestStream(log))) == [Missed, Ended]


def test_nothing_comes_after_the_end() -> None:
    log = a_log()
    end(log)
    fill(log, 1)
    assert kinds(tuple(RequestStream(log))) == [Ended]


@pytest.mark.parametrize("closed", ["stream", "log"])
def test_who_waits_comes_back_when_the_stream_or_the_log_is_closed(closed: str) -> None:
    log = a_log()
    stream, got = RequestStream(log), list[int]()
    follower = threading.Thread(target=lambda: got.extend(sequences(list(stream))))
    follower.start()
    if closed == "log":
        log.close()
    else:
        stream.close()
    follower.join(TIMEOUT_S)
    assert not follower.is_alive()
    assert (got, stream.ended) == ([], True)


def test_reading_does_not_wait_longer_than_told() -> None:
    assert RequestStream(a_log()).read(0.01) == ()


def test_whoever_is_told_of_all_events_gets_them_in_the_same_order() -> None:
    heard: list[RequestEvent] = []
    log = RequestLog(REQUEST, 100, heard.append)
    fill(log, 4)
    assert heard == list(RequestStream(log).read())
    assert all(one.sequence < other.sequence for one, other in pairwise(heard))


def test_a_listener_hears_of_what_is_there_and_of_each_event_until_it_leaves() -> None:
    log, heard = a_log(), list[RequestEvent | None]()
    fill(log, 2)
    leave = RequestStream(log).listen(heard.append)
    assert heard == [None], "what was there before is not missed"
    fill(log, 1)
    log.close()
    assert [event and event.sequence for event in heard] == [None, 3, None]
    leave()
    log.close()
    assert len(heard) == 3
