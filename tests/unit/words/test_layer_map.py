"""Who holds which layers, in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core.identifiers import Serial
from app.words.catalogue import use_language
from app.words.layer_map import holders_text, layers_text
from tests.assignments import held, placed

ONE, TWO = Serial("A"), Serial("B")


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("en")


def test_one_layer_is_not_called_layers() -> None:
    assert layers_text(held(ONE, 2, 2)) == "layer 2"
    assert layers_text(held(ONE, 2, 5)) == "layers 2-5"


def test_holders_are_told_in_the_language_in_force() -> None:
    assignment = placed("demo", 4, (held(ONE, 0, 2), held(TWO, 3, 3)))
    assert holders_text(assignment, {ONE: "Pixel 8"}) == "Pixel 8 layers 0-2, B layer 3"
    use_language("ja")
    assert "Pixel 8 レイヤー 0-2" in holders_text(assignment, {ONE: "Pixel 8"})
