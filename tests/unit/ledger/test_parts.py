"""Accounts, splits, reputation and canonical text, each by itself."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import LedgerError
from app.ledger.entry import Entry, EntryKind, canonical_json, make_entry
from app.ledger.entry import amount as read_amount
from app.ledger.rules.accounts import MINT, OPERATOR, TREASURY, Posting, post
from app.ledger.rules.economy import split_exactly
from app.ledger.rules.phones.reputation import Reputation
from app.ledger.rules.state import State
from app.ledger.rules.transitions import apply
from app.words.states import credits_words
from tests.saying import raises_saying

ACCOUNTS = st.sampled_from([MINT, OPERATOR, TREASURY, "phone:a"])


@given(st.integers(0, 10**18), st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_a_split_is_exact_and_within_one_unit_of_fair(total: int, weights: list[int]) -> None:
    parts = split_exactly(total, tuple(weights))
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights)


@given(st.lists(st.tuples(ACCOUNTS, ACCOUNTS, st.integers(-3, 9)), max_size=12))
def test_posting_conserves_money_and_overdraws_nobody(moves: list[tuple[str, str, int]]) -> None:
    balances: dict[str, int] = {}
    posted: set[str] = set()
    for number, (debit, credit, amount) in enumerate(moves):
        transfer = Posting(str(number), debit, credit, amount)
        before = dict(balances)
        try:
            balances |= post(balances, posted, [transfer])
        except LedgerError:
            assert balances == before
            continue
        posted.add(transfer.id)
        assert amount > 0
        assert debit != credit
        assert sum(balances.values()) == 0
        assert all(value >= 0 for account, value in balances.items() if account != MINT)


def test_a_transfer_is_made_once() -> None:
    transfer = Posting("one", MINT, OPERATOR, 5)
    balances = post({}, set(), [transfer])
    with raises_saying(LedgerError, match="already made"):
        post(balances, {"one"}, [transfer])
    with raises_saying(LedgerError, match="already made"):
        post({}, set(), [transfer, transfer])


def test_transfers_of_one_entry_are_made_together_or_not_at_all() -> None:
    good = Posting("good", MINT, OPERATOR, 5)
    with raises_saying(LedgerError, match="short"):
        post({}, set(), [good, Posting("bad", TREASURY, OPERATOR, 1)])


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 credits"),
        (1, "0.000001 credits"),
        (500_000_000, "500 credits"),
        (-1_500_000, "-1.5 credits"),
        (1_234_000_000, "1,234 credits"),
    ],
)
def test_amounts_are_shown_in_credits(amount: int, text: str) -> None:
    assert credits_words(amount) == text


def test_reputation_grows_with_good_work_and_falls_faster_with_bad() -> None:
    steps = [Reputation()]
    for _ in range(50):
        steps.append(steps[-1].after(honest=True))
    bounds = [step.lower_bound for step in steps]
    assert all(later > earlier for earlier, later in pairwise(bounds))
    assert bounds[0] < 0.1
    assert bounds[-1] > 0.9
    fallen = steps[-1].after(honest=False).lower_bound
    assert bounds[-1] - fallen > bounds[-1] - bounds[-2]


@given(st.lists(st.booleans(), max_size=400))
def test_reputation_is_a_bound_below_the_mean(observations: list[bool]) -> None:
    reputation = Reputation()
    for honest in observations:
        reputation = reputation.after(honest=honest)
    assert 0 <= reputation.lower_bound < reputation.mean < 1


def test_the_first_sins_fade() -> None:
    reputation = Reputation().after(honest=False)
    for _ in range(700):
        reputation = reputation.after(honest=True)
    assert reputation.bad < 0.001


def test_the_journal_holds_no_floats_and_no_integer_that_json_would_round() -> None:
    text = canonical_json({"b": 0.1, "a": [2**53, -(2**60), 7, True, None], "c": float("nan")})
    assert (
        text == '{"a":["9007199254740992","-1152921504606846976",7,true,null],"b":"0.1","c":"nan"}'
    )
    with raises_saying(LedgerError, match="cannot hold a bytes"):
        canonical_json({"key": b"raw"})
    with raises_saying(LedgerError, match="cannot hold that"):
        canonical_json({"key": "\ud800"})


@given(
    st.dictionaries(
        st.text(max_size=9), st.text(max_size=9) | st.integers(0, 2**53 - 1) | st.booleans()
    )
)
def test_a_body_is_read_back_as_it_was_written(fields: dict[str, object]) -> None:
    entry = make_entry(None, 0, "kind", fields)
    entry.check_canonical()
    assert entry.fields() == fields


@pytest.mark.parametrize(
    "body",
    ['{"a": 1}', '{"b":1,"a":2}', '{"a":1,"a":1}', '{"a":1.0}', '{"a":NaN}', "[]", "x", "1.0"],
)
def test_a_body_that_is_not_canonical_is_refused(body: str) -> None:
    with pytest.raises(LedgerError):
        Entry(1, 0, "kind", body, bytes(32), bytes(32)).check_canonical()


KINDS = [value for name, value in vars(EntryKind).items() if not name.startswith("_")]
VALUES: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.just([{}])
)
NAMES = st.sampled_from(
    ["serial", "transaction", "stage", "amount", "stages", "epoch", "payments", "second", "outcome"]
)


@given(st.sampled_from([*KINDS, "unheard-of"]), st.dictionaries(NAMES, VALUES))
def test_an_entry_that_makes_no_sense_is_refused_and_leaves_no_trace(
    kind: str, fields: dict[str, object]
) -> None:
    state = State()
    genesis = make_entry(None, 0, EntryKind.GENESIS, {"format": 1, "host_key": "00" * 32})
    apply(state, genesis)
    before = json.dumps([state.entries, state.balances, sorted(state.phones)])
    with pytest.raises(LedgerError):
        apply(state, make_entry(genesis, 0, kind, fields))
    assert json.dumps([state.entries, state.balances, sorted(state.phones)]) == before


@pytest.mark.parametrize("text", ["9" * 31, "0" * 31, "1" * 5000, "", "-1", "1e3", "٣"])
def test_what_cannot_be_reckoned_with_is_no_amount(text: str) -> None:
    with raises_saying(LedgerError, "is not an amount"):
        read_amount({"amount": text}, "amount")
    assert read_amount({"amount": "9" * 30}, "amount") == 10**30 - 1
