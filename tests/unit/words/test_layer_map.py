"""Who holds which layers, in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core.assignment import Assignment, StageAssignment
from app.core.chain import Chain
from app.core.identifiers import Serial
from app.words.catalogue import use_language
from app.words.layer_map import assignment_text, holders_text, layers_by_phone, layers_text
from tests.assignments import held, placed
from workers.protocol.chain import ChainName, Span

ONE, TWO = Serial("A"), Serial("B")


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("en")


def test_one_layer_is_not_called_layers() -> None:
    assert layers_text(held(ONE, 2, 2), ()) == "layer 2"
    assert layers_text(held(ONE, 2, 5), ()) == "layers 2-5"


def test_layers_of_one_of_two_chains_are_told_with_its_name() -> None:
    chains = (Chain(ChainName.ENCODER, 3), Chain(ChainName.DECODER, 2))
    reads = StageAssignment(ONE, Span(ChainName.ENCODER, 0, 3))
    writes = StageAssignment(TWO, Span(ChainName.DECODER, 0, 2))
    assignment = Assignment("pair", chains, (reads, writes))
    assert layers_by_phone(assignment) == {ONE: "encoder layers 0-2", TWO: "decoder layers 0-1"}
    assert assignment_text(assignment, {}) == "A: encoder 0-2, B: decoder 0-1"
    use_language("ja")
    assert layers_text(reads, chains) == "エンコーダー レイヤー 0-2"


def test_a_chain_that_looks_at_pictures_is_called_by_what_it_does() -> None:
    chains = (Chain(ChainName.ENCODER, 3, sees=True), Chain(ChainName.DECODER, 2))
    looks = StageAssignment(ONE, Span(ChainName.ENCODER, 0, 3))
    writes = StageAssignment(TWO, Span(ChainName.DECODER, 0, 2))
    assignment = Assignment("seer", chains, (looks, writes))
    assert layers_by_phone(assignment) == {ONE: "vision layers 0-2", TWO: "decoder layers 0-1"}
    assert assignment_text(assignment, {}) == "A: vision 0-2, B: decoder 0-1"
    use_language("ja")
    assert layers_text(looks, chains) == "視覚 レイヤー 0-2"


def test_holders_are_told_in_the_language_in_force() -> None:
    assignment = placed("demo", 4, (held(ONE, 0, 2), held(TWO, 3, 3)))
    assert holders_text(assignment, {ONE: "Pixel 8"}) == "Pixel 8 layers 0-2, B layer 3"
    use_language("ja")
    assert "Pixel 8 レイヤー 0-2" in holders_text(assignment, {ONE: "Pixel 8"})
