"""How a prompt is cut into steps, and which steps of an earlier one are as good as its own.

What a row comes out as depends on the step it is computed in. A row alone takes another way through
attention than among others, and differs in its last bits; so no row of a prompt is computed alone,
but that of a prompt of one token, and no row of a decoded token is reused. Among others it comes
out the same however a text is cut, where that was tried (`app.models.importing.cut_check`);
elsewhere only steps are reused that a run of the text would send by itself. Either way not one
token differs.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.pipeline.prompts.step_record import StepRecord

FEWEST_ROWS = 2
"""Of a step whose rows are computed among others."""


def chunk_sizes(tokens: int, chunk_tokens: int) -> list[int]:
    """Return how many tokens go in each step; the last two share where one token would be left.

    A chunk has at least three tokens. Of no tokens nothing is left to send.
    """
    sizes = [chunk_tokens] * (tokens // chunk_tokens)
    left = tokens % chunk_tokens
    if left == 1 and sizes:
        sizes[-1] -= 1
        left += 1
    return [*sizes, left] if left else sizes


def kept_steps(steps: Sequence[StepRecord]) -> tuple[StepRecord, ...]:
    """Return the first steps, of those that others may go on from, each with several rows."""
    chosen: list[StepRecord] = []
    for step in steps:
        if len(step.tokens) < FEWEST_ROWS:
            break
        chosen.append(step)
    return tuple(chosen)


def reusable(
    steps: Sequence[StepRecord], tokens: Sequence[int], chunk_tokens: int, *, any_cut: bool
) -> tuple[StepRecord, ...]:
    """Return the first steps that are as good as those that a run of these tokens begins with.

    With `any_cut` rows of several are the same however the text is cut. The last rows are never
    among them: there has to be a step for what follows the text.
    """
    sizes = chunk_sizes(len(tokens), chunk_tokens)
    chosen: list[StepRecord] = []
    for step in kept_steps(steps):
        left = len(tokens) - step.end
        if left < FEWEST_ROWS or step.tokens != _part(tokens, step):
            break
        if not any_cut and sizes[len(chosen)] != len(step.tokens):
            break
        chosen.append(step)
    return tuple(chosen)


def _part(tokens: Sequence[int], step: StepRecord) -> tuple[int, ...]:
    return tuple(tokens[step.position : step.end])
