"""The pictures of a request: how many are taken, and how many at a time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from PIL import Image

from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.models.pictures import reading, seen
from app.models.pictures.reading import read_picture
from tests.saying import raises_saying
from tests.unit.models.pictures.test_prompts import EYES
from tests.unit.models.pictures.test_reading import file_of

SEER = cast(ModelManifest, SimpleNamespace(name="seer", eyes=EYES))


def test_no_two_pictures_are_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(content: bytes) -> Image.Image:
        assert seen._ONE_AT_A_TIME.locked()
        return read_picture(content)

    monkeypatch.setattr(seen, "read_picture", alone)
    file = file_of(Image.new("RGB", (8, 8)))
    assert len(seen.see(SEER, (file, file)).squares) == 2
    with pytest.raises(BadInputError):
        seen.see(SEER, (b"no picture",))
    assert not seen._ONE_AT_A_TIME.locked()


def test_too_many_are_refused_before_any_is_read() -> None:
    with raises_saying(BadInputError, match="at most 16 pictures"):
        seen.see(SEER, (b"no picture",) * (reading.MOST_PICTURES + 1))
