"""A request's own events from a real rack: nothing lost, told once, and true to the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TypeVar

import pytest

from app.core.audit_outcome import AuditOutcome
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial
from app.core.tasks import Complete
from app.faults.catalogue import Fault, FaultKind
from app.rack.commands import Ask, Cancel, Inject, Sampling
from app.rack.events.recorder import CommandEnded, CommandGiven
from app.rack.events.request_events import (
    AttemptStarted,
    Ended,
    RequestEvent,
    RolledBack,
    StageAudited,
    StateChanged,
    TokenAdded,
)
from app.rack.service import RackService
from app.rack.snapshot import RackSnapshot, RequestSnapshot, RequestState, TimelineEvent
from tests.integration.rack.support import (
    HELD,
    PROMPT,
    finish,
    generate,
    open_virtual_rack,
    paused_before,
    start,
    wait_until,
)
from tests.saying import raises_saying

TOKENS = 24
LONG = 60
TIMEOUT_S = 90.0
T = TypeVar("T")


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RackService]:
    with open_virtual_rack(tmp_path_factory.mktemp("home"), 3) as opened:
        yield opened


class Follower:
    """Follows a request on a thread of its own, from the moment it is known."""

    def __init__(self, rack: RackService, request: RequestId) -> None:
        self.events: list[RequestEvent] = []
        self.stream = rack.follow(request)
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        self.events.extend(self.stream)

    def to_the_end(self) -> list[RequestEvent]:
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive(), "the stream did not end with its request"
        return self.events


def applied_serials(rack: RackService) -> Sequence[Serial]:
    applied = rack.snapshot().applied
    assert applied is not None
    return applied.serials


def of(kind: type[T], events: Sequence[RequestEvent]) -> list[T]:
    return [event.what for event in events if isinstance(event.what, kind)]


def replayed(events: Sequence[RequestEvent]) -> tuple[list[int], list[str]]:
    """Return the tokens and their texts, as whoever follows puts them together."""
    tokens: list[int] = []
    texts: list[str] = []
    for event in events:
        match event.what:
            case TokenAdded(position=position, token=token, text=text):
                assert position == len(tokens) + 1
                tokens.append(token)
                texts.append(text)
            case RolledBack(taken_back, kept):
                assert taken_back == len(tokens) - kept
                del tokens[kept:], texts[kept:]
            case _:
                continue
    return tokens, texts


def check(events: Sequence[RequestEvent]) -> RequestSnapshot:
    """Check what holds for every request and return it as it ended."""
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.at_s for event in events] == sorted(event.at_s for event in events)
    assert isinstance(events[-1].what, Ended)
    request = events[-1].what.request
    tokens, texts = replayed(events)
    assert tuple(tokens) == request.token_ids
    assert "".join(texts) == request.text
    return request


def test_a_follower_gets_what_a_request_became_token_by_token(rack: RackService) -> None:
    asked = Ask(Complete(PROMPT), TOKENS, Sampling(alternatives=2))
    identifier = rack.do(asked).result(60)
    events = Follower(rack, identifier).to_the_end()
    request = check(events)
    assert request == finish(rack, identifier)
    tokens = of(TokenAdded, events)
    assert [each.log_probability for each in tokens] == [
        each.log_probability for each in request.choices
    ]
    assert all(len(token.alternatives) == 2 for token in tokens)
    assert request.assignment is not None
    assert {token.times.serials for token in tokens} == {request.assignment.serials}
    assert all(ms > 0 for token in tokens for ms in token.times.compute_ms)
    states = [each.state for each in of(StateChanged, events)]
    assert states == [RequestState.PREFILL, RequestState.DECODING, RequestState.AUDITING]
    assert [each.outcome for each in of(StageAudited, events)] == [AuditOutcome.PASSED] * 3


def test_who_comes_late_or_reads_in_between_gets_the_same(rack: RackService) -> None:
    with paused_before(HELD) as pause:
        identifier = start(rack, TOKENS)
        pause.wait()
        early = rack.follow(identifier).read()
        assert len(of(TokenAdded, early)) == HELD - 1
    finish(rack, identifier)
    late = list(rack.follow(identifier))
    check(late)
    assert late[: len(early)] == list(early)
    assert list(rack.follow(identifier, after=len(early))) == late[len(early) :]


def test_a_cancelled_requests_stream_ends_with_what_it_came_to(rack: RackService) -> None:
    with paused_before(HELD) as pause:
        identifier = start(rack, TOKENS)
        follower = Follower(rack, identifier)
        pause.wait()
        rack.do(Cancel(identifier)).result(60)
        request = check(follower.to_the_end())
    assert request.state is RequestState.CANCELLED
    assert len(request.token_ids) == HELD - 1


def test_a_request_that_nobody_knows_cannot_be_followed(rack: RackService) -> None:
    with raises_saying(BadInputError, match="no request nothing"):
        rack.follow(RequestId("nothing"))


def test_a_stop_text_is_never_shown_to_a_follower(rack: RackService) -> None:
    stop = generate(rack, TOKENS).settled_text[10:16]
    asked = Ask(Complete(PROMPT), TOKENS, Sampling(stop=(stop,)))
    events = Follower(rack, rack.do(asked).result(60)).to_the_end()
    assert stop not in check(events).text


def test_one_record_has_commands_events_and_snapshots_in_order(rack: RackService) -> None:
    before = rack.events().newest
    command = Ask(Complete(PROMPT), 4)
    identifier = rack.do(command).result(60)
    finish(rack, identifier)
    recording = rack.events(before)
    assert recording.complete
    whats = [record.what for record in recording.records]
    assert whats[0] == CommandGiven(command)
    assert CommandEnded(recording.records[0].sequence, None) in whats
    assert [what for what in whats if isinstance(what, RequestEvent)] == list(
        rack.follow(identifier)
    )
    assert any(isinstance(what, TimelineEvent) for what in whats)
    assert any(isinstance(record.what, RackSnapshot) for record in rack.events().records)
    assert rack.events(recording.newest).newest >= recording.newest


def test_a_refused_command_is_recorded_with_its_reason(rack: RackService) -> None:
    before = rack.events().newest
    with pytest.raises(BadInputError):
        rack.do(Ask(Complete(()), 4)).result(60)
    ended = CommandEnded(before + 1, Fact("request.empty_prompt"))
    wait_until(rack, lambda _: ended in [record.what for record in rack.events(before).records])


def test_the_tokens_of_a_liar_are_taken_back_and_come_again_right(rack: RackService) -> None:
    expected = generate(rack, TOKENS).token_ids
    liar = applied_serials(rack)[1]
    rack.do(Inject(Fault(FaultKind.WRONG_OUTPUT, liar, 5))).result(60)
    events = Follower(rack, start(rack, TOKENS)).to_the_end()
    request = check(events)
    assert (request.state, request.token_ids) == (RequestState.SETTLED, expected)
    (back,) = of(RolledBack, events)
    assert back.taken_back + back.kept == TOKENS
    assert back.kept < TOKENS
    failed = [each for each in of(StageAudited, events) if each.outcome is AuditOutcome.FAILED]
    assert [each.serial for each in failed] == [liar]
    assert len(of(AttemptStarted, events)) == 2


def test_a_text_whose_phone_dies_goes_on_in_the_same_stream(rack: RackService) -> None:
    """Last: of three phones one was caught lying before, and one dies."""
    expected = generate(rack, LONG).token_ids
    victim = applied_serials(rack)[0]
    rack.do(Inject(Fault(FaultKind.CRASH, victim, HELD))).result(60)
    events = Follower(rack, start(rack, LONG)).to_the_end()
    request = check(events)
    assert (request.state, request.token_ids) == (RequestState.SETTLED, expected)
    first, *others = of(AttemptStarted, events)
    assert victim in first.assignment.serials
    assert others
    assert victim not in others[-1].assignment.serials
    assert of(RolledBack, events) == []
    recovering = [
        each for each in of(StateChanged, events) if each.state is RequestState.RECOVERING
    ]
    assert len(recovering) == request.failovers >= 1
