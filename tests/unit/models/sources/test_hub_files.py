"""Of a repository's files those are chosen that an import reads."""

from __future__ import annotations

import pytest

from app.core.errors import BadInputError
from app.models.sources.hub_files import HubFile, checkpoint_files, single_file
from app.models.sources.reference import HubReference
from tests.saying import raises_saying

GGUFS = tuple(HubFile(f"m-{kind}.gguf", 10) for kind in ("Q4_0", "Q4_K_M", "Q8_0"))


@pytest.mark.parametrize("wanted", ["m-Q8_0.gguf", "M-Q8_0.GGUF", "q8", "Q8_0"])
def test_a_file_is_found_by_any_part_of_its_name(wanted: str) -> None:
    assert single_file(GGUFS, HubReference("a/b", file=wanted)) == GGUFS[2]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("Q4", r"any of these files: m-Q4_0.gguf \(10 B\), m-Q4_K_M.gguf"),
        ("Q2", "no file Q2. There are: m-Q4_0.gguf"),
        ("", "several files.*Name one, as a/b:m-Q4_0.gguf"),
    ],
)
def test_what_could_be_several_or_none_is_told_with_what_there_is(
    wanted: str, message: str
) -> None:
    with raises_saying(BadInputError, message):
        single_file(GGUFS, HubReference("a/b", file=wanted))


def test_long_lists_are_cut() -> None:
    many = [HubFile(f"m{number}.gguf", 10) for number in range(30)]
    with raises_saying(BadInputError, r"m7.gguf \(10 B\).* 22 more\."):
        single_file(many, HubReference("a/b"))


def test_a_checkpoint_is_taken_before_files_beside_it() -> None:
    files = (HubFile("model.safetensors", 1), *GGUFS)
    assert single_file(files, HubReference("a/b")) is None
    assert single_file(GGUFS[:1], HubReference("a/b")) == GGUFS[0]


def test_settings_of_pooling_come_along() -> None:
    names = ("modules.json", "1_Pooling/config.json", "a/b/config.json", "x.py", "w.safetensors")
    files = [HubFile(name, 1) for name in names]
    chosen = [file.name for file in checkpoint_files(files, ["w.safetensors"])]
    assert chosen == ["modules.json", "1_Pooling/config.json", "w.safetensors"]
