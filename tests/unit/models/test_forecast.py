"""What is foreseen from a configuration is what the import then stores."""

from __future__ import annotations

from pathlib import Path

import pytest

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
