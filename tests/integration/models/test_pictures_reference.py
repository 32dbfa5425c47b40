"""Pictures come to models to the last pixel as the reference's processors bring them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.models.configuration import Configuration
from app.models.families.registry import family_of
from app.models.families.seeing import SeeingModel
from app.models.pictures.cutting import squares_of
from app.models.pictures.settings import SECTION
from tests.integration.models.seeing import SEEING, a_picture, pixels_of, transformers

FORMS = ((90, 50), (50, 90), (64, 64), (31, 300), (300, 31), (1, 40), (97, 3), (200, 180))


def unrowed(rows: Any, tower: Any) -> Any:  # noqa: ANN401 - arrays of numpy and a tower
    """Return squares `[squares, colours, height, width]` of rows, as bytes."""
    eyes = tower.eyes
    along, patch, group = eyes.pixels // eyes.patch_pixels, eyes.patch_pixels, eyes.group
    shape = (len(rows), along // group, along // group, group, group, 3, patch, patch)
    places = rows.reshape(shape).transpose(0, 5, 1, 3, 6, 2, 4, 7)
    return places.reshape(len(rows), 3, along * patch, along * patch)


@pytest.mark.parametrize("name", SEEING)
def test_pixels_are_the_references(tmp_path: Path, name: str) -> None:
    kind = SEEING[name]
    fields = getattr(transformers, kind.name + "Config")(**kind.fields).to_dict()
    values: Mapping[str, object] = {
        **json.loads(json.dumps(fields, default=str)),
        "architectures": [kind.name + "ForConditionalGeneration"],
        SECTION: kind.settings,
    }
    family = family_of(Configuration(values))
    assert isinstance(family, SeeingModel)
    tower: Any = family.tower
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(dict(kind.settings)))
    mean, deviation = (np.array(each)[:, None, None] for each in vars(tower.colours).values())
    for seed, (width, height) in enumerate(FORMS):
        picture = a_picture(width, height, seed)
        wanted = pixels_of(name, tmp_path, picture)
        found = unrowed(squares_of(picture, tower.eyes).rows, tower)
        shown = (found / 255 - mean) / deviation
        seen = wanted[:, :, : shown.shape[2], : shown.shape[3]]
        assert shown.shape == seen.shape
        assert np.abs(shown - seen).max() < 1e-5
