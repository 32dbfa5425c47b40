"""The terminal's text of a request, read from its events."""

from __future__ import annotations

from dataclasses import replace

from app.command_line.followed_text import FollowedText
from app.core.identifiers import RequestId
from app.pipeline.results import TokenResult
from app.rack.events.request_log import RequestStream
from app.rack.requests.request import Request
from app.rack.snapshot import RequestState
from workers.protocol.sampling_rule import SamplingRule


def a_request() -> Request:
    return Request(RequestId("r"), "", (1,), 9, frozenset(), SamplingRule(), None, 0.0)


def add(request: Request, *tokens: int) -> None:
    for token in tokens:
        request.add_token(TokenResult(token, -0.5, (), ()), 11.0)


def test_tokens_show_though_the_snapshot_is_older_and_a_roll_back_takes_them_away() -> None:
    request = a_request()
    followed, old = FollowedText(RequestStream(request.log)), request.snapshot()
    add(request, 4, 5, 6)
    assert followed.texts(old) == ("", "4 5 6")
    request.roll_back(1, 12.0)
    assert followed.texts(old) == ("4", "")
    add(request, 7)
    assert followed.texts(old) == ("4", " 7")
    request.settled_tokens = 2
    request.enter(RequestState.SETTLED, None, 13.0)
    assert followed.texts(old) == ("4 7", "")


def test_where_events_are_gone_the_snapshot_tells_the_text() -> None:
    request = a_request()
    add(request, 4, 5, 6)
    request.log.keep_last()
    shown = replace(request.snapshot(), settled_text="4", open_text=" 5 6")
    assert FollowedText(RequestStream(request.log)).texts(shown) == ("4", " 5 6")
