"""Spans of named chains: what holds every block once, and what does not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.assignment import Assignment, StageAssignment
from app.core.chain import Chain, check_cover
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from tests.saying import raises_saying, raises_telling
from workers.protocol.bounds import FieldError
from workers.protocol.chain import MAXIMUM_BLOCKS, ChainName, Span

ENCODER, DECODER = ChainName.ENCODER, ChainName.DECODER
TWO = (Chain(ENCODER, 6), Chain(DECODER, 4))


def spans_of(chain: Chain, edges: set[int]) -> list[Span]:
    ends = [0, *sorted(edges), chain.block_count]
    return [Span(chain.name, first, end) for first, end in pairwise(ends)]


@st.composite
def divided(draw: st.DrawFn) -> tuple[tuple[Chain, ...], list[Span]]:
    """Return one or two chains, and spans that hold each block of them once."""
    names = draw(st.sampled_from([(DECODER,), (ENCODER,), (ENCODER, DECODER)]))
    chains = tuple(Chain(name, draw(st.integers(1, 24))) for name in names)
    spans = []
    for chain in chains:
        places = range(1, chain.block_count)
        edges = draw(st.sets(st.sampled_from(places), max_size=4)) if places else set()
        spans += spans_of(chain, edges)
    return chains, spans


def assigned(chains: tuple[Chain, ...], spans: list[Span]) -> Assignment:
    stages = [StageAssignment(Serial(f"P{at}"), span) for at, span in enumerate(spans)]
    return Assignment("demo", chains, tuple(stages))


@given(divided())
def test_spans_that_hold_each_block_once_make_an_assignment(
    whole: tuple[tuple[Chain, ...], list[Span]],
) -> None:
    chains, spans = whole
    made = assigned(chains, spans)
    assert made.layer_count == sum(span.block_count for span in spans)
    assert made.layer_count == sum(chain.block_count for chain in chains)


@given(divided(), st.data())
def test_no_other_spans_do(
    whole: tuple[tuple[Chain, ...], list[Span]], data: st.DataObject
) -> None:
    chains, spans = whole
    at = data.draw(st.integers(0, len(spans) - 1))
    span = spans[at]
    other = ENCODER if span.chain is DECODER else DECODER
    spoiled = {
        "left out": [],
        "twice": [span, span],
        "of another chain": [replace(span, chain=other)],
        "a block late": [Span(span.chain, span.first + 1, span.end + 1)],
        "a block more": [replace(span, end=span.end + 1)],
    }
    how = data.draw(st.sampled_from(sorted(spoiled)))
    with raises_saying(BadInputError, "is not held by exactly one phone"):
        check_cover(chains, [*spans[:at], *spoiled[how], *spans[at + 1 :]])


@pytest.mark.parametrize(("first", "end"), [(3, 3), (4, 3), (0, 0), (-1, 2), (-2, -1)])
def test_there_is_no_span_without_a_block(first: int, end: int) -> None:
    with raises_telling(FieldError, match="field end is not above"):
        Span(DECODER, first, end)


@pytest.mark.parametrize(
    "chains",
    [
        (),
        (Chain(DECODER, 4), Chain(DECODER, 4)),
        (*TWO, Chain(ENCODER, 1)),
        (Chain(DECODER, 0),),
        (Chain(DECODER, -1),),
        (Chain(DECODER, MAXIMUM_BLOCKS + 1),),
    ],
)
def test_a_model_has_one_or_two_chains_of_at_least_a_block(chains: tuple[Chain, ...]) -> None:
    spans = [Span(chain.name, 0, max(chain.block_count, 1)) for chain in chains]
    with raises_saying(BadInputError, r"does not have|chains"):
        check_cover(chains, spans)


def test_the_message_names_the_chain_where_there_are_two() -> None:
    with raises_saying(BadInputError, "Layer 2 of the decoder is not held"):
        check_cover(TWO, [Span(ENCODER, 0, 6), Span(DECODER, 0, 2), Span(DECODER, 3, 4)])


def test_chains_run_in_the_order_of_the_model() -> None:
    with raises_saying(BadInputError, "Layer 0 of the encoder"):
        check_cover(TWO, [Span(DECODER, 0, 4), Span(ENCODER, 0, 6)])


@given(divided(), st.data())
def test_edits_keep_every_chain_whole(
    whole: tuple[tuple[Chain, ...], list[Span]], data: st.DataObject
) -> None:
    chains, spans = whole
    before = assigned(chains, spans)
    at = data.draw(st.integers(0, len(spans) - 1))
    edits = [
        lambda: before.with_seam(max(at - 1, 0), data.draw(st.integers(-3, 30))),
        lambda: before.without(Serial(f"P{at}")),
        lambda: before.with_inserted(Serial("new"), at),
        lambda: before.with_phone(at, Serial("new")),
    ]
    if len(spans) == 1:
        del edits[0]
    try:
        after = data.draw(st.sampled_from(edits))()
    except BadInputError:
        alone = sum(span.chain is spans[at].chain for span in spans) == 1
        assert alone or spans[at].block_count == 1
    else:
        check_cover(chains, [stage.span for stage in after.stages])


def test_a_seam_between_two_chains_does_not_move() -> None:
    whole = assigned(TWO, [Span(ENCODER, 0, 6), Span(DECODER, 0, 4)])
    assert whole.with_seam(0, 3) == whole
    with pytest.raises(BadInputError):
        whole.without(Serial("P0"))


spans = st.builds(
    lambda name, first, count: Span(name, first, first + count),
    st.sampled_from(ChainName),
    st.integers(0, 9),
    st.integers(1, 9),
)


@given(spans, spans)
def test_what_two_spans_share_is_the_blocks_that_are_in_both(one: Span, other: Span) -> None:
    first = {(one.chain, block) for block in one.blocks}
    second = {(other.chain, block) for block in other.blocks}
    shared = one.shared_with(other)
    assert first & second == ({(shared.chain, each) for each in shared.blocks} if shared else set())
    assert one.holds(other) == (second <= first)
