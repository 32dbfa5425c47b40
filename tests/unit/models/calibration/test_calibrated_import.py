"""Four bits that are calibrated: nearer to the original, small, resumable, told where not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.identifiers import BlobHash
from app.models.calibration.recording import RecordingGraph
from app.models.importing import notes
from app.models.library import Library
from app.models.sample_text import SampleText
from app.models.tensors import StoredTensor
from app.models.whole import WholeModel
from tests.saying import raises_saying
from tests.unit.models.families import write_family
from tests.unit.models.support import write_random

TEXT = SampleText("own", "the light that shone upon the deep, and the word that was spoken. " * 60)
TOKENS = np.random.default_rng(5).integers(0, 320, 40).tolist()
DEBERTA: dict[str, object] = {
    "architectures": ["DebertaV2ForSequenceClassification"],
    "type_vocab_size": 0,
    "relative_attention": True,
    "pos_att_type": ["c2p", "p2c"],
    "position_buckets": 8,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "position_biased_input": False,
}
T5: dict[str, object] = {
    "architectures": ["T5ForConditionalGeneration"],
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 96,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "decoder_start_token_id": 0,
}


class StoppedError(Exception):
    """Somebody ended the import."""


def distance(library: Library, name: str) -> float:
    """Return how far a model's logits are from those of `f32`, relative to these."""
    whole, other = (WholeModel(library.get(each), library) for each in ("f32", name))
    expected, found = whole.step(TOKENS, 0), other.step(TOKENS, 0)
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def imported(library: Library, folder: Path) -> list[str]:
    """Import a folder at q4; return the codes of what was told."""
    told: list[Fact] = []
    library.import_folder(
        folder, "m", "q4", progress=lambda stage, *_at: told.append(stage), calibration=TEXT
    )
    return [each.code for each in told]


@pytest.mark.parametrize("family", ["llama", "gpt2", "mixtral", "gpt_oss", "bert"])
def test_every_kind_of_layer_is_calibrated(tmp_path: Path, home: Path, family: str) -> None:
    library = Library(home)
    told = imported(library, write_family(tmp_path / "c", family))
    assert library.get("m").quantization == "q4"
    assert not [code for code in told if code.startswith("import.uncalibrated")]


def test_a_layer_that_reads_what_another_block_holds_is_calibrated(
    tmp_path: Path, home: Path
) -> None:
    told = imported(Library(home), write_family(tmp_path / "c", "bert", **DEBERTA))
    assert not [code for code in told if code.startswith("import.uncalibrated")]


def test_an_encoder_with_a_decoder_is_told_not_to_be_calibrated(tmp_path: Path, home: Path) -> None:
    library = Library(home)
    told = imported(library, write_family(tmp_path / "c", "bert", **T5))
    assert "import.uncalibrated_pair" in told
    assert library.get("m").paired


def test_a_layer_too_large_to_run_in_float32_is_told_not_to_be_calibrated(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "CALIBRATED_BYTES", 100_000)
    told = imported(Library(home), write_family(tmp_path / "c", "mixtral"))
    assert "import.uncalibrated_large" in told


def test_a_matrix_multiplied_with_two_values_is_rounded_by_both() -> None:
    shape = (32, 32)
    graph = RecordingGraph({"m": StoredTensor("m", BlobHash("0" * 64), "float32", shape, 0)})
    for name in ("one", "other"):
        graph.linear(graph.input(name, TensorProto.FLOAT, shape), "m")
    assert len(graph.recorded["m"]) == 2


def test_calibrated_four_bits_are_nearer_to_the_original(tmp_path: Path, home: Path) -> None:
    library = Library(home)
    folder = write_random(tmp_path / "c")
    for name in ("f32", "q4", "q4-plain"):
        library.import_folder(folder, name, name, calibration=TEXT)
    assert distance(library, "q4") < 0.8 * distance(library, "q4-plain")
    sizes = {
        name: sum(blob.size_bytes for blob in library.get(name).blobs)
        for name in ("q4", "q4-plain")
    }
    assert sizes["q4"] < 2 * sizes["q4-plain"]


def test_an_import_that_was_cut_goes_on_to_the_same_model(tmp_path: Path, home: Path) -> None:
    folder = write_random(tmp_path / "c")
    expected = Library(tmp_path / "other").import_folder(folder, "m", "q4", calibration=TEXT)
    library = Library(home)

    def cut(stage: Fact, _done: int, _total: int) -> None:
        if stage.code == "block.layer" and dict(stage.fields)["layer"] == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        library.import_folder(folder, "m", "q4", progress=cut, calibration=TEXT)
    assert library.models() == ()
    assert library.import_folder(folder, "m", "q4", calibration=TEXT) == expected
    assert not list((home / "models").glob("calibrating-*"))


def test_a_model_without_a_tokenizer_is_told_not_to_be_calibrated(
    tmp_path: Path, home: Path
) -> None:
    folder, told = write_random(tmp_path / "c"), list[Fact]()
    (folder / "tokenizer.json").unlink()
    Library(home).import_folder(folder, "m", "q4", progress=lambda stage, *_at: told.append(stage))
    assert Fact("import.uncalibrated") in told


def test_a_text_too_short_to_calibrate_by_is_refused_before_anything_is_written(
    tmp_path: Path, home: Path
) -> None:
    library = Library(home)
    with raises_saying(BadInputError, match="too short to calibrate by"):
        library.import_folder(
            write_random(tmp_path / "c"), "m", "q4", calibration=SampleText("short", "a word")
        )
    assert library.models() == ()
