"""Adapters (LoRA) merged at import, and those that are for another model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from app.core.errors import BadInputError
from app.models.library import Library
from tests.saying import raises_saying
from tests.unit.models.families import write_family

RANK, ALPHA = 4, 6
TARGETS = ("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj")


def write_adapter(
    folder: Path, base: Path, targets: tuple[str, ...] = TARGETS, **fields: object
) -> Path:
    """Write an adapter for a checkpoint as peft does."""
    folder.mkdir(parents=True, exist_ok=True)
    generator, tensors = np.random.default_rng(3), dict[str, Any]()
    for name, values in load_file(base / "model.safetensors").items():
        if name.endswith(tuple(f"{target}.weight" for target in targets)):
            rows, columns = values.shape
            own = "base_model.model." + name.removesuffix(".weight")
            draw = generator.standard_normal
            tensors[own + ".lora_A.weight"] = draw((RANK, columns)).astype(np.float32) * 0.1
            tensors[own + ".lora_B.weight"] = draw((rows, RANK)).astype(np.float32) * 0.1
    save_file(tensors, folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA",
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": list(targets),
    }
    settings |= {"base_model_name_or_path": "someone/base", **fields}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


def merged(folder: Path, base: Path, adapter: Path, scale: float) -> Path:
    """Write the checkpoint with the sums in it."""
    tensors = load_file(base / "model.safetensors")
    parts = load_file(adapter / "adapter_model.safetensors")
    for name in [each for each in parts if each.endswith("lora_A.weight")]:
        target = name.removeprefix("base_model.model.").replace(".lora_A", "")
        sums = parts[name.replace("lora_A", "lora_B")] * np.float32(scale) @ parts[name]
        tensors[target] = tensors[target] + sums
    folder.mkdir()
    for file in base.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    save_file(tensors, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize(("stable", "beside"), [(False, False), (True, True)])
def test_a_merged_adapter_is_the_model_with_its_sums(
    tmp_path: Path, home: Path, *, stable: bool, beside: bool
) -> None:
    library, base = Library(home), write_family(tmp_path / "base", "llama")
    place = base if beside else tmp_path / "adapter"
    scale = ALPHA / (RANK**0.5 if stable else RANK)
    adapter = write_adapter(tmp_path / "made", base, use_rslora=stable)
    expected = library.import_folder(merged(tmp_path / "sum", base, adapter, scale), "sum")
    write_adapter(place, base, use_rslora=stable)
    found = library.import_folder(base, "m", adapter=None if beside else place)
    assert [each.sha256 for each in found.blobs] == [each.sha256 for each in expected.blobs]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"peft_type": "IA3"}, "'IA3' are not read"),
        ({"use_dora": True}, "use_dora are not read"),
    ],
)
def test_an_adapter_of_another_kind_is_named(
    tmp_path: Path, home: Path, fields: dict[str, Any], line: str
) -> None:
    base = write_family(tmp_path / "base", "llama")
    adapter = write_adapter(tmp_path / "adapter", base, **fields)
    with raises_saying(BadInputError, match=line):
        Library(home).import_folder(base, "m", adapter=adapter)


def test_an_adapter_for_another_base_is_refused_and_nothing_is_imported(
    tmp_path: Path, home: Path
) -> None:
    library, base = Library(home), write_family(tmp_path / "base", "llama")
    wider = write_family(tmp_path / "wider", "llama", hidden_size=96)
    deeper = write_family(tmp_path / "deeper", "llama", num_hidden_layers=4)
    for number, other in enumerate((wider, deeper)):
        adapter = write_adapter(tmp_path / str(number), other)
        with raises_saying(BadInputError, match="for another model.*someone/base"):
            library.import_folder(base, "m", adapter=adapter)
    assert library.models() == ()


def test_an_adapter_alone_names_its_base(tmp_path: Path, home: Path) -> None:
    base = write_family(tmp_path / "base", "llama")
    adapter = write_adapter(tmp_path / "adapter", base)
    with raises_saying(BadInputError, match="Import its base, someone/base, with --adapter"):
        Library(home).import_folder(adapter, "m")
