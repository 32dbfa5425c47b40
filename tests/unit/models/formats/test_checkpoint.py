from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.models.formats.checkpoint import Checkpoint
from app.models.library import Library
from app.words.sentences import error_text
from tests.saying import raises_saying
from tests.unit.models.support import CONFIGURATION, random_tensors, write_folder, write_random

LAYER_TENSOR = "model.layers.2.mlp.up_proj.weight"


def import_model(tmp_path: Path, folder: Path) -> None:
    Library(tmp_path / "home").import_folder(folder, "m")


@pytest.mark.parametrize("stored_type", ["bf16", "f16", "f32"])
def test_every_float_type_reads_as_the_same_values_in_float32(
    tmp_path: Path, stored_type: str
) -> None:
    tensors = random_tensors(CONFIGURATION, stored_type)
    checkpoint = Checkpoint(write_folder(tmp_path / "c", CONFIGURATION, tensors))
    for name, expected in tensors.items():
        found = np.concatenate(list(checkpoint.pieces(name)))
        assert found.dtype == np.float32
        assert np.array_equal(found, expected.astype(np.float32))


def test_a_large_tensor_comes_in_pieces_that_join_to_the_whole(tmp_path: Path) -> None:
    whole = np.random.default_rng(0).normal(size=(5001, 1000)).astype(np.float32)
    folder = write_random(tmp_path / "c")
    save_file({"large": whole}, folder / "model.safetensors")
    pieces = list(Checkpoint(folder).pieces("large"))
    assert len(pieces) > 1
    assert max(piece.nbytes for piece in pieces) <= 8 << 20
    assert np.array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("stored_type", ["bf16", "f32"])
@pytest.mark.parametrize("transposed", [False, True])
def test_ranges_of_rows_come_in_the_order_asked_for_turned_if_wanted(
    tmp_path: Path, stored_type: str, *, transposed: bool
) -> None:
    tensors = random_tensors(CONFIGURATION, stored_type)
    checkpoint = Checkpoint(write_folder(tmp_path / "c", CONFIGURATION, tensors))
    whole = tensors[LAYER_TENSOR].astype(np.float32)
    whole = whole.T if transposed else whole
    ranges = [(40, 64), (0, 7), (7, 8)]
    pieces = checkpoint.pieces(LAYER_TENSOR, ranges, transposed=transposed)
    expected = np.concatenate([whole[first:after] for first, after in ranges])
    assert np.array_equal(np.concatenate(list(pieces)), expected)


def test_a_checkpoint_in_several_files_reads_like_one_in_a_single_file(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    one = library.import_folder(write_random(tmp_path / "one"), "m")
    three = library.import_folder(write_random(tmp_path / "three", files=3), "m")
    assert one == three


def test_a_truncated_weight_file_is_refused(tmp_path: Path) -> None:
    path = write_random(tmp_path / "c") / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with raises_saying(BadInputError, match="damaged or cut short"):
        import_model(tmp_path, path.parent)


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    tensors = random_tensors(CONFIGURATION)
    del tensors[LAYER_TENSOR]
    folder = write_folder(tmp_path / "c", CONFIGURATION, tensors)
    with raises_saying(BadInputError, match=f"lacks the tensor {LAYER_TENSOR}"):
        import_model(tmp_path, folder)


def test_a_tensor_of_another_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    tensors = random_tensors(CONFIGURATION)
    tensors[LAYER_TENSOR] = tensors[LAYER_TENSOR][:, :32].copy()
    folder = write_folder(tmp_path / "c", CONFIGURATION, tensors)
    with raises_saying(BadInputError, match=r"shape \(96, 32\), expected \(96, 64\)"):
        import_model(tmp_path, folder)


def test_a_tensor_of_integers_is_refused(tmp_path: Path) -> None:
    tensors = random_tensors(CONFIGURATION)
    tensors[LAYER_TENSOR] = tensors[LAYER_TENSOR].astype(np.int32)
    folder = write_folder(tmp_path / "c", CONFIGURATION, tensors)
    with raises_saying(BadInputError, match="is I32; readable are BF16, F16, F32"):
        import_model(tmp_path, folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_numbers_are_refused(tmp_path: Path, value: float) -> None:
    tensors = random_tensors(CONFIGURATION)
    tensors[LAYER_TENSOR][50, 7] = value
    folder = write_folder(tmp_path / "c", CONFIGURATION, tensors)
    with raises_saying(BadInputError, match=f"{LAYER_TENSOR} holds values"):
        import_model(tmp_path, folder)


def test_an_unknown_architecture_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "c", architectures=["T5EncoderModel"])
    with raises_saying(BadInputError, match=r"T5EncoderModel.*LlamaForCausalLM"):
        import_model(tmp_path, folder)


def test_an_unknown_decoder_says_what_to_install_where_torch_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    folder = write_random(tmp_path / "c", architectures=["StableLmForCausalLM"])
    line = r"StableLmForCausalLM.* needs torch.*pip install 'shardloom\[import\]'"
    with raises_saying(BadInputError, match=line):
        import_model(tmp_path, folder)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_act": "mish"}, "activation 'mish'"),
        ({"rope_scaling": {"rope_type": "proportional", "factor": 4.0}}, "scaling 'proportional'"),
        ({"head_dim": 20}, "heads of size 20"),
    ],
)
def test_what_no_family_builds_is_exported_and_without_torch_says_why_and_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], reason: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    folder = write_random(tmp_path / "c")
    (folder / "config.json").write_text(json.dumps({**CONFIGURATION, **changes}))
    line = rf"LlamaForCausalLM' \(.*{reason}.*\) needs torch.*pip install 'shardloom\[import\]'"
    with raises_saying(BadInputError, match=line) as caught:
        import_model(tmp_path, folder)
    assert "\n" not in error_text(caught.value)
    classifier = {"architectures": ["LlamaForSequenceClassification"], **changes}
    (folder / "config.json").write_text(json.dumps({**CONFIGURATION, **classifier}))
    with raises_saying(BadInputError, match=f"{reason}.* Only models that write texts are exp"):
        import_model(tmp_path, folder)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"hidden_size": None}, "lacks the field hidden_size"),
        ({"hidden_size": -64}, "hidden_size is not a usable size"),
        ({"vocab_size": 1 << 40}, "vocab_size is not a usable size"),
        ({"num_hidden_layers": 1 << 20}, "num_hidden_layers is not a usable size"),
        ({"num_hidden_layers": "4"}, "num_hidden_layers is not a usable size"),
        ({"num_key_value_heads": 3}, "cannot share 3 key-value heads"),
        ({"rms_norm_eps": 0}, "rms_norm_eps is not a positive number"),
        ({"tie_word_embeddings": 1}, "neither true nor false"),
        ({"eos_token_id": [1, "x"]}, "eos_token_id is not a token id"),
        ({"rope_scaling": 4}, "rope_scaling is not an object"),
        ({"rope_scaling": {"type": "linear"}}, "lacks the field factor"),
    ],
)
def test_an_unusable_configuration_is_refused_in_one_line(
    tmp_path: Path, changes: dict[str, object], line: str
) -> None:
    folder = write_random(tmp_path / "c")
    (folder / "config.json").write_text(json.dumps({**CONFIGURATION, **changes}))
    with raises_saying(BadInputError, match=line) as caught:
        import_model(tmp_path, folder)
    assert "\n" not in error_text(caught.value)


