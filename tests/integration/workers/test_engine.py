from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.models.whole import WholeModel
from tests.integration.workers.model import CONTEXT, HIDDEN, LAYERS, SLOTS, ToyModel, rows, shape_of
from tests.saying import raises_telling
from workers.engine.engine import ShardEngine
from workers.errors import EngineError
from workers.protocol.chain import ChainName, Span

PROMPT = [1, 40, 7, 93, 22, 5, 61, 18, 77]


def test_rows_and_chunks_equal_a_plain_session_bit_for_bit(model: ToyModel) -> None:
    plain = WholeModel(model.manifest, model.library)
    engine = model.engine(0, LAYERS - 1)
    np.testing.assert_array_equal(engine.run(0, 0, rows(PROMPT))[0], plain.step(PROMPT, 0))
    for position, token in enumerate((3, 4, 5), start=len(PROMPT)):
        expected = plain.step([token], position)
        np.testing.assert_array_equal(engine.run(0, position, rows([token]))[0], expected)


def test_shards_in_a_row_equal_the_whole_bit_for_bit(model: ToyModel) -> None:
    whole = model.engine(0, LAYERS - 1)
    parts = [model.engine(0, 0), model.engine(1, 2), model.engine(3, 3)]
    for position, tokens in ((0, PROMPT), (len(PROMPT), [8]), (len(PROMPT) + 1, [9])):
        state = rows(tokens)
        for part in parts:
            state = part.run(1, position, state)
        np.testing.assert_array_equal(state, whole.run(1, position, rows(tokens)))


def test_slots_with_unequal_lengths_do_not_disturb_each_other(model: ToyModel) -> None:
    engine = model.engine(0, LAYERS - 1)
    prompts = [PROMPT[: 3 + 2 * slot] for slot in range(SLOTS)]
    for slot, prompt in enumerate(prompts):
        engine.run(slot, 0, rows(prompt))
    for slot, prompt in enumerate(prompts):
        alone = model.engine(0, LAYERS - 1)
        alone.run(0, 0, rows(prompt))
        expected = alone.run(0, len(prompt), rows([11]))
        np.testing.assert_array_equal(engine.run(slot, len(prompt), rows([11])), expected)


@pytest.mark.parametrize("slots", [(0, 1, 2), (2, 0), (1,)])
def test_slots_run_together_give_what_they_give_alone(
    model: ToyModel, slots: tuple[int, ...]
) -> None:
    together, alone = model.engine(0, LAYERS - 1), model.engine(0, LAYERS - 1)
    lengths = {slot: 2 + 3 * slot for slot in range(SLOTS)}
    for slot, length in lengths.items():
        for engine in (together, alone):
            engine.run(slot, 0, rows(PROMPT[:length]))
    for step in range(3):
        fed = [[20 + step + slot] for slot in slots]
        positions = [lengths[slot] + step for slot in slots]
        found = together.run_rows(slots, positions, np.array(fed, np.int64))
        for row, (slot, position) in enumerate(zip(slots, positions, strict=True)):
            expected = alone.run(slot, position, rows(fed[row]))[0]
            np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-4)


def test_a_slot_run_along_with_its_neighbours_keeps_its_rows(model: ToyModel) -> None:
    engine = model.engine(0, LAYERS - 1)
    full = [5] * CONTEXT
    for slot, prompt in enumerate((PROMPT, full, PROMPT)):
        engine.run(slot, 0, rows(prompt))
    before = engine.run(1, CONTEXT - 1, rows([9]))
    engine.run(1, CONTEXT - 1, rows([5]))
    position = len(PROMPT)
    engine.run_rows([0, 2], [position, position], np.array([[1], [2]], np.int64))
    np.testing.assert_array_equal(engine.run(1, CONTEXT - 1, rows([9])), before)


def test_rows_run_together_are_single_and_of_different_slots(model: ToyModel) -> None:
    engine = model.engine(0, LAYERS - 1)
    with raises_telling(EngineError, match="single rows"):
        engine.run_rows([0, 1], [0, 0], np.array([[1, 2], [3, 4]], np.int64))
    with raises_telling(EngineError, match="one row at a time"):
        engine.run_rows([0, 0], [0, 0], np.array([[1], [2]], np.int64))


def test_a_prompt_in_chunks_gives_what_it_gives_whole(model: ToyModel) -> None:
    expected = model.engine(0, LAYERS - 1).run(0, 0, rows(PROMPT))
    engine = model.engine(0, LAYERS - 1)
    engine.run(0, 0, rows(PROMPT[:4]))
    chunked = engine.run(0, 4, rows(PROMPT[4:]))
    np.testing.assert_allclose(chunked, expected, rtol=1e-4, atol=1e-4)
    assert chunked.argmax() == expected.argmax()


