"""Grammars that texts keep to, by llguidance: which tokens may come next.

A grammar is written in llguidance's form of Lark; `json_grammar` gives that of a JSON schema.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from llguidance import LLMatcher, LLTokenizer

from app.core.errors import BadInputError, ShardloomError
from app.models.formats.tokenizer import TextTokenizer

_BLANKS: Final = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
LONGEST_GRAMMAR: Final = 256 << 10
"""Characters."""


def json_grammar(schema: Mapping[str, Any]) -> str:
    """Return the grammar of the JSON texts that a schema describes."""
    return f"start: {json_rule(schema)}"


def json_rule(schema: Mapping[str, Any]) -> str:
    """Return the same as a part of a grammar; blanks are those of `json.dumps`.

    Where any blanks may stand a model can go on with blanks for ever.
    """
    return f"%json {json.dumps({**schema, 'x-guidance': _BLANKS})}"


class Grammar:
    """One text on its way through a grammar. Used by one thread at a time."""

    def __init__(
        self, tokenizer: TextTokenizer, grammar: str, vocabulary: int, ends: Collection[int]
    ) -> None:
        """Begin. Raises `BadInputError` for a grammar that makes no sense or cannot end."""
        if not ends:
            raise BadInputError("grammar.without_end")
        if len(grammar) > LONGEST_GRAMMAR:
            raise BadInputError("grammar.too_long", most=LONGEST_GRAMMAR)
        known = _tokens_of(tokenizer, vocabulary, tuple(sorted(ends)))
        wrong = LLMatcher.validate_grammar(grammar, known)
        if wrong:
            raise BadInputError("grammar.refused", reason=wrong.partition("\n")[0])
        self._matcher = LLMatcher(known, grammar, log_level=0)
        self._taken: list[int] = []
        self._vocabulary = vocabulary

    def allowed(self, tokens: Sequence[int]) -> bytes:
        """Return which tokens may follow these, a bit each, lowest first.

        Raises `ShardloomError` where none may, or these should not have come.
        """
        self._go_to(tokens)
        mask = bytearray(self._matcher.compute_bitmask()[: -(-self._vocabulary // 8)])
        beyond = -self._vocabulary % 8
        mask[-1] &= 0xFF >> beyond
        if self._matcher.is_error() or not any(mask):
            why = self._matcher.get_error().partition("\n")[0]
            raise ShardloomError("grammar.astray", reason=why)
        return bytes(mask)

    def _go_to(self, tokens: Sequence[int]) -> None:
        known = len(self._taken)
        if list(tokens[:known]) != self._taken:  # some were taken back
            self._matcher.reset()
            self._taken, known = [], 0
        new = list(tokens[known:])
        if new:
            self._matcher.consume_tokens(new)
            self._taken += new


@lru_cache(maxsize=4)
def _tokens_of(tokenizer: TextTokenizer, vocabulary: int, ends: tuple[int, ...]) -> LLTokenizer:
    return LLTokenizer(tokenizer.to_json(), n_vocab=vocabulary, eos_token=list(ends))
