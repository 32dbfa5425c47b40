"""What each slot of an assignment holds on all its stages, and which slot a text takes best."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from app.core.identifiers import TransactionId
from app.pipeline.prompts.cutting import kept_steps, reusable
from app.pipeline.prompts.step_record import KeptPrefix, StepRecord


@dataclass(frozen=True)
class Wanted:
    """A text that needs a slot; rows are shared between texts of one `keeper` only."""

    tokens: tuple[int, ...] = ()
    chunk_tokens: int = 1
    keeper: str = ""
    any_cut: bool = False
    """Whether rows come out the same however a prompt is cut."""
    answers: int = 0
    """How many of the last tokens were chosen, not asked with."""


@dataclass(frozen=True)
class _Content:
    prefix: KeptPrefix
    keeper: str
    text: tuple[int, ...]
    """All tokens whose rows were computed there; the prefix is what can be reused of them."""
    used: int


class SlotContents:
    """Slots by what they hold. It is the host's knowledge: a stage may have lost it meanwhile."""

    def __init__(self) -> None:
        self._contents: dict[int, _Content] = {}
        self._ticks = itertools.count(1)

    def note(
        self,
        slot: int,
        transaction: TransactionId,
        steps: Sequence[StepRecord],
        wanted: Wanted,
        ancestors: frozenset[TransactionId],
        *,
        goes_on: bool = False,
    ) -> int:
        """Note which steps every stage has done in a slot; return how many are worth keeping.

        Where the same text `goes_on` in another attempt its answers are too. Of what asked for no
        text none is.
        """
        worth = kept_steps(steps, answers=goes_on) if wanted.tokens else ()
        self._contents.pop(slot, None)
        if worth:
            kept = tuple(step.unanswered() for step in worth)
            text = tuple(token for step in steps for token in step.tokens)
            prefix = KeptPrefix(slot, transaction, kept, ancestors)
            self._contents[slot] = _Content(prefix, wanted.keeper, text, next(self._ticks))
        return len(worth)

    def longest(self, wanted: Wanted) -> KeptPrefix | None:
        """Return the longest beginning of a text that some slot holds; none where none does."""
        best: KeptPrefix | None = None
        for content in self._contents.values():
            if content.keeper != wanted.keeper:
                continue
            steps = reusable(
                content.prefix.steps,
                wanted.tokens,
                wanted.chunk_tokens,
                answers=wanted.answers,
                any_cut=wanted.any_cut,
            )
            found = replace(content.prefix, steps=steps)
            if found.rows > (best.rows if best else 0):
                best = found
        return best

    def choose(self, free: Collection[int], wanted: Wanted, prefix: KeptPrefix | None) -> int:
        """Return the free slot to take, which loses what it holds.

        The text's own earlier turn is gone on with where it lies; else an empty slot is taken, or
        the one that was least recently used.
        """
        if prefix is not None and prefix.slot in free and self._continues(prefix.slot, wanted):
            slot = prefix.slot
        else:
            slot = min(free, key=lambda each: (self._used(each), each))
        self._touch(prefix)
        self._contents.pop(slot, None)
        return slot

    def _continues(self, slot: int, wanted: Wanted) -> bool:
        text = self._contents[slot].text
        return wanted.tokens[: len(text)] == text

    def _used(self, slot: int) -> int:
        content = self._contents.get(slot)
        return content.used if content else 0

    def _touch(self, prefix: KeptPrefix | None) -> None:
        if prefix is not None:
            content = self._contents[prefix.slot]
            self._contents[prefix.slot] = replace(content, used=next(self._ticks))

    def forget(self, transaction: TransactionId) -> None:
        """Reuse no row that came from this transaction."""
        for slot, content in list(self._contents.items()):
            if transaction in content.prefix.lineage:
                del self._contents[slot]

    def clear(self) -> None:
        """Reuse nothing."""
        self._contents.clear()
