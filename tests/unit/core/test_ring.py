from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.assignment import RUN_TOKENS, run_tokens


@given(st.floats(0, 100))
def test_a_run_is_never_shorter_than_usual_nor_lasts_longer_for_quick_tokens(step_s: float) -> None:
    tokens = run_tokens(step_s)
    assert tokens >= RUN_TOKENS
    assert tokens == RUN_TOKENS or tokens * step_s <= 0.25


def test_a_run_grows_as_tokens_get_quicker_up_to_its_limit() -> None:
    assert [run_tokens(step_s) for step_s in (1.0, 0.02, 0.01, 0.0)] == [8, 12, 25, 32]