def test_a_folder_without_weights_or_configuration_is_refused(tmp_path: Path) -> None:
    with raises_saying(BadInputError, match="is not a folder"):
        Checkpoint(tmp_path / "absent")
    with raises_saying(BadInputError, match=r"config\.json"):
        Checkpoint(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with raises_saying(BadInputError, match="not a JSON object"):
        Checkpoint(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with raises_saying(BadInputError, match=r"no weight file model\.safetensors"):
        Checkpoint(tmp_path)


def test_an_index_cannot_name_a_file_outside_its_folder(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "c")
    index = {"weight_map": {"a": "../secret.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with raises_saying(BadInputError, match="outside its folder"):
        Checkpoint(folder)


def test_end_tokens_join_the_models_and_the_generation_settings(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "c")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, 5]}))
    checkpoint = Checkpoint(folder)
    assert checkpoint.end_tokens == (1, 5)
    assert checkpoint.begin_token == 0


@pytest.mark.parametrize(
    ("added", "line"),
    [
        ("model.pth", "weights in model.pth are not read"),
        ("consolidated.safetensors", "weights in consolidated.safetensors are not read"),
        ("adapter_config.json", r"adapter \(LoRA\).*Merge it into its base"),
    ],
)
def test_weights_that_would_be_left_out_are_named_with_what_to_do(
    tmp_path: Path, added: str, line: str
) -> None:
    folder = write_random(tmp_path / "c")
    if not added.startswith("adapter"):
        (folder / "model.safetensors").unlink()
    (folder / added).write_bytes(b"{}")
    with raises_saying(BadInputError, match=line):
        import_model(tmp_path, folder)


def test_added_tokens_beyond_the_embedding_are_told_and_ordinary_ones_refused(
    tmp_path: Path,
) -> None:
    folder, told = write_random(tmp_path / "c", vocab_size=300), list[Fact]()
    fields = json.loads((folder / "tokenizer.json").read_text())
    seen = {"id": 300, "content": "<image>", "special": True}
    seen |= dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    fields["added_tokens"].append(seen)
    (folder / "tokenizer.json").write_text(json.dumps(fields))
    library = Library(tmp_path / "home")
    library.import_folder(folder, "m", progress=lambda stage, *_at: told.append(stage))
    assert Fact("tokenizer.added_beyond", known=301, usable=300) in told
    other = write_random(tmp_path / "d", vocab_size=160)
    with raises_saying(BadInputError, match="300 tokens but the model 160"):
        library.import_folder(other, "n")
    assert [each.manifest.name for each in library.models()] == ["m"]
