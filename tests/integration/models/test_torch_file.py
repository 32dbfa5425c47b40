"""Weights that torch saved: the same model as from safetensors, and no code is run."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest

from app.core.errors import BadInputError
from app.models.library import Library
from app.words.sentences import error_text
from tests.saying import raises_saying
from tests.unit.models.families import write_family

torch = pytest.importorskip("torch", reason="torch is not installed: no file to read")
from safetensors.torch import load_file  # noqa: E402 - needs torch


def torch_folder(folder: Path, name: str, *, files: int = 1) -> Path:
    """Write a checkpoint's weights as torch would, in one file or with an index."""
    write_family(folder, name)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    tensors["model.layers.0.mask"] = torch.ones(4, dtype=torch.bool)
    if files == 1:
        torch.save(tensors, folder / "pytorch_model.bin")
        return folder
    placed = {key: f"pytorch_model-{index % files}.bin" for index, key in enumerate(tensors)}
    for file in set(placed.values()):
        own = {key: torch.nn.Parameter(tensors[key], requires_grad=False) for key in tensors}
        torch.save({key: own[key] for key in own if placed[key] == file}, folder / file)
    index = folder / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": placed}))
    return folder


@pytest.mark.parametrize("files", [1, 2])
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_the_model_is_that_of_the_same_weights_as_safetensors(
    tmp_path: Path, name: str, files: int
) -> None:
    library = Library(tmp_path / "home")
    expected = library.import_folder(write_family(tmp_path / "a", name), "a", "q4")
    found = library.import_folder(torch_folder(tmp_path / "b", name, files=files), "b", "q4")
    assert found.blocks == expected.blocks


class Payload:
    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._marker),)


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    folder, marker = torch_folder(tmp_path / "c", "llama"), tmp_path / "marker"
    torch.save({"model.norm.weight": Payload(marker)}, folder / "pytorch_model.bin")
    with raises_saying(BadInputError, match=r"damaged or cut short: .*mkdir") as caught:
        Library(tmp_path / "home").import_folder(folder, "m")
    assert not marker.exists()
    assert len(error_text(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "listed",
    [[1, 2], {"x": 1}, {"x": "y"}, {1: None}, {}],
    ids=["list", "number", "text", "unnamed", "none"],
)
def test_what_is_no_dictionary_of_tensors_is_one_line(tmp_path: Path, listed: object) -> None:
    folder = torch_folder(tmp_path / "c", "llama")
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps(listed))
    with pytest.raises(BadInputError) as caught:
        Library(tmp_path / "home").import_folder(folder, "m")
    assert len(error_text(caught.value).splitlines()) == 1


@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_a_file_cut_short_is_told(tmp_path: Path, kept: float) -> None:
    folder = torch_folder(tmp_path / "c", "llama")
    content = (folder / "pytorch_model.bin").read_bytes()
    (folder / "pytorch_model.bin").write_bytes(content[: int(kept * len(content))])
    with raises_saying(BadInputError, match="pytorch_model.bin is damaged or cut short"):
        Library(tmp_path / "home").import_folder(folder, "m")


def test_a_tensor_whose_numbers_do_not_follow_each_other_is_refused(tmp_path: Path) -> None:
    folder = torch_folder(tmp_path / "c", "llama")
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    tensors["model.norm.weight"] = tensors["model.embed_tokens.weight"].T
    torch.save(tensors, folder / "pytorch_model.bin")
    with raises_saying(BadInputError, match="pytorch_model.bin is damaged or cut short"):
        Library(tmp_path / "home").import_folder(folder, "m")
