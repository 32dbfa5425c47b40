"""What is foreseen from a configuration is what the import then stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.facts import Fact
from app.core.model import ModelManifest
from app.models.configuration import Configuration
from app.models.families.registry import family_of
from app.models.importing.forecast import forecast
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from tests.unit.models.families import ANSWERING, FAMILIES, write_family


def costs(manifest: ModelManifest) -> list[tuple[object, ...]]:
    return [
        (
            block.kind,
            [blob.size_bytes for blob in block.blobs],
            block.weight_bytes,
            block.flops_per_token,
            block.kv_bytes_per_token,
        )
        for block in manifest.blocks
    ]


@pytest.mark.parametrize("name", [*FAMILIES, *ANSWERING])
def test_sizes_and_costs_are_foreseen_to_the_byte(name: str, tmp_path: Path, home: Path) -> None:
    folder = write_family(tmp_path / "checkpoint", name)
    library = Library(home)
    family = family_of(Configuration.from_file(folder / "config.json"))
    for quantization in Quantization:
        imported = library.import_folder(folder, "m", quantization)
        foreseen = forecast("m", family, quantization)
        assert costs(foreseen) == costs(imported)
        assert foreseen.boundary_bytes_per_token == imported.boundary_bytes_per_token
        assert foreseen.context_tokens == imported.context_tokens


def test_the_share_of_what_cannot_be_quantised_is_told(tmp_path: Path, home: Path) -> None:
    library, told = Library(home), list[Fact]()
    odd = write_family(tmp_path / "odd", "llama", intermediate_size=90)
    library.import_folder(odd, "m", "q4", progress=lambda stage, *_at: told.append(stage))
    (note,) = (each for each in told if each.code == "import.unquantised")
    percent = dict(note.fields)["percent"]
    assert isinstance(percent, int)
    assert 30 < percent < 90
    told.clear()
    for name in ("llama", "mixtral"):
        folder = write_family(tmp_path / name, name, intermediate_size=96)
        library.import_folder(folder, "m", "q4", progress=lambda stage, *_at: told.append(stage))
    assert not any(each.code == "import.unquantised" for each in told)
