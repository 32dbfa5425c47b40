"""Grammars: which tokens may follow, whatever the model would like to say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.core.errors import BadInputError, ShardloomError
from app.models.formats.grammar import LONGEST_GRAMMAR, Grammar, json_grammar
from app.models.formats.tokenizer import TextTokenizer
from tests.saying import raises_saying
from tests.unit.models.support import tokenizer

END = 1
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "of": {"enum": ["a", "b"]}},
    "required": ["ok", "of"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def words() -> TextTokenizer:
    return TextTokenizer(tokenizer())


def bits(mask: bytes, size: int) -> list[int]:
    """Return the tokens that a mask allows."""
    unpacked = np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little")
    assert not unpacked[size:].any()
    return [int(token) for token in np.flatnonzero(unpacked)]


def drawn(grammar: Grammar, size: int, seed: int) -> list[int]:
    """Return tokens drawn at random of those allowed, up to the end."""
    draw, tokens = np.random.default_rng(seed), list[int]()
    while not tokens or tokens[-1] != END:
        tokens.append(int(draw.choice(bits(grammar.allowed(tokens), size))))
    return tokens[:-1]


@pytest.mark.parametrize("beyond", [0, 3, 8])
def test_whatever_is_drawn_is_json_of_the_schema(words: TextTokenizer, beyond: int) -> None:
    size = words.vocabulary_size + beyond
    for seed in range(20):
        grammar = Grammar(words, json_grammar(SCHEMA), size, {END})
        found = json.loads(words.decode(drawn(grammar, size, seed)))
        assert found.keys() == {"ok", "of"}
        assert isinstance(found["ok"], bool)
        assert found["of"] in {"a", "b"}


def test_tokens_that_were_taken_back_are_forgotten(words: TextTokenizer) -> None:
    size = words.vocabulary_size
    grammar = Grammar(words, json_grammar(SCHEMA), size, {END})
    first = grammar.allowed([])
    tokens = drawn(grammar, size, 1)
    assert grammar.allowed(tokens[:3]) != first
    assert grammar.allowed([]) == first


def test_a_token_that_should_not_have_come_is_told(words: TextTokenizer) -> None:
    grammar = Grammar(words, json_grammar(SCHEMA), words.vocabulary_size, {END})
    (wrong,) = words.encode_rendered("x")
    with raises_saying(ShardloomError, "has left the form"):
        grammar.allowed([wrong])


@pytest.mark.parametrize(
    ("grammar", "ends", "told"),
    [
        (json_grammar({"type": "nope"}), {END}, "cannot be kept to"),
        ("no grammar", {END}, "cannot be kept to"),
        (" " * (LONGEST_GRAMMAR + 1), {END}, "at most"),
        (json_grammar(SCHEMA), set(), "no token that ends"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(
    words: TextTokenizer, grammar: str, ends: set[int], told: str
) -> None:
    with raises_saying(BadInputError, told):
        Grammar(words, grammar, words.vocabulary_size, ends)
