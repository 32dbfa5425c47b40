"""One line where quantisation has clearly harmed a model, wherever models are shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.__main__ import main
from app.core.facts import Fact
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.quality import measure
from app.models.quantization.harm import HARMFUL_RATIO, harm_of
from app.models.sample_text import SampleText
from app.models.stored_model import Quality
from app.rack.layers.opened_model import OpenedModel, choice_of
from app.words.sentences import fact_text
from tests.unit.models.support import write_random

HARMED = Quality("text", 63, perplexity=24.5, float32_perplexity=12.9)
LINE = (
    "q4 has clearly harmed m: its perplexity is 24.5, before quantisation 12.9 (lower is better)."
    " Import it as q8 or f32."
)


def quantised(home: Path, quantization: str = "q4") -> tuple[Library, ModelManifest]:
    library = Library(home)
    return library, library.import_folder(write_random(home / "c"), "m", quantization)


@pytest.fixture
def harmed(tmp_path: Path) -> Path:
    """Return a home with a model that q4 has harmed."""
    library, manifest = quantised(tmp_path)
    library.keep_quality(manifest, HARMED)
    return tmp_path


def said(harm: Fact | None) -> str:
    return fact_text(harm) if harm else ""


def printed(home: Path, capsys: pytest.CaptureFixture[str], *command: str) -> str:
    capsys.readouterr()
    assert main(["models", *command, "--home", str(home)]) == 0
    return capsys.readouterr().out


def test_harm_is_told_with_what_to_do_about_it(tmp_path: Path) -> None:
    _, manifest = quantised(tmp_path)
    assert said(harm_of(manifest, HARMED)) == LINE
    assert "as f32." in said(harm_of(replace(manifest, quantization="q8"), HARMED))


@pytest.mark.parametrize(
    ("ratio", "told"), [(0.9, False), (1.1, False), (HARMFUL_RATIO, False), (1.16, True)]
)
def test_only_clear_harm_is_told(tmp_path: Path, ratio: float, told: bool) -> None:  # noqa: FBT001 - a parameter
    _, manifest = quantised(tmp_path)
    assert bool(harm_of(manifest, Quality("text", 63, 100.0 * ratio, 100.0))) is told


def test_nothing_is_said_where_nothing_was_measured(tmp_path: Path) -> None:
    _, manifest = quantised(tmp_path)
    assert harm_of(manifest, None) is None
    assert harm_of(manifest, replace(HARMED, float32_perplexity=None)) is None


def test_the_list_tells_of_the_harmed_model_alone(
    harmed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = printed(harmed, capsys, "list")
    assert " ".join(listed.split()).endswith(LINE)
    assert listed.count("harmed") == 1
    models = json.loads(printed(harmed, capsys, "list", "--json"))["models"]
    assert {each["name"]: each["harm"] for each in models} == {"demo": None, "m": LINE}


def test_show_tells_of_the_harm(harmed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert " ".join(printed(harmed, capsys, "show", "m").split()).endswith(LINE)
    assert json.loads(printed(harmed, capsys, "show", "m", "--json"))["harm"] == LINE
    assert "harmed" not in printed(harmed, capsys, "show", "demo")


def test_import_and_a_later_measurement_end_with_the_harm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(
        library: Library, manifest: ModelManifest, *_others: object, **_named: object
    ) -> Quality:
        library.keep_quality(manifest, HARMED)
        return HARMED

    monkeypatch.setattr("app.command_line.commands.models_perplexity.measure", measured)
    folder = write_random(tmp_path / "c")
    importing = ("import", str(folder), "--name", "m", "--quantize", "q4")
    for command in (importing, ("perplexity", "m")):
        assert " ".join(printed(tmp_path, capsys, *command).split()).endswith(LINE)


def test_a_front_end_is_told_of_the_harm(harmed: Path) -> None:
    library = Library(harmed)
    opened = OpenedModel.open(library, "m")
    assert said(choice_of(opened.manifest, opened.quality).harm) == LINE
    (stored,) = library.models()
    assert said(choice_of(stored.manifest, stored.quality).harm) == LINE
    whole = library.import_folder(harmed / "c", "whole")
    text = SampleText("psalm", "In the beginning was the Word. " * 3)
    assert choice_of(whole, measure(library, whole, text)).harm is None
