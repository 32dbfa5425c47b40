"""What each token of a text is chosen by, as far as that depends on the tokens before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from app.models.formats.grammar import Grammar
from workers.engine.sampling import deflated
from workers.protocol.sampling_rule import MAXIMUM_ADDED, UNSTEERED, Added, Steering


@dataclass(frozen=True)
class Guide:
    """A grammar, and penalties for tokens that came: OpenAI's, and the one for repetition."""

    grammar: Grammar | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float = 1.0
    prompt: tuple[int, ...] = ()
    """Tokens that count as repeated too."""

    def steering(self, tokens: Sequence[int]) -> Steering:
        """Return what the token after these is chosen by. Raises `ShardloomError`."""
        if self == UNGUIDED:
            return UNSTEERED
        allowed = b"" if self.grammar is None else deflated(self.grammar.allowed(tokens))
        repeated = self._repeated(tokens)
        return Steering(allowed, self._added(tokens), repeated, self.repetition_penalty)

    def _repeated(self, tokens: Sequence[int]) -> tuple[int, ...]:
        """Return what came before, the newest first, as many as a phone can be told."""
        if self.repetition_penalty == 1:
            return ()
        newest_first = dict.fromkeys(reversed((*self.prompt, *tokens)))
        return tuple(islice(newest_first, MAXIMUM_ADDED))

    def _added(self, tokens: Sequence[int]) -> tuple[Added, ...]:
        if not (self.frequency_penalty or self.presence_penalty):
            return ()
        return tuple(
            Added(token, -(self.presence_penalty + self.frequency_penalty * count))
            for token, count in Counter(tokens).most_common(MAXIMUM_ADDED)
        )


UNGUIDED = Guide()
"""Every token is chosen by the rule alone."""
