"""Canonical JSON by the quick encoder: what RFC 8785's own gives, or it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from workers.identity.canonical import (
    EXACT_INTEGER_LIMIT,
    canonical_text,
    is_canonical,
    read_json,
)

_ODD = '\x00\x08\x1f\x7f\x80\u2028\u2029\ud83d\ude00\ud800\udfff\ue000\uffff\U0001f600"\\/é\u0301'
_TEXTS = st.text(st.one_of(st.characters(codec=None), st.sampled_from(_ODD)), max_size=6)
_EDGES = st.sampled_from([0, EXACT_INTEGER_LIMIT, EXACT_INTEGER_LIMIT + 1, 2**63, 10**15, 10**400])
_WHOLE = st.one_of(st.integers(), _EDGES, _EDGES.map(lambda edge: -edge))


def values(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.one_of(st.none(), st.booleans(), numbers, _TEXTS),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
        max_leaves=12,
    )


def standard(value: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Return what RFC 8785 makes of a value; None where it has no such form."""
    try:
        return rfc8785.dumps(value).decode()
    except ValueError:
        return None


def ours(value: object) -> str | None:
    try:
        return canonical_text(value)
    except ValueError:
        return None


@given(values(_WHOLE))
def test_the_quick_encoder_writes_and_refuses_as_the_standard_does(value: object) -> None:
    assert ours(value) == standard(value)


@given(values(_WHOLE | st.floats()))
def test_with_floats_it_writes_what_the_standard_says_or_refuses(value: object) -> None:
    assert ours(value) in (standard(value), None)


@pytest.mark.parametrize("writer", [standard, json.dumps, partial(json.dumps, ensure_ascii=False)])
@given(value=values(_WHOLE | st.floats()))
def test_a_text_is_canonical_exactly_where_the_standard_would_write_it(
    value: object, writer: Callable[[object], str | None]
) -> None:
    text = writer(value) or json.dumps(value)
    try:
        read, plain = read_json(text)
        canonical = is_canonical(text, read, plain=plain)
    except ValueError:
        canonical = False
    try:
        expected = text == standard(json.loads(text))
    except ValueError:
        expected = False
    assert canonical == expected


@pytest.mark.parametrize(
    "text",
    [
        "-0",
        "1.0",
        "1e2",
        "01",
        "[1,]",
        '{"b":1,"a":2}',
        '{"a":1,"a":1}',
        '"\\u007f"',
        '"\\/"',
        "9007199254740992",
        "1" * 5000,
        "NaN",
        '"\\ud800"',
        ' "a"',
        '{"\\ue000":1,"\\ud83d\\ude00":2}',
    ],
)
def test_other_ways_to_write_the_same_are_not_canonical(text: str) -> None:
    try:
        value, plain = read_json(text)
        assert not is_canonical(text, value, plain=plain)
    except ValueError:
        assert standard(_parsed(text)) != text


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def test_keys_come_in_the_order_of_their_utf_16_units() -> None:
    assert canonical_text({"\ue000": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ue000":1}'


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**20, float("nan"), float("inf")])
def test_a_number_that_json_would_round_is_refused_beside_any_text(number: float) -> None:
    for value in (number, [number], {"a": number}, [1, number], {"a": "é", "b": number}):
        assert ours(value) is None


@dataclass(frozen=True)
class _Part:
    name: str
    count: int


def test_dataclasses_are_written_as_their_fields() -> None:
    assert canonical_text({"p": _Part("é", 1)}) == standard({"p": {"name": "é", "count": 1}})
    assert ours({"p": _Part("a", 2**60)}) is None
