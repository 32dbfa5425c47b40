"""Rows of a text come out the same however it is cut, or that is not claimed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.models.importing import cut_check
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from tests.assignments import blocks
from tests.integration.workers.model import SLOTS, Sizes, shape_of, write_llama
from workers.engine.engine import ShardEngine
from workers.engine.processor import numerical_class
from workers.protocol.wire import Tensor

ALIKE_ON = numerical_class(cut_check.THREADS)


def _imported(folder: Path, form: str, context_tokens: int = 256) -> str:
    """Import a small random model and return what was found out about its rows."""
    sizes = Sizes(context=context_tokens)
    library = Library(folder / form)
    manifest = library.import_folder(write_llama(folder / f"{form}-source", sizes), "toy", form)
    return library.cut_stable_on(manifest)


@pytest.mark.parametrize("form", [form.value for form in Quantization])
def test_rows_of_every_form_come_out_the_same_however_a_text_is_cut(
    form: str, tmp_path: Path
) -> None:
    assert _imported(tmp_path, form) == ALIKE_ON


@pytest.mark.parametrize("form", [form.value for form in Quantization])
def test_a_row_alone_comes_out_the_same_among_those_of_other_texts(
    form: str, tmp_path: Path
) -> None:
    """So that an answer's rows, computed again alone, are those that its group computed."""
    library = Library(tmp_path)
    manifest = library.import_folder(write_llama(tmp_path / "source", Sizes()), "toy", form)
    shard = library.shard(manifest, blocks(manifest, 1, 2))
    engine = ShardEngine(library.store.path(shard.graph.sha256), shape_of(shard), 1)
    shape = (SLOTS, 24, engine.shape.hidden_size)
    texts = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    lengths = [3 + 4 * slot for slot in range(SLOTS)]

    def begin() -> None:
        for slot, length in enumerate(lengths):
            engine.forget(slot)
            engine.run(slot, 0, texts[slot : slot + 1, :length])

    begin()
    alone = [
        [engine.run(slot, at, texts[slot : slot + 1, at : at + 1]) for at in (length, length + 1)]
        for slot, length in enumerate(lengths)
    ]
    begin()
    for step in range(2):
        places = [length + step for length in lengths]
        rows = np.stack([texts[slot, at : at + 1] for slot, at in enumerate(places)])
        together = engine.run_rows(range(SLOTS), places, rows)
        assert np.array_equal(together, np.concatenate([each[step] for each in alone]))


def test_nothing_is_claimed_of_a_context_too_short_to_try(tmp_path: Path) -> None:
    assert _imported(tmp_path, "f32", context_tokens=cut_check.ROWS - 1) == ""


@pytest.mark.parametrize("where", ["outputs", "cache"])
def test_a_bit_that_depends_on_the_cut_is_found(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ShardEngine.run

    def uneven(engine: ShardEngine, slot: int, position: int, inputs: Tensor) -> Tensor:
        outputs = run(engine, slot, position, inputs)
        if inputs.shape[1] == 3:
            changed = next(iter(engine._cache._buffers.values())) if where == "cache" else outputs
            flat = changed.reshape(-1)
            flat[0] = np.nextafter(flat[0], np.float32(9))
        return outputs

    monkeypatch.setattr(ShardEngine, "run", uneven)
    assert _imported(tmp_path, "f32") == ""
