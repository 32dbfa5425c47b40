from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.saying import raises_telling
from workers.errors import RequestRefusedError, TranscriptFullError
from workers.identity.choices import choice_leaf
from workers.identity.merkle import leaf_hash, root_hash
from workers.identity.transcript import Transcript, step_leaves
from workers.protocol.sampling_rule import UNSTEERED

TOKEN = np.array([9], np.int64)


def _hidden(tokens: int, value: float = 1.0) -> np.ndarray:
    return np.full((1, tokens, 700), value, np.float32)


def test_leaves_are_a_header_and_chunks_of_4096_bytes() -> None:
    tensor = np.arange(2 * 700, dtype=np.float32).reshape(1, 2, 700)
    data = tensor.tobytes()
    expected = [leaf_hash(b"f4 1,2,700 17"), leaf_hash(data[:4096]), leaf_hash(data[4096:])]
    assert step_leaves(tensor, 17) == expected
    assert step_leaves(TOKEN, 3) == [leaf_hash(b"i8 1 3"), leaf_hash(TOKEN.tobytes())]


def test_a_seal_covers_every_step_in_order() -> None:
    transcript = Transcript()
    transcript.record(0, _hidden(3), TOKEN)
    transcript.record(3, _hidden(1, 2.0), TOKEN)
    sealed = transcript.seal()
    leaves = step_leaves(_hidden(3), 0) + step_leaves(_hidden(1, 2.0), 3)
    assert sealed.input_root == root_hash(leaves)
    assert sealed.output_root == root_hash(step_leaves(TOKEN, 0) + step_leaves(TOKEN, 3))
    assert (sealed.steps, sealed.tokens) == (2, 4)


def test_any_change_of_content_position_or_order_changes_the_root() -> None:
    def root(*steps: tuple[int, np.ndarray]) -> bytes:
        transcript = Transcript()
        for position, inputs in steps:
            transcript.record(position, inputs, TOKEN)
        return transcript.seal().input_root

    first, second = (0, _hidden(1)), (1, _hidden(1, 2.0))
    altered = _hidden(1)
    altered[0, 0, 699] = np.nextafter(np.float32(1), np.float32(2))
    roots = {
        root(first, second),
        root(second, first),
        root(first),
        root((1, _hidden(1)), second),
        root((0, altered), second),
        root((0, _hidden(1).reshape(1, 2, 350)), second),
    }
    assert len(roots) == 6


def test_inputs_are_given_back_within_a_size() -> None:
    transcript = Transcript()
    for position in range(4):
        transcript.record(position, _hidden(1, position), TOKEN)
    one = _hidden(1).nbytes
    assert [step.step for step in transcript.excerpt(1, 9, 10 * one)] == [1, 2, 3]
    assert [step.step for step in transcript.excerpt(1, 9, 2 * one)] == [1, 2]
    assert [step.step for step in transcript.excerpt(3, 9, 0)] == [3]
    np.testing.assert_array_equal(transcript.excerpt(2, 1, one)[0].inputs, _hidden(1, 2))
    with raises_telling(RequestRefusedError, match="step 4"):
        transcript.excerpt(4, 1, one)


def test_memory_is_bounded_and_the_refusal_leaves_the_transcript_as_it_was() -> None:
    transcript = Transcript(maximum_bytes=_hidden(2).nbytes)
    transcript.record(0, _hidden(2), TOKEN)
    before = transcript.seal()
    with raises_telling(TranscriptFullError, match="limit"):
        transcript.record(2, _hidden(1), TOKEN)
    assert transcript.seal() == before
    assert transcript.next_step == 1


def test_a_seal_may_cover_the_first_steps_only() -> None:
    transcript, short = Transcript(), Transcript()
    for position in range(4):
        transcript.record(position, _hidden(1, position), TOKEN)
    for position in range(2):
        short.record(position, _hidden(1, position), TOKEN)
    assert transcript.seal(2) == short.seal()
    assert transcript.seal(9) == transcript.seal()
    assert transcript.seal(0) == Transcript().seal()


@pytest.mark.parametrize("answers", [True, False])
def test_who_goes_on_from_first_steps_signs_for_them_as_if_they_were_its_own(
    answers: bool,  # noqa: FBT001
) -> None:
    earlier, own = Transcript(), Transcript()
    unanswered = np.array([-1], np.int64)
    chosen, unwanted = (choice_leaf(UNSTEERED), choice_leaf(None)) if answers else (None, None)
    for transcript, committed, choice in (
        (earlier, TOKEN, chosen),
        (own, unanswered if answers else TOKEN, unwanted),
    ):
        transcript.record(0, _hidden(3), committed, choice)
        transcript.record(3, _hidden(2, 2.0), committed, choice)
    earlier.record(5, _hidden(1, 3.0), TOKEN, chosen)
    following = earlier.beginning(2, answers=answers)
    for transcript in (following, own):
        transcript.record(5, _hidden(4, 7.0), TOKEN, chosen)
    assert following.seal() == own.seal()
    assert following.seal(1) == own.seal(1)
    assert following.excerpt(0, 3, 1 << 30)[1].position == 3
    assert (earlier.next_step, earlier.rows_of(3), earlier.rows_of(4)) == (3, 6, None)


def test_rows_of_a_transcript_that_went_back_are_not_known() -> None:
    transcript = Transcript()
    transcript.record(0, _hidden(3), TOKEN)
    assert transcript.rows_of(1) == 3
    transcript.record(1, _hidden(2), TOKEN)
    assert transcript.rows_of(1) is None


@given(st.lists(st.integers(1, 3), min_size=1, max_size=6), st.data())
def test_steps_that_were_withdrawn_never_came(sizes: list[int], data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, len(sizes)))
    withdrawn, only = Transcript(), Transcript()
    position = 0
    for number, size in enumerate(sizes):
        inputs, outputs = np.full((1, size), number), np.full((1, size, 2), number, np.float32)
        withdrawn.record(position, inputs, outputs)
        if number < kept:
            only.record(position, inputs, outputs)
        position += size
    withdrawn.withdraw(kept)
    assert withdrawn.seal() == only.seal()
    assert (withdrawn.next_step, withdrawn.size_bytes) == (only.next_step, only.size_bytes)
    assert withdrawn.rows_of(kept) == only.rows_of(kept)
    position = sum(sizes[:kept])
    for transcript in (withdrawn, only):
        transcript.record(position, np.full((1, 1), 9), np.full((1, 1, 2), 9, np.float32))
    assert withdrawn.seal() == only.seal()
    assert withdrawn.gapless
