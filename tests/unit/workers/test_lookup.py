"""Drafts come from the text alone, and where they do not pay there are hardly any."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.protocol.step_message import MAXIMUM_DRAFTS
from workers.ring.lookup import DraftCredit, PromptLookup, TextSoFar

PLAIN_S = 0.05
ROW_S = 0.01
texts = st.lists(st.integers(0, 3), max_size=40)


@given(texts, st.integers(0, MAXIMUM_DRAFTS))
def test_drafts_follow_an_earlier_place_of_the_newest_tokens(text: list[int], most: int) -> None:
    drafts = TextSoFar(text).drafts(most)
    assert len(drafts) in (0, most)
    if not drafts:
        pairs = [tuple(text[at : at + 2]) for at in range(len(text) - 2)]
        assert most == 0 or len(text) < 2 or tuple(text[-2:]) not in pairs
        return
    whole = [*text, *drafts]
    places = range(2, len(text))
    assert any(
        text[at - 2 : at] == text[-2:]
        and all(whole[at + each] == draft for each, draft in enumerate(drafts))
        for at in places
    )


def test_the_newest_and_longest_likeness_is_taken() -> None:
    assert TextSoFar([1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3]).drafts(2) == (4, 9)
    assert TextSoFar([2, 3, 4, 7, 2, 3, 5, 8, 2, 3]).drafts(2) == (5, 8)


def test_what_repeats_itself_is_drafted_on_and_on() -> None:
    assert TextSoFar([7, 8, 7, 8, 7]).drafts(5) == (8, 7, 8, 7, 8)


def _run(text_s: float, accepted_of: float) -> tuple[float, int]:
    """Return what so much decoding without drafts took with them, and how many were sent."""
    credit, tokens, spent_s, sent = DraftCredit(), 0.0, 0.0, 0
    while tokens < text_s / PLAIN_S:
        drafts = credit.most_drafts
        accepted = int(drafts * accepted_of)
        round_s = PLAIN_S + drafts * ROW_S
        credit.learn(round_s, drafts, accepted)
        spent_s, tokens, sent = spent_s + round_s, tokens + 1 + accepted, sent + drafts
    return spent_s, sent


def test_drafts_that_are_never_right_cost_a_hundredth_at_most() -> None:
    spent_s, sent = _run(20.0, 0.0)
    assert sent
    assert spent_s < 20.0 * 1.015 + PLAIN_S


def test_drafts_that_are_right_are_sent_and_grow() -> None:
    spent_s, sent = _run(20.0, 1.0)
    assert sent > 200
    assert spent_s < 20.0 / 2.5


@given(st.lists(st.tuples(st.floats(0.0, 10.0), st.integers(0, MAXIMUM_DRAFTS), st.floats(0, 1))))
def test_whatever_rounds_take_drafts_keep_their_bounds(
    rounds: list[tuple[float, int, float]],
) -> None:
    credit = DraftCredit()
    for round_s, most, right in rounds:
        drafts = min(most, credit.most_drafts)
        credit.learn(round_s, drafts, int(drafts * right))
        assert 0 <= credit.most_drafts <= MAXIMUM_DRAFTS


def test_a_text_that_stops_to_repeat_itself_is_drafted_no_more() -> None:
    credit = DraftCredit()
    for _ in range(100):
        drafts = credit.most_drafts
        credit.learn(PLAIN_S + drafts * ROW_S, drafts, drafts)
    lost = sum(_wrong_round(credit) for _ in range(200))
    assert lost < 60


def _wrong_round(credit: DraftCredit) -> int:
    drafts = credit.most_drafts
    credit.learn(PLAIN_S + drafts * ROW_S, drafts, 0)
    return drafts


def test_only_drafts_that_came_round_stand() -> None:
    lookup = PromptLookup([1, 2, 1, 2])
    for at_s in (0, 1):
        lookup.begin_round(4, at_s * 10**9)
        lookup.end_round(0, (at_s + 1) * 10**9)
    assert lookup.begin_round(4, None) == (1, 2, 1, 2)
    lookup.carried(2)
    assert [lookup.stands(*each) for each in ((0, 1), (1, 1), (1, 2), (2, 1))] == [
        True,
        False,
        True,
        False,
    ]
