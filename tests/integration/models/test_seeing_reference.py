"""Models that see against the reference implementation in torch: pixels, tokens, logits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.pictures.cutting import squares_of
from app.models.quantization.block_wise import Quantization
from tests.integration.models.seeing import (
    SEEING,
    a_picture,
    answered,
    as_told,
    pixels_of,
    saved_seeing,
    text_around,
    torch,
)
from tests.integration.models.test_pairs_reference import engines
from tests.saying import raises_saying
from workers.engine.engine import ShardEngine
from workers.errors import UnusableRowsError
from workers.protocol.wire import Tensor

TOKENS = 14
SPLITS = ((1, 2, 1, 2), (3, 3), (1, 1, 1, 2, 1))


def steps(
    manifest: ModelManifest, tokens: list[int], squares: Tensor, chunk: int
) -> list[tuple[int, Tensor]]:
    """Return a text's steps: places of pictures as pixels, what is between in chunks."""
    eyes, position, found, seen = manifest.eyes, 0, [], 0
    assert eyes is not None
    while position < len(tokens):
        if tokens[position] == eyes.token:
            found.append((position, squares[seen][None]))
            seen, position = seen + 1, position + eyes.rows
            continue
        part = tokens[position : position + chunk]
        part = part[: part.index(eyes.token)] if eyes.token in part else part
        found.append((position, np.array([part], np.int64)))
        position += len(part)
    return found


def through(chain: list[ShardEngine], position: int, inputs: Tensor) -> Tensor:
    for engine in chain:
        inputs = engine.run(1, position, inputs)
    return inputs


def read(chain: list[ShardEngine], planned: list[tuple[int, Tensor]]) -> Tensor:
    for position, inputs in planned:
        outputs = through(chain, position, inputs)
    return outputs


def written(chain: list[ShardEngine], logits: Tensor, position: int, count: int) -> list[int]:
    answer = [int(logits[0].argmax())]
    while len(answer) < count:
        logits = through(chain, position, np.array([answer[-1:]], np.int64))
        answer.append(int(logits[0].argmax()))
        position += 1
    return answer


@pytest.mark.parametrize("name", SEEING)
def test_shards_see_and_write_what_the_reference_does(tmp_path: Path, name: str) -> None:
    reference = saved_seeing(tmp_path / "c", name)
    library = Library(tmp_path / "home")
    manifest = library.import_folder(tmp_path / "c", "m")
    picture = a_picture(90, 50)
    assert manifest.eyes is not None
    squares = squares_of(picture, manifest.eyes).rows
    pixels = pixels_of(name, tmp_path / "c", picture)
    assert len(squares) == len(pixels)
    tokens = text_around(len(squares), SEEING[name].rows)
    expected = answered(reference, tokens, pixels, TOKENS)
    for sizes, chunk in zip(SPLITS, (3, 64, 2), strict=True):
        chain = engines(library, manifest, *sizes)
        logits = read(chain, steps(manifest, tokens, squares, chunk))
        assert written(chain, logits, len(tokens), TOKENS) == expected
    told = as_told(reference, pixels).double()
    with torch.no_grad():
        scores = reference.double()(torch.tensor([tokens]), pixel_values=told)
    row = scores.logits[0, -1].numpy()
    assert np.abs(logits[0] - row).max() <= 1e-4 * np.abs(row).max()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Library, ModelManifest]:
    folder = tmp_path_factory.mktemp("seen")
    saved_seeing(folder / "c", "idefics3")
    library = Library(folder / "home")
    return library, library.import_folder(folder / "c", "m", Quantization.Q4)


def test_a_model_that_sees_answers_texts_without_pictures_too(
    seen: tuple[Library, ModelManifest],
) -> None:
    chain = engines(*seen, 3, 3)
    logits = through(chain, 0, np.array([[1, 5, 9]], np.int64))
    assert np.isfinite(logits).all()
    singly = [through(chain, place, np.array([[token]])) for place, token in enumerate((1, 5, 9))]
    assert np.allclose(singly[-1], logits, rtol=1e-3, atol=1e-2)


def test_rows_of_several_texts_go_through_both_chains_together(
    seen: tuple[Library, ModelManifest],
) -> None:
    chain, texts = engines(*seen, 1, 2, 1, 2), ([1, 5, 9], [1, 44])
    alone = []
    for slot, text in enumerate(texts):
        rows: Tensor = np.array([text], np.int64)
        for engine in chain:
            rows = engine.run(slot, 0, rows)
        alone.append(int(rows[0].argmax()))
    together: Tensor = np.array(alone, np.int64)[:, None]
    for engine in chain:
        together = engine.run_rows((0, 1), tuple(map(len, texts)), together)
    for slot, text in enumerate(texts):
        rows = np.array([alone[slot : slot + 1]], np.int64)
        for engine in chain:
            rows = engine.run(slot, len(text), rows)
        assert np.allclose(rows[0], together[slot], rtol=1e-3, atol=1e-2)


def test_what_looks_stays_float32_in_every_quantisation(
    seen: tuple[Library, ModelManifest],
) -> None:
    library, manifest = seen
    graph = library.shard(manifest, manifest.span_of(0, 3))
    written_by = (library.store.path(graph.graph.sha256)).read_bytes()
    assert b"MatMulNBits" not in written_by
    assert not graph.quantized
    decoder = library.shard(manifest, manifest.span_of(3, 6))
    assert b"MatMulNBits" in library.store.path(decoder.graph.sha256).read_bytes()


@pytest.mark.parametrize(
    ("stage", "rows"),
    [
        (0, np.zeros((1, 3, 768), np.uint8)),
        (0, np.zeros((1, 4, 768), np.float32)),
        (0, np.zeros((1, 4, 767), np.uint8)),
        (1, np.zeros((1, 5, 192), np.float32)),
        (1, np.zeros((1, 4, 768), np.uint8)),
        (2, np.zeros((1, 4, 63), np.float32)),
        (2, np.zeros((1, 4, 64), np.uint8)),
        (3, np.zeros((1, 4), np.int64)),
    ],
)
def test_rows_that_are_not_a_spans_are_refused(
    seen: tuple[Library, ModelManifest], stage: int, rows: Tensor
) -> None:
    with pytest.raises(UnusableRowsError):
        engines(*seen, 1, 2, 1, 2)[stage].run(0, 0, rows)


def test_a_folder_that_does_not_say_how_pictures_come_gives_its_text_part(tmp_path: Path) -> None:
    saved_seeing(tmp_path / "c", "idefics3")
    (tmp_path / "c" / "preprocessor_config.json").unlink()
    told: list[str] = []
    library = Library(tmp_path / "home")
    manifest = library.import_folder(
        tmp_path / "c", "m", progress=lambda fact, *_: told.append(fact.code)
    )
    assert (manifest.eyes, manifest.two_chains) == (None, False)
    assert "import.text_part" in told


@pytest.mark.parametrize(
    "settings",
    [
        {"max_image_size": {"longest_edge": 64}},
        {"do_normalize": False},
        {"image_mean": [0.5]},
        {"size": {"longest_edge": 4096}},
        {"rescale_factor": 1.0},
    ],
)
def test_odd_settings_of_pictures_are_refused_before_anything_is_written(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    saved_seeing(tmp_path / "c", "idefics3")
    path = tmp_path / "c" / "preprocessor_config.json"
    path.write_text(json.dumps({**SEEING["idefics3"].settings, **settings}))
    with raises_saying(BadInputError, match="pictures with this setting"):
        Library(tmp_path / "home").import_folder(tmp_path / "c", "m")
