"""A request's bookkeeping, without a rack."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import RequestId
from app.pipeline.results import TokenResult
from app.rack.requests.request import Request, cut_at_stop
from app.rack.settlement.concluded import Coverage
from app.rack.snapshot import RequestState
from workers.protocol.sampling_rule import SamplingRule


def a_request(tokens_wanted: int = 3) -> Request:
    return Request(
        identifier=RequestId("r"),
        prompt="5 6",
        prompt_tokens=(5, 6),
        tokens_wanted=tokens_wanted,
        end_tokens=frozenset({1}),
        sampling=SamplingRule(),
        tokenizer=None,
        submitted_s=10.0,
    )


def a_result(token: int) -> TokenResult:
    return TokenResult(token, -0.5, (), ())


def test_a_request_is_complete_with_all_its_tokens_or_an_end_token() -> None:
    request = a_request()
    for token in (7, 8):
        request.add_token(a_result(token), 11.0)
        assert not request.complete
    request.add_token(a_result(9), 12.0)
    assert request.complete
    assert not request.snapshot().ended_by_itself
    ended = a_request()
    ended.add_token(a_result(1), 11.0)
    assert ended.complete
    assert ended.snapshot().ended_by_itself


def test_only_settled_tokens_show_as_settled_text() -> None:
    request = a_request()
    for token in (7, 8, 9):
        request.add_token(a_result(token), 11.0)
    request.settled_tokens = 2
    snapshot = request.snapshot()
    assert (snapshot.settled_text, snapshot.open_text) == ("7 8", " 9")


def test_rolling_back_forgets_what_came_after_the_good_tokens() -> None:
    request = a_request()
    for token in (7, 8, 9):
        request.add_token(a_result(token), 11.0)
    request.roll_back(1, 13.0)
    assert request.tokens == [7]
    assert not request.complete


def test_rate_and_first_token_time_come_from_the_clock_given() -> None:
    request = a_request()
    assert request.snapshot().tokens_per_second is None
    request.add_token(a_result(7), 10.5)
    request.add_token(a_result(8), 11.5)
    assert request.time_to_first_token_ms == 500.0
    assert request.tokens_per_second == 1.0


def test_an_ended_request_is_pictured_once() -> None:
    request = a_request()
    assert request.snapshot() is not request.snapshot()
    request.state = RequestState.SETTLED
    assert request.snapshot() is request.snapshot()


@pytest.mark.parametrize(
    ("stops", "expected"),
    [
        ((), "one two three"),
        (("two",), "one "),
        (("three", " two"), "one"),
        (("four",), "one two three"),
    ],
)
def test_a_text_is_cut_before_the_first_stop(stops: tuple[str, ...], expected: str) -> None:
    assert cut_at_stop("one two three", stops) == expected


def test_a_request_is_verified_where_every_attempt_was_wholly_checked() -> None:
    request = a_request(tokens_wanted=5)
    for token in range(5):
        request.add_token(a_result(token + 7), 11.0)
    request.settle(Coverage(3, 3, 2), 2)
    request.settle(Coverage(2, 2, 4), 3)
    shown = request.snapshot()
    assert (shown.audited_stages, shown.stages, shown.verified_tokens) == (5, 5, 5)
    assert shown.verified


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(1, 4), st.integers(0, 6), st.integers(0, 5)),
        max_size=4,
    )
)
def test_a_request_is_never_verified_with_a_token_that_some_attempt_left_unchecked(
    attempts: list[tuple[int, int, int, int]],
) -> None:
    request = a_request(tokens_wanted=100)
    unchecked = 0
    for audited, stages, verified, standing in attempts:
        for _ in range(standing):
            request.add_token(a_result(7), 11.0)
        request.settle(Coverage(stages, min(audited, stages), verified), standing)
        unchecked += max(standing - verified, 0)
    assert request.verified_tokens == len(request.tokens) - unchecked
    assert request.verified is (unchecked == 0 and bool(request.tokens))
    assert request.audited_stages <= request.stages


def test_an_attempt_of_which_nothing_stands_says_nothing_of_the_answer() -> None:
    request = a_request()
    request.settle(Coverage(4, 4, 0), 0)
    assert (request.stages, request.audited_stages, request.verified) == (0, 0, False)
