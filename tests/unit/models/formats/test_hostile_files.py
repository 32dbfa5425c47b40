"""Files that somebody else made: what does not fit is named, and nothing long begins."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.formats.adapted_folder import AdaptedFolder
from app.models.formats.adapter import Adapter
from app.models.formats.checkpoint import Checkpoint
from app.models.formats.gguf import tokenizer as gguf_tokenizer
from app.models.formats.packed.bitsandbytes import TableMatrix
from app.models.formats.packed.grouped import AwqMatrix, CompressedMatrix, GptqMatrix
from app.models.formats.packed.interface import PackedMatrix
from app.models.formats.vocabularies import tekken as tekken_file
from tests.unit.models.families import write_family
from tests.unit.models.formats.test_adapter import write_adapter
from tests.unit.models.formats.test_vocabularies import field, pieces, read, tekken

Array = NDArray[Any]
DEEP = "[" * 100_000


class Stored:
    """Tensors in memory."""

    def __init__(self, tensors: Mapping[str, Array]) -> None:
        self._tensors = tensors

    def __contains__(self, tensor: str) -> bool:
        return tensor in self._tensors

    def shape_of(self, tensor: str) -> tuple[int, ...]:
        return self._tensors[tensor].shape

    def read(self, tensor: str, *place: slice) -> Array:
        return self._tensors[tensor][place]


def words(*shape: int) -> Array:
    return np.zeros(shape, np.int32)


def floats(*shape: int) -> Array:
    return np.ones(shape, np.float32)


def without_groups() -> PackedMatrix:
    parts = {"m.qweight": words(16, 1), "m.qzeros": words(0, 1), "m.scales": floats(0, 8)}
    return AwqMatrix(Stored(parts), "m", 32)


def of_a_part_of_a_group() -> PackedMatrix:
    parts = {"m.qweight": words(16, 1), "m.qzeros": words(1, 1), "m.scales": floats(1, 8)}
    return AwqMatrix(Stored(parts), "m", 12)


def without_scales() -> PackedMatrix:
    parts = {"m.weight_packed": words(8, 2), "m.weight_scale": floats(8, 0)}
    return CompressedMatrix(Stored(parts), "m", 4)


def of_a_part_of_a_word() -> PackedMatrix:
    parts = {"m.qweight": words(1, 8), "m.qzeros": words(1, 1), "m.scales": floats(1, 8)}
    return GptqMatrix(Stored({**parts, "m.g_idx": words(12)}), "m", 4, 0, 1)


def with_a_deep_state() -> PackedMatrix:
    state = np.frombuffer(DEEP.encode()[:60_000], np.uint8)
    return TableMatrix(Stored({"m.state": state}), "m", ".state")


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (without_groups, (8, 16)),
        (of_a_part_of_a_group, (8, 16)),
        (without_scales, (8, 16)),
        (of_a_part_of_a_word, (8, 12)),
        (with_a_deep_state, (8, 16)),
    ],
)
def test_parts_that_make_no_whole_matrix_are_refused_before_they_are_read(
    make: Callable[[], PackedMatrix], shape: tuple[int, int]
) -> None:
    with pytest.raises(BadInputError):
        make().require(shape)


def test_settings_nested_without_end_are_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(DEEP)
    with pytest.raises(BadInputError):
        Configuration.from_file(tmp_path / "config.json")


def _deep(_fields: dict[str, Any]) -> object:
    return None


def _settings_in_a_list(fields: dict[str, Any]) -> object:
    return {**fields, "config": [1]}


def _a_pattern_that_is_none(fields: dict[str, Any]) -> object:
    return {**fields, "config": {**fields["config"], "pattern": "((("}}


def _one_old_control(fields: dict[str, Any]) -> object:
    config = {**fields["config"], "default_num_special_tokens": 1}
    return {"config": config, "vocab": fields["vocab"]}


@pytest.mark.parametrize(
    "change", [_deep, _settings_in_a_list, _a_pattern_that_is_none, _one_old_control]
)
def test_a_tekken_file_of_any_make_is_damaged_at_worst(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    tekken(tmp_path)
    path = tmp_path / "tekken.json"
    changed = change(json.loads(path.read_text()))
    path.write_text(DEEP if changed is None else json.dumps(changed))
    with pytest.raises(BadInputError):
        read(tmp_path)


def test_a_token_without_end_is_refused_before_it_is_cut_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tekken(tmp_path)
    path = tmp_path / "tekken.json"
    fields = json.loads(path.read_text())
    fields["vocab"][300 - 40]["token_bytes"] = base64.b64encode(b"a" * 5000).decode()
    path.write_text(json.dumps(fields))
    monkeypatch.setattr(tekken_file, "_cuts", lambda *_: pytest.fail("cut"))
    with pytest.raises(BadInputError):
        read(tmp_path)
    with pytest.raises(ValueError, match="1024"):
        gguf_tokenizer._merges(["a" * 5000], {"a" * 5000: 0}, [0.0])


def test_a_piece_whose_kind_is_no_number_is_damage(tmp_path: Path) -> None:
    pieces(tmp_path)
    path = tmp_path / "tokenizer.model"
    odd = field(1, field(1, b"odd") + field(3, b"x"))
    path.write_bytes(path.read_bytes() + odd)
    with pytest.raises(BadInputError):
        read(tmp_path)


@pytest.mark.parametrize("odd", ["\u00b2", "1" * 5000])
def test_an_added_token_whose_id_is_no_number_is_left_out(tmp_path: Path, odd: str) -> None:
    pieces(tmp_path)
    settings = {"added_tokens_decoder": {odd: {"content": "<odd>"}}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert read(tmp_path).token_id("<odd>") is None


def test_an_added_token_before_the_first_is_left_out(tmp_path: Path) -> None:
    pieces(tmp_path)
    (tmp_path / "added_tokens.json").write_text('{"<odd>": -5}')
    assert read(tmp_path).token_id("<odd>") is None


def test_a_vocabulary_with_an_id_without_end_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text('{"a": Infinity}')
    (tmp_path / "merges.txt").write_text("")
    with pytest.raises(BadInputError):
        read(tmp_path)


def test_an_adapter_of_no_rank_or_of_sums_without_end_is_refused(tmp_path: Path) -> None:
    base = write_family(tmp_path / "base", "llama")
    folder = write_adapter(tmp_path / "a", base, lora_alpha=1e29)
    path = folder / "adapter_model.safetensors"
    tensors = {name: values * np.float32(1e10) for name, values in load_file(path).items()}
    save_file(tensors, path)
    adapted = AdaptedFolder(Checkpoint(base), Adapter.read(folder))
    target = "model.layers.0.self_attn.q_proj.weight"
    with pytest.raises(BadInputError):
        list(adapted.pieces(target))
    name = next(each for each in tensors if each.endswith("lora_A.weight"))
    save_file(
        {
            name: np.zeros((0, tensors[name].shape[1]), np.float32),
            name.replace("lora_A", "lora_B"): np.zeros((8, 0), np.float32),
        },
        path,
    )
    with pytest.raises(BadInputError):
        Adapter.read(folder)