def test_a_lower_position_rolls_the_slot_back(model: ToyModel) -> None:
    engine = model.engine(0, LAYERS - 1)
    engine.run(0, 0, rows(PROMPT))
    first = engine.run(0, len(PROMPT), rows([30]))
    engine.run(0, len(PROMPT) + 1, rows([31, 32, 33]))
    np.testing.assert_array_equal(engine.run(0, len(PROMPT), rows([30])), first)
    with raises_telling(EngineError, match="leaves a gap"):
        engine.run(0, len(PROMPT) + 2, rows([31]))


def test_an_emptied_slot_starts_again_at_zero(model: ToyModel) -> None:
    engine = model.engine(0, LAYERS - 1)
    first = engine.run(0, 0, rows(PROMPT))
    engine.forget(0)
    with raises_telling(EngineError, match="leaves a gap: 0 rows"):
        engine.run(0, len(PROMPT), rows([1]))
    np.testing.assert_array_equal(engine.run(0, 0, rows(PROMPT)), first)


def test_the_context_can_be_filled_to_the_last_token_and_no_further(model: ToyModel) -> None:
    engine = model.engine(0, LAYERS - 1)
    engine.run(0, 0, rows([5] * (CONTEXT - 1)))
    engine.run(0, CONTEXT - 1, rows([6]))
    with raises_telling(EngineError, match=f"exceed the context of {CONTEXT}"):
        engine.run(0, CONTEXT, rows([7]))


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (np.array([[97]], np.int64), "not below 97"),
        (np.array([[-1]], np.int64), "not below 97"),
        (np.zeros((1, 0), np.int64), "at least one row"),
        (np.zeros((2, 1), np.int64), "not what the span takes"),
        (np.zeros(1, np.int64), "not what the span takes"),
        (np.zeros((1, 1, HIDDEN), np.float32), "not what the span takes"),
    ],
)
def test_rows_that_do_not_fit_are_refused(model: ToyModel, inputs: np.ndarray, reason: str) -> None:
    with raises_telling(EngineError, match=reason):
        model.engine(0, LAYERS - 1).run(0, 0, inputs)


def test_a_slot_that_does_not_exist_is_refused(model: ToyModel) -> None:
    with raises_telling(EngineError, match=f"there are {SLOTS}"):
        model.engine(0, 0).run(SLOTS, 0, rows([1]))


def test_a_hidden_state_in_an_unaligned_buffer_gives_the_same(model: ToyModel) -> None:
    engine = model.engine(1, 1)
    hidden = np.random.default_rng(1).standard_normal((1, 5, HIDDEN)).astype(np.float32)
    unaligned = np.frombuffer(b"\0" + hidden.tobytes(), np.uint8)[1:].view(np.float32)
    shifted = unaligned.reshape(hidden.shape)
    assert not shifted.flags.aligned
    np.testing.assert_array_equal(engine.run(0, 0, shifted), engine.run(1, 0, hidden))


def test_sizes_count_weights_and_cache(model: ToyModel) -> None:
    shard = model.shard(1, 2)
    engine = ShardEngine(model.path(shard.graph.sha256), shape_of(shard), 1)
    blobs = sum(blob.size_bytes for blob in shard.blobs)
    assert engine.weight_bytes == blobs + shard.graph.size_bytes
    assert engine.kv_bytes == shape_of(shard).kv_bytes == 2 * 2 * SLOTS * CONTEXT * 2 * 16 * 4


def test_a_graph_of_another_span_is_refused(model: ToyModel) -> None:
    shard = model.shard(1, 2)
    path = model.path(shard.graph.sha256)
    with raises_telling(EngineError, match="2 layers instead of 1"):
        ShardEngine(path, replace(shape_of(shard), blocks=Span(ChainName.DECODER, 1, 2)), 1)
    with raises_telling(EngineError, match="not those of its span"):
        ShardEngine(path, replace(shape_of(shard), has_head=True), 1)


def test_a_graph_that_is_not_one_is_refused_in_one_line(model: ToyModel, tmp_path: Path) -> None:
    path = tmp_path / "graph"
    path.write_bytes(b"not a graph")
    with raises_telling(EngineError, match="cannot be loaded") as caught:
        ShardEngine(path, shape_of(model.shard(0, 0)), 1)
    assert "\n" not in str(caught.value)


def test_a_cache_beyond_all_memory_is_refused(model: ToyModel) -> None:
    shard = model.shard(0, 0)
    shape = replace(shape_of(shard), slots=1 << 40)
    with raises_telling(EngineError, match="no memory"):
        ShardEngine(model.path(shard.graph.sha256), shape, 1)
