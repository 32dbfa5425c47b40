"""What a request tells of itself as it happens."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial
from app.core.nursery import Nursery
from app.pipeline.results import StageTiming, TokenResult
from app.rack.blocking import BlockingPool
from app.rack.events.request_events import (
    Ended,
    RequestEvent,
    RolledBack,
    StageTimes,
    StateChanged,
    TokenAdded,
)
from app.rack.events.request_log import RequestStream
from app.rack.requests import request_queue
from app.rack.requests.request import Request
from app.rack.requests.request_queue import RequestQueue
from app.rack.requests.workplace import Workplace
from app.rack.snapshot import RequestState
from app.testing.clocks import ManualClock
from workers.protocol.sampling_rule import Choice, SamplingRule

TIMINGS = (StageTiming(Serial("A"), 1.5, 1.0), StageTiming(Serial("B"), 2.5, 2.0))


def a_request(
    identifier: str = "r", wanted: int = 3, told: list[RequestEvent] | None = None
) -> Request:
    return Request(
        RequestId(identifier),
        "",
        (1,),
        wanted,
        frozenset(),
        SamplingRule(),
        None,
        0.0,
        record=None if told is None else told.append,
    )


def add(request: Request, *tokens: int) -> None:
    for token in tokens:
        request.add_token(TokenResult(token, -0.5, (Choice(token, -0.5),), TIMINGS), 11.0)


def whats(request: Request) -> list[object]:
    return [event.what for event in RequestStream(request.log).read()]


def test_a_token_is_told_before_any_snapshot_with_all_that_is_known_of_it() -> None:
    request = a_request()
    stream = RequestStream(request.log)
    add(request, 7)
    (event,) = stream.read()
    token = event.what
    assert isinstance(token, TokenAdded)
    assert (event.at_s, token.position, token.token, token.text) == (11.0, 1, 7, "7")
    assert token.token_text == str(token.token)
    assert token.log_probability == -0.5
    assert [each.token for each in token.alternatives] == [7]
    assert token.times == StageTimes((Serial("A"), Serial("B")), (1.5, 2.5))
    add(request, 8)
    (event,) = stream.read()
    assert isinstance(event.what, TokenAdded)
    assert event.what.times.serials is token.times.serials


def test_a_roll_back_tells_how_many_tokens_are_taken_back_and_the_next_ones_follow() -> None:
    request = a_request()
    add(request, 7, 8, 9)
    request.roll_back(1, 12.0)
    add(request, 5)
    *_, back, again = whats(request)
    assert back == RolledBack(taken_back=2, kept=1)
    assert isinstance(again, TokenAdded)
    assert (again.position, again.token, again.text) == (2, 5, " 5")


def test_keeping_everything_is_no_roll_back() -> None:
    request = a_request()
    add(request, 7, 8)
    request.roll_back(2, 12.0)
    assert RolledBack not in [type(what) for what in whats(request)]


def test_the_end_brings_the_request_as_it_stands_and_nothing_after_it() -> None:
    told: list[RequestEvent] = []
    request = a_request(told=told)
    request.enter(RequestState.PREFILL, None, 1.0)
    add(request, 7)
    request.enter(RequestState.FAILED, Fact("rack.stopped"), 2.0)
    request.enter(RequestState.CANCELLED, Fact("request.stopped"), 3.0)
    first, _, last = whats(request)
    assert first == StateChanged(RequestState.PREFILL, None)
    assert last == Ended(request.snapshot())
    assert request.snapshot().state_reason == Fact("rack.stopped")
    assert [event.what for event in told] == whats(request)


def a_queue() -> RequestQueue:
    clock = ManualClock()
    workplace = SimpleNamespace(clock=clock, changed=lambda: None, nursery=Nursery(clock))
    return RequestQueue(cast(Workplace, workplace), BlockingPool(1, "test"), 64, ())


async def test_a_request_stopped_before_it_began_ends_all_the_same() -> None:
    queue, request = a_queue(), a_request()
    queue._start(request)
    await queue.cancel_all()
    await asyncio.sleep(0)
    assert request.state is RequestState.CANCELLED
    assert [type(what) for what in whats(request)] == [Ended]
    assert not queue.busy


async def test_of_many_ended_requests_the_newest_keep_their_events() -> None:
    queue = a_queue()
    ended = [a_request(str(number), wanted=60) for number in range(3)]
    for request in ended:
        add(request, *range(50))
        request.enter(RequestState.SETTLED, None, 2.0)
        queue.requests[request.identifier] = request
    with_room_for_two = 110
    limit, request_queue.ENDED_EVENTS_KEPT = request_queue.ENDED_EVENTS_KEPT, with_room_for_two
    try:
        queue._start(a_request("next"))
        await queue.cancel_all()
    finally:
        request_queue.ENDED_EVENTS_KEPT = limit
    assert [len(request.log) for request in ended] == [1, 51, 51]


def test_closing_lets_followers_of_unended_requests_go() -> None:
    queue, request = a_queue(), a_request()
    queue.requests[request.identifier] = request
    stream = RequestStream(request.log)
    queue.close_logs()
    assert list(stream) == []
