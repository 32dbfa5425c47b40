"""The arithmetic model: requests that share a step each go on as they would alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.simulation.model import CONTEXT_TOKENS, HIDDEN_SIZE, LAYERS, ArithmeticEngine
from app.simulation.model import VOCABULARY_SIZE as WORDS
from workers.protocol.chain import ChainName, Span
from workers.protocol.span_shape import SpanShape

SLOTS = 4
TURNS = st.lists(st.sets(st.integers(0, SLOTS - 1), min_size=1), min_size=1, max_size=12)


def whole_model(slots: int) -> ArithmeticEngine:
    shape = SpanShape(
        blocks=Span(ChainName.DECODER, 0, LAYERS),
        has_embedding=True,
        has_head=True,
        hidden_size=HIDDEN_SIZE,
        vocabulary_size=WORDS,
        kv_heads=1,
        head_size=HIDDEN_SIZE,
        context_tokens=CONTEXT_TOKENS,
        slots=slots,
    )
    return ArithmeticEngine(Path(), shape, 1)


@given(TURNS)
def test_requests_that_share_steps_have_the_logits_that_each_has_alone(
    turns: list[set[int]],
) -> None:
    shared, alone = whole_model(SLOTS), [whole_model(1) for _ in range(SLOTS)]
    fed = [0] * SLOTS
    for turn in turns:
        slots = sorted(turn)
        tokens = np.array([[(7 * slot + 3 * fed[slot]) % WORDS] for slot in slots], np.int64)
        together = shared.run_rows(slots, [fed[slot] for slot in slots], tokens)
        for row, slot in enumerate(slots):
            own = alone[slot].run(0, fed[slot], tokens[row : row + 1])
            assert np.array_equal(together[row], own[0])
            fed[slot] += 1
