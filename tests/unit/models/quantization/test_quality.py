"""Perplexity before and after quantisation, and where it is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.__main__ import main
from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.quality import LEAST_SAMPLE, is_quick, measure, sample_size
from app.models.sample_text import SampleText
from app.words.sentences import error_text
from tests.saying import raises_saying
from tests.unit.models.support import CONFIGURATION, random_tensors, write_folder, write_random

TEXT = SampleText("psalm", "In the beginning was the Word, and the light shone. " * 3)


def shown(home: Path, name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    capsys.readouterr()
    assert main(["models", "show", name, "--home", str(home), "--json"]) == 0
    fields: dict[str, object] = json.loads(capsys.readouterr().out)
    return fields


def test_a_quantised_import_records_what_quantisation_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, home = write_random(tmp_path / "c"), tmp_path / "home"
    command = ["models", "import", str(folder), "--name", "m", "--home", str(home)]
    assert main([*command, "--quantize", "q4"]) == 0
    line = capsys.readouterr().out
    assert "perplexity" in line
    assert "as float32" in line
    quality = Library(home).quality(Library(home).get("m"))
    assert quality is not None
    assert quality.float32_perplexity is not None
    assert quality.float32_perplexity != quality.perplexity
    assert quality.float32_perplexity == pytest.approx(quality.perplexity, rel=0.5)
    assert shown(home, "m", capsys)["quality"] == {
        "text": "gettysburg_address.txt",
        "predicted_tokens": 63,
        "perplexity": quality.perplexity,
        "float32_perplexity": quality.float32_perplexity,
    }
    manifests = {path.name for path in (home / "models" / "manifests").iterdir()}
    assert manifests == {"demo.json", "m.json"}


def test_another_text_is_measured_on_demand_and_replaces_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = Library(tmp_path)
    library.import_folder(write_random(tmp_path / "c"), "m", "q8")
    (tmp_path / "text").write_text(TEXT.content)
    command = ["models", "perplexity", "m", "--text", str(tmp_path / "text")]
    command += ["--home", str(tmp_path)]
    assert main([*command, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["text"], first["float32_perplexity"]) == ("text", None)
    assert main([*command, "--original", str(tmp_path / "c"), "--json"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["perplexity"] == first["perplexity"]
    assert second["float32_perplexity"] == pytest.approx(first["perplexity"], rel=0.05)
    assert main(command) == 0
    assert "of text" in capsys.readouterr().out


def test_an_import_under_the_same_name_forgets_the_old_measurement(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    folder = write_random(tmp_path / "c")
    old = library.import_folder(folder, "m")
    quality = measure(library, old, TEXT)
    assert quality.perplexity == quality.float32_perplexity
    assert Library(tmp_path / "home").quality(old) == quality
    new = library.import_folder(folder, "m", "q8")
    assert library.quality(new) is None
    with raises_saying(BadInputError, match="imported anew"):
        library.keep_quality(old, quality)


def test_texts_that_cannot_be_read_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("binary", "missing"):
        with raises_saying(BadInputError, match="Cannot read the text") as caught:
            SampleText.read(tmp_path / name)
        assert "\n" not in error_text(caught.value)


def test_a_model_without_a_tokenizer_is_imported_but_not_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, home = write_random(tmp_path / "c"), tmp_path / "home"
    (folder / "tokenizer.json").unlink()
    command = ["models", "import", str(folder), "--name", "m", "--home", str(home)]
    assert main(command) == 0
    assert "perplexity" not in capsys.readouterr().out
    assert main(["models", "perplexity", "m", "--home", str(home)]) == 1
    assert "no tokenizer" in capsys.readouterr().err
    assert shown(home, "m", capsys)["quality"] is None


def test_a_model_that_computes_no_numbers_is_imported_and_said_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = random_tensors(CONFIGURATION)
    tensors["lm_head.weight"] *= np.float32(1e38)
    folder, home = write_folder(tmp_path / "c", CONFIGURATION, tensors), tmp_path / "home"
    command = ["models", "import", str(folder), "--name", "m", "--home", str(home)]
    assert main(command) == 0
    captured = capsys.readouterr()
    assert "m: llama" in captured.out
    assert "no usable numbers" in captured.err


def test_only_short_work_is_done_unasked(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "c"), "m")
    assert is_quick(manifest, 64)
    assert not is_quick(manifest, 10**6)


def test_a_fresh_model_is_measured_on_as_much_text_as_a_minute_is_for(
    tmp_path: Path, home: Path
) -> None:
    model = Library(home).import_folder(write_random(tmp_path / "c"), "m", "q4")

    def of_times(times: float) -> ModelManifest:
        blocks = [
            replace(each, flops_per_token=int(each.flops_per_token * times))
            for each in model.blocks
        ]
        return replace(model, blocks=tuple(blocks))

    assert sample_size(model, 300) == 300
    assert LEAST_SAMPLE <= sample_size(of_times(2e3), 10_000) < 10_000
    assert sample_size(of_times(1e7), 300) == 0
