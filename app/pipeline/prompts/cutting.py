"""How a text is cut into steps, and which steps of an earlier one are as good as its own.

What a row comes out as depends on the step it is computed in. A row alone takes another way through
attention than among others, and differs in its last bits, whatever form the weights have. So no row
of a prompt is computed alone, but that of a prompt of one token, and each row of an answer is, also
where it is computed again: as it was when the answer was written. (Rows of several texts in one
step come out as alone.) Among others of its text a row comes out the same however a prompt is cut,
where that was tried (`app.models.importing.cut_check`); elsewhere only steps are reused that a run
of the text would send by itself. Either way not one token differs.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

from app.pipeline.prompts.step_record import StepRecord
from workers.protocol.commands import MAXIMUM_EXCERPT_STEPS
from workers.protocol.step_message import MAXIMUM_DRAFTS

FEWEST_ROWS = 2
"""Of a step whose rows are computed among others."""
MESSAGES_A_STAGE: Final = 4
"""Single rows go in fewer messages than these for each stage only where a message is full."""


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


def step_sizes(tokens: int, answers: int, done: int, chunk_tokens: int) -> list[int]:
    """Return how many tokens go in each step of a text of which `done` tokens have been read.

    The last `answers` of its `tokens` were chosen, not asked with: each goes in a step of its own,
    as it did when the text was written.
    """
    asked = max(tokens - answers - done, 0)
    return [*chunk_sizes(asked, chunk_tokens), *([1] * (tokens - done - asked))]


def sizes_around(
    pictures: Mapping[int, int], tokens: int, answers: int, done: int, chunk_tokens: int
) -> list[int]:
    """Return the sizes of a text's steps where pictures stand in it, each a step of its own.

    `pictures` has the rows of each by its position; none reaches into the answers.
    """
    sizes: list[int] = []
    for position, rows in sorted(pictures.items()):
        if position >= done:
            sizes += [*chunk_sizes(position - done, chunk_tokens), rows]
            done = position + rows
    return [*sizes, *step_sizes(tokens, answers, done, chunk_tokens)]


def sendings(sizes: Sequence[int], stages: int, *, alone: bool = False) -> list[tuple[int, ...]]:
    """Return which steps of those sizes are sent in one message, in their order.

    Single rows go together, each computed as if it came alone, so that they do not wait for a hop
    each; in so many messages that every stage has work. The last step goes by itself, as a token
    may be wanted of it, and so does the first where it has to be `alone`.
    """
    if alone:
        return [tuple(sizes[:1]), *sendings(sizes[1:], stages)]
    singles = sum(size == 1 for size in sizes[:-1])
    most = min(max(singles // (MESSAGES_A_STAGE * stages), 1), 1 + MAXIMUM_DRAFTS)
    messages: list[tuple[int, ...]] = []
    for size in sizes[:-1]:
        if size == 1 and messages and messages[-1][0] == 1 and len(messages[-1]) < most:
            messages[-1] += (size,)
        else:
            messages.append((size,))
    return [*messages, *((size,) for size in sizes[-1:])]


def kept_steps(steps: Sequence[StepRecord], *, answers: bool) -> tuple[StepRecord, ...]:
    """Return the first steps, of those that others may go on from.

    With `answers` those of single tokens too, from which only the same text can go on.
    """
    chosen: list[StepRecord] = []
    for step in steps[:MAXIMUM_EXCERPT_STEPS]:
        if len(step.tokens) < FEWEST_ROWS and not answers:
            break
        chosen.append(step)
    return tuple(chosen)


def reusable(
    steps: Sequence[StepRecord],
    tokens: Sequence[int],
    chunk_tokens: int,
    *,
    answers: int = 0,
    any_cut: bool,
) -> tuple[StepRecord, ...]:
    """Return the first steps that are as good as those that a run of these tokens begins with.

    The last `answers` tokens were chosen, not asked with. With `any_cut` rows of several are the
    same however a prompt is cut. The last row is never among them: there has to be a step for what
    follows the text.
    """
    sizes = step_sizes(len(tokens), answers, 0, chunk_tokens)
    sent = dict(zip(itertools.accumulate(sizes, initial=0), sizes, strict=False))
    chosen: list[StepRecord] = []
    for step in steps:
        if step.end >= len(tokens) or step.tokens != _part(tokens, step):
            break
        as_sent = sent.get(step.position) == len(step.tokens)
        left = len(tokens) - answers - step.end
        recut = any_cut and len(step.tokens) >= FEWEST_ROWS and (left == 0 or left >= FEWEST_ROWS)
        if not (as_sent or recut):
            break
        chosen.append(step)
    return tuple(chosen)


def _part(tokens: Sequence[int], step: StepRecord) -> tuple[int, ...]:
    return tuple(tokens[step.position : step.end])
