"""A model's keys and values kept as half or whole numbers: the same rows wherever they are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.models.configuration import Configuration
from app.models.families.registry import family_of
from app.models.importing.cache_forms import LARGEST, pairs_of, reach_of
from app.models.importing.forecast import forecast
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.models.shards import span_shape
from app.models.whole import WholeModel
from app.proof.records.request_text import model_content
from app.proof.sharp.attention import turned
from app.proof.sharp.graph import NotCoveredError, StageGraph
from app.proof.sharp.operators import require_covered
from tests.assignments import blocks
from tests.saying import raises_saying
from tests.soak import slice_of
from tests.unit.models.families import write_family
from tests.unit.models.support import run_ring, stages, write_random
from tests.unit.models.test_forecast import costs
from workers.engine.engine import ShardEngine
from workers.errors import EngineError
from workers.protocol.span_shape import CacheType, RowForm

SMALLER = (RowForm.F16, RowForm.INT8)
FAMILIES = ("llama", "llama-odd-heads", "gemma2", "gemma3", "gpt_oss", "bloom", "gpt2", "glm")
"""Rotary inside attention and beside it, windows, soft caps, sinks, biases and neighbours."""
QUICK = ("llama-odd-heads",)
PROMPT = [0, 17, 200, 5, 42, 9, 9, 77, 130, 3, 61, 8]
OFF_BY = {RowForm.F16: 0.01, RowForm.INT8: 0.3}
"""Of all logits, their sizes: random weights forgive nothing."""


def imported(folder: Path, name: str, form: RowForm, quantization: str = "f32") -> ModelManifest:
    source = folder / name
    if not source.exists():
        write_family(source, name)
    return Library(folder / "home").import_folder(
        source, f"{name}-{form.word}-{quantization}", quantization, cache_rows=form
    )


@pytest.mark.parametrize("name", slice_of(FAMILIES, *QUICK))
def test_shards_equal_the_monolith_and_float32_is_near(name: str, tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    expected = WholeModel(imported(tmp_path, name, RowForm.F32), library).step(PROMPT, 0)
    for form in SMALLER:
        manifest = imported(tmp_path, name, form)
        whole, ring = WholeModel(manifest, library), stages(library, manifest, 3)
        found = whole.step(PROMPT, 0)
        assert np.array_equal(run_ring(ring, PROMPT, 0)[0], found)
        assert np.array_equal(run_ring(ring, [7], len(PROMPT))[0], whole.step([7], len(PROMPT)))
        off = np.abs(found - expected).mean() / np.abs(expected).mean()
        assert 0 < off < OFF_BY[form]


@pytest.mark.parametrize("form", SMALLER)
def test_a_row_is_the_same_alone_among_others_and_however_a_text_is_cut(
    form: RowForm, tmp_path: Path
) -> None:
    library = Library(tmp_path / "home")
    source = write_random(tmp_path / "c", max_position_embeddings=160)
    manifest = library.import_folder(source, "m", "q8", cache_rows=form)
    assert library.cut_stable_on(manifest)
    shard = library.shard(manifest, blocks(manifest, 1, 2))
    engine = ShardEngine(
        library.store.path(shard.graph.sha256), span_shape(manifest, shard, 64, slots=3), 1
    )
    drawn = np.random.default_rng(1).standard_normal((3, 21, 64)).astype(np.float32)
    lengths = (20, 7, 13)

    def begin() -> None:
        for slot, length in enumerate(lengths):
            engine.forget(slot)
            engine.run(slot, 0, drawn[slot : slot + 1, :length])

    begin()
    rows = np.stack([drawn[slot, at : at + 1] for slot, at in enumerate(lengths)])
    alone = [engine.run(slot, at, rows[slot : slot + 1]) for slot, at in enumerate(lengths)]
    begin()
    assert np.array_equal(engine.run_rows(range(3), lengths, rows), np.concatenate(alone))
    engine.begin_with(2, 15, 0)
    resumed = engine.run(2, 15, drawn[:1, 15:20])
    engine.forget(1)
    whole = engine.run(1, 0, drawn[:1, :20])
    assert np.array_equal(resumed, whole[:, 15:])


@pytest.mark.parametrize("form", SMALLER)
def test_what_it_takes_is_foreseen_and_weights_are_the_same_files(
    form: RowForm, tmp_path: Path
) -> None:
    plain = imported(tmp_path, "llama", RowForm.F32, "q8")
    smaller = imported(tmp_path, "llama", form, "q8")
    family = family_of(Configuration.from_file(tmp_path / "llama" / "config.json"))
    assert costs(forecast("m", family, Quantization.Q8, form)) == costs(smaller)
    assert set(plain.blobs) <= set(smaller.blobs)
    assert len(smaller.blobs) - len(plain.blobs) == form.has_steps
    for block, former in zip(smaller.blocks, plain.blocks, strict=True):
        share = 4 // form.number_bytes
        assert block.kv_bytes_per_token * share == former.kv_bytes_per_token


def test_a_shape_says_its_form_and_a_graph_of_another_is_refused(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    for form, told in zip(RowForm, ("f4", "f2", "i1"), strict=True):
        manifest = imported(tmp_path, "llama", form)
        shard = library.shard(manifest, blocks(manifest, 1, 2))
        shape = span_shape(manifest, shard, 32, slots=2)
        assert shape.cache is CacheType(told)
        engine = ShardEngine(library.store.path(shard.graph.sha256), shape, 1)
        assert engine.kv_bytes == shape.kv_bytes == 2 * 2 * 2 * 32 * 2 * 16 * form.number_bytes
        for other in set(RowForm) - {form}:
            changed = type(shape)(**{**vars(shape), "cache_rows": other})
            with pytest.raises(EngineError):
                ShardEngine(library.store.path(shard.graph.sha256), changed, 1)


@pytest.mark.parametrize("form", SMALLER)
def test_nobody_is_convicted_by_operators_that_are_not_computed_again(
    form: RowForm, tmp_path: Path
) -> None:
    library = Library(tmp_path / "home")
    manifest = imported(tmp_path, "llama", form)
    shard = library.shard(manifest, blocks(manifest, 1, 2))
    assert shard.quantized
    with pytest.raises(NotCoveredError):
        require_covered(StageGraph.read(library.store.path(shard.graph.sha256)))


def test_models_with_float32_rows_are_called_as_before(tmp_path: Path) -> None:
    before = model_content(imported(tmp_path, "llama", RowForm.F32))
    assert b"cache_rows" not in before
    assert b'"eyes"' not in before
    assert b'"cache_rows":"f2"' in model_content(imported(tmp_path, "llama", RowForm.F16))


def test_a_family_whose_cache_is_float32_says_so_before_it_begins(tmp_path: Path) -> None:
    with raises_saying(BadInputError, "f16 and int8 are for decoders"):
        imported(tmp_path, "bert", RowForm.INT8)
    assert not Library(tmp_path / "home").models()


@given(
    seed=st.integers(0, 1 << 16),
    position=st.integers(0, 1 << 20),
    half=st.sampled_from([4, 8]),
    neighbours=st.booleans(),
)
def test_a_key_within_its_steps_stays_so_wherever_it_is_turned_to(
    *, seed: int, position: int, half: int, neighbours: bool
) -> None:
    key = np.random.default_rng(seed).standard_normal((1, 1, 2 * half)).astype(np.float32)
    reach = reach_of(key, [pairs_of(half, int(neighbours))])
    angles = position * 10_000.0 ** (-np.arange(half) / half)
    at = turned(key.ravel(), 2 * half, np.cos(angles), np.sin(angles), neighbours=neighbours)
    assert (np.abs(at.value) <= reach.ravel() * (1 + 1e-6)).all()
    assert np.abs(at.value / (reach.ravel() / LARGEST)).max() <= LARGEST + 0.5
