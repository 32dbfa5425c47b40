"""Which steps of an earlier transaction are steps that a text would begin with by itself.

A row comes out equal to the last bit where it was computed in the same step: alone a row takes
another way through attention than among others. Only steps are therefore reused that an undisturbed
run of the text would send as well, and then not one token can differ. A decoded token's row is
not among them, as the next turn of a conversation brings it as part of its prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.pipeline.prompts.step_record import StepRecord


def whole_chunks(steps: Sequence[StepRecord], chunk_tokens: int) -> tuple[StepRecord, ...]:
    """Return the first steps that carry a whole chunk of a prompt each."""
    chosen: list[StepRecord] = []
    for step in steps:
        if step.position != len(chosen) * chunk_tokens or len(step.tokens) != chunk_tokens:
            break
        chosen.append(step)
    return tuple(chosen)


def reusable(
    steps: Sequence[StepRecord], tokens: Sequence[int], chunk_tokens: int
) -> tuple[StepRecord, ...]:
    """Return the first steps that a run of these tokens, in chunks of that size, begins with too.

    The last token is never among them: its row has to be computed for what follows it.
    """
    chosen: list[StepRecord] = []
    for step in whole_chunks(steps, chunk_tokens):
        if step.end >= len(tokens) or step.tokens != tuple(tokens[step.position : step.end]):
            break
        chosen.append(step)
    return tuple(chosen)
