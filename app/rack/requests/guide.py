"""What each token of a text is chosen by, as far as that depends on the tokens before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.models.formats.grammar import Grammar
from workers.engine.sampling import deflated
from workers.protocol.sampling_rule import MAXIMUM_ADDED, UNSTEERED, Added, Steering


@dataclass(frozen=True)
class Guide:
    """A grammar, and penalties for tokens that came (OpenAI's frequency and presence)."""

    grammar: Grammar | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0

    def steering(self, tokens: Sequence[int]) -> Steering:
        """Return what the token after these is chosen by. Raises `ShardloomError`."""
        if self == UNGUIDED:
            return UNSTEERED
        allowed = b"" if self.grammar is None else deflated(self.grammar.allowed(tokens))
        return Steering(allowed, self._added(tokens))

    def _added(self, tokens: Sequence[int]) -> tuple[Added, ...]:
        if not (self.frequency_penalty or self.presence_penalty):
            return ()
        return tuple(
            Added(token, -(self.presence_penalty + self.frequency_penalty * count))
            for token, count in Counter(tokens).most_common(MAXIMUM_ADDED)
        )


UNGUIDED = Guide()
"""Every token is chosen by the rule alone."""
