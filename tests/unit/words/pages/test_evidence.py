from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.words.pages.evidence import evidence_source, evidence_text

RECEIPT = {"transaction": "r7-1", "steps": 300}
NAMES = ("first_bad", "rounding", "differences", "receipt", "position", "deviation", "claimed")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from((*NAMES, "expected", "token", "median", "worst")), inner)
    ),
    max_leaves=12,
)


def told(**held: object) -> str:
    return evidence_text(json.dumps(held))


def test_a_wrong_step_is_told_with_its_place_and_how_far_off_it_is() -> None:
    words = told(first_bad={"position": 61, "deviation": 1975.4}, receipt=RECEIPT)
    assert words == (
        "The first wrong step is at position 61 of the text: its output is off by 1,975 times what"
        " rounding may do.\nIt signed for these 300 steps in transaction r7-1."
    )


def test_figures_are_told_as_the_journal_keeps_them() -> None:
    step = {"position": 8, "deviation": "1972.5068150635293"}
    assert "off by 1,973 times what rounding may do" in told(first_bad=step)
    kept = {"median": "0.5", "worst": "0.9", "wrong_above": "0.35", "row_wrong_above": "0.7"}
    assert "off by 50% and the worst by 90%" in told(rounding=kept)
    assert "off by" not in told(first_bad={"position": 8, "deviation": "inf"})


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [(7, "signed for token 7; computed again it is token 9"), (9, "The token is right")],
)
def test_a_wrong_token_is_told_beside_the_right_one(claimed: int, expected: str) -> None:
    step = {"position": 4, "claimed": {"token": claimed}, "expected": {"token": 9}}
    assert expected in told(first_bad=step)


def test_rounding_roots_and_contradictions_are_told() -> None:
    measure = {"median": 0.5, "worst": 0.9, "wrong_above": 0.35, "row_wrong_above": 0.7}
    assert "off by 50% and the worst by 90%; above 35%" in told(rounding=measure)
    roots = told(recomputed_output_root="a" * 64, claimed_output_root="b" * 64)
    assert "bbbbbbbbbbbb…" in roots
    assert told(recomputed_output_root="a", claimed_output_root="a") == ""
    differing = told(stage=2, differences={"tokens": [1, 2], "nonce": ["a", "b"]})
    assert differing == "For stage 2 it signed two receipts that differ in: nonce, tokens."


@given(JSON)
def test_whatever_evidence_holds_it_is_told_or_left_unsaid(held: object) -> None:
    text = json.dumps(held)
    assert isinstance(evidence_text(text), str)
    assert json.dumps(json.loads(evidence_source(text))) == text


def test_what_is_no_json_is_shown_as_it_is() -> None:
    assert evidence_text("two hashes differ") == ""
    assert evidence_source("two hashes differ") == "two hashes differ"
    assert evidence_source('{"layer": 5}') == '{\n  "layer": 5\n}'
