"""Classifiers and sentence encoders against the reference implementation in torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from app.core.errors import BadInputError
from app.core.model import ModelManifest, ModelTask, Scoring
from app.models.library import Library
from tests.integration.models.reference import (
    KINDS,
    ROTARY,
    Kind,
    chain_of,
    random_model,
    run_chain,
)
from tests.saying import raises_saying
from workers.errors import EngineError

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")

LABELS = {"id2label": {0: "sad", 1: "so-so", 2: "glad"}, "label2id": {}}
TEXT = [2, 77, 150, 12, 9, 30, 5, 5, 101, 3]
DECODERS = (
    *("llama", "qwen2-windows", "qwen3", "mistral", "phi3"),
    *("gemma2", "gpt2", "bloom", "opt", "gpt_neox", "phimoe"),
)
BUILT_LIKE_THEM = (
    *("gemma", "ministral3", "smollm3", "qwen3_moe", "mixtral", "gpt_oss", "olmo2", "olmo3"),
    *("glm", "glm4", "starcoder2"),
)
"""Classifiers that differ from those above in nothing that their heads could see."""
ENCODER: dict[str, Any] = {
    "vocab_size": 160,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 66,
}
BEHIND_PAD = ENCODER | {"pad_token_id": 1, "type_vocab_size": 1}
DISTILLED = {
    "vocab_size": 160,
    "dim": 64,
    "hidden_dim": 96,
    "n_layers": 3,
    "n_heads": 4,
    "max_position_embeddings": 64,
}
MODERN = ENCODER | {
    "max_position_embeddings": 64,
    "local_attention": 6,
    "global_attn_every_n_layers": 2,
    "rope_parameters": {
        "full_attention": {"rope_type": "default", "rope_theta": 5000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 300.0},
    },
    "pad_token_id": 0,
}
DISTANCES = ENCODER | {
    "relative_attention": True,
    "position_biased_input": False,
    "max_relative_positions": -1,
    "pos_att_type": ["p2c", "c2p"],
    "type_vocab_size": 0,
}
ENCODERS = {
    "bert": Kind("Bert", ENCODER),
    "roberta": Kind("Roberta", BEHIND_PAD),
    "xlm-roberta": Kind("XLMRoberta", BEHIND_PAD),
    "distilbert": Kind("DistilBert", DISTILLED),
    "mpnet": Kind("MPNet", ENCODER | {"pad_token_id": 1}),
    "nomic": Kind("NomicBert", ENCODER | {"rope_parameters": ROTARY}),
    "modernbert": Kind("ModernBert", MODERN),
    "modernbert-biases": Kind(
        "ModernBert",
        MODERN
        | {"norm_bias": True, "attention_bias": True, "mlp_bias": True, "classifier_bias": True}
        | {"classifier_pooling": "mean"},
    ),
    "deberta": Kind(
        "DebertaV2",
        DISTANCES | {"share_att_key": True, "position_buckets": 8, "norm_rel_ebd": "layer_norm"},
    ),
    "deberta-rows-of-its-own": Kind(
        "DebertaV2",
        DISTANCES
        | {"max_relative_positions": 5, "position_biased_input": True}
        | {"type_vocab_size": 2},
    ),
}
CLASSIFIERS = {name: KINDS[name] for name in (*DECODERS, *BUILT_LIKE_THEM)} | ENCODERS
CLASSIFIERS["gemma3"] = Kind("Gemma3Text", KINDS["gemma3"].fields)
_SOAKED = (*BUILT_LIKE_THEM, "modernbert-biases", "deberta-rows-of-its-own")


def saved(folder: Path, kind: Kind, head: str) -> Any:  # noqa: ANN401 - torch's types are not here
    model = random_model(kind, head)
    model.save_pretrained(folder, max_shard_size="100KB")
    return model


def imported(tmp_path: Path, quantization: str = "f32") -> tuple[Library, ModelManifest]:
    library = Library(tmp_path / "home")
    return library, library.import_folder(tmp_path / "c", "m", quantization)


def assert_close(found: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=[pytest.mark.soak] * (each in _SOAKED)) for each in CLASSIFIERS],
)
def test_three_shards_score_as_the_reference_does(tmp_path: Path, name: str) -> None:
    kind = Kind(CLASSIFIERS[name].name, CLASSIFIERS[name].fields | LABELS)
    reference = saved(tmp_path / "c", kind, "ForSequenceClassification")
    library, manifest = imported(tmp_path)
    assert manifest.task is ModelTask.CLASSIFICATION
    assert (manifest.labels, manifest.scoring) == (("sad", "so-so", "glad"), Scoring.SOFTMAX)
    with torch.no_grad():
        expected = reference(torch.tensor([TEXT])).logits[0].numpy()
    found = run_chain(chain_of(library, manifest), TEXT, 0)
    assert_close(found, expected)
    assert found.argmax() == expected.argmax()


def test_a_decoders_scores_are_the_same_where_the_text_came_in_chunks(tmp_path: Path) -> None:
    saved(tmp_path / "c", KINDS["qwen3"], "ForSequenceClassification")
    library, manifest = imported(tmp_path)
    whole = run_chain(chain_of(library, manifest), TEXT, 0)
    chain = chain_of(library, manifest)
    run_chain(chain, TEXT[:4], 0)
    run_chain(chain, TEXT[4:9], 4)
    assert_close(run_chain(chain, TEXT[9:], 9), whole)


@pytest.mark.parametrize("name", [each for each in ENCODERS if each not in _SOAKED])
def test_three_shards_give_the_references_mean_of_length_one(tmp_path: Path, name: str) -> None:
    reference = saved(tmp_path / "c", ENCODERS[name], "Model")
    library, manifest = imported(tmp_path)
    assert (manifest.task, manifest.cached) == (ModelTask.EMBEDDING, False)
    assert {block.kv_bytes_per_token for block in manifest.blocks} == {0}
    with torch.no_grad():
        states = reference(torch.tensor([TEXT])).last_hidden_state
        expected = torch.nn.functional.normalize(states.mean(dim=1))[0].numpy()
    assert_close(run_chain(chain_of(library, manifest), TEXT, 0), expected)


@pytest.mark.parametrize("mode", ["mean_tokens", "max_tokens", "cls_token", "lasttoken"])
def test_sentences_are_pooled_as_their_modules_say(tmp_path: Path, mode: str) -> None:
    reference = saved(tmp_path / "c", ENCODERS["bert"], "Model")
    write_modules(tmp_path / "c", mode, "Transformer", "Pooling")
    library, manifest = imported(tmp_path)
    with torch.no_grad():
        states = reference(torch.tensor([TEXT])).last_hidden_state[0]
    expected = {
        "mean_tokens": states.mean(0),
        "max_tokens": states.amax(0),
        "cls_token": states[0],
        "lasttoken": states[-1],
    }[mode]
    assert_close(run_chain(chain_of(library, manifest), TEXT, 0), expected.numpy())
    assert manifest.context_tokens == 40


def write_modules(folder: Path, mode: str, *kinds: str) -> None:
    modules = [
        {"idx": index, "name": str(index), "path": f"{index}_{kind}" if index else "", "type": kind}
        for index, kind in enumerate(f"sentence_transformers.models.{kind}" for kind in kinds)
    ]
    for module in modules[1:]:
        (folder / str(module["path"])).mkdir(exist_ok=True)
        flags = {f"pooling_mode_{each}": each == mode for each in ("mean_tokens", mode)}
        (folder / str(module["path"]) / "config.json").write_text(json.dumps(flags))
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 40}')


def test_a_step_of_sentence_transformers_that_is_not_known_is_named(tmp_path: Path) -> None:
    saved(tmp_path / "c", ENCODERS["bert"], "Model")
    write_modules(tmp_path / "c", "mean_tokens", "Transformer", "Pooling", "Router")
    with raises_saying(BadInputError, match="Router"):
        imported(tmp_path)


def test_a_decoder_embeds_by_its_last_token_where_its_files_say_so(tmp_path: Path) -> None:
    """As Qwen3-Embedding is published: a decoder, and beside it how its rows make a vector."""
    reference = saved(tmp_path / "c", KINDS["qwen3"], "ForCausalLM")
    write_modules(tmp_path / "c", "lasttoken", "Transformer", "Pooling", "Normalize")
    library, manifest = imported(tmp_path)
    assert (manifest.task, manifest.cached) == (ModelTask.EMBEDDING, True)
    with torch.no_grad():
        states = reference.model(torch.tensor([TEXT])).last_hidden_state[:, -1]
    expected = torch.nn.functional.normalize(states)[0].numpy()
    chain = chain_of(library, manifest)
    run_chain(chain, TEXT[:6], 0)
    assert_close(run_chain(chain, TEXT[6:], 6), expected)


def test_a_decoder_whose_mean_is_wanted_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "c", KINDS["qwen3"], "ForCausalLM")
    write_modules(tmp_path / "c", "mean_tokens", "Transformer", "Pooling")
    with raises_saying(BadInputError, match="last token"):
        imported(tmp_path)


def test_embedding_gemma_sees_both_ways_and_has_layers_behind_its_pooling(tmp_path: Path) -> None:
    fields = KINDS["gemma3"].fields | {"use_bidirectional_attention": True, "sliding_window": 6}
    reference = saved(tmp_path / "c", Kind("Gemma3", fields), "TextModel")
    write_modules(tmp_path / "c", "mean_tokens", "Transformer", "Pooling", "Normalize")
    matrices = add_dense_steps(tmp_path / "c", (96, 64), (64, 96))
    library, manifest = imported(tmp_path)
    assert (manifest.task, manifest.cached) == (ModelTask.EMBEDDING, False)
    with torch.no_grad():
        states = reference(torch.tensor([TEXT])).last_hidden_state.mean(1)[0].numpy()
    expected = matrices[1] @ np.tanh(matrices[0] @ states)
    expected /= np.linalg.norm(expected)
    assert_close(run_chain(chain_of(library, manifest), TEXT, 0), expected)


def add_dense_steps(folder: Path, *shapes: tuple[int, int]) -> list[NDArray[np.float32]]:
    """Put layers between pooling and norm, the first one bent by tanh; return their matrices."""
    modules = json.loads((folder / "modules.json").read_text())
    generator, matrices = np.random.default_rng(2), []
    for index, (rows, columns) in enumerate(shapes):
        step = folder / f"{index + 5}_Dense"
        step.mkdir()
        kind = "linear.Identity" if index else "activation.Tanh"
        settings = {"in_features": columns, "out_features": rows, "bias": False}
        named = settings | {"activation_function": "torch.nn.modules." + kind}
        (step / "config.json").write_text(json.dumps(named))
        matrices.append((generator.normal(size=(rows, columns)) / 8).astype(np.float32))
        save_file({"linear.weight": matrices[-1]}, step / "model.safetensors")
        modules.insert(-1, {"type": "sentence_transformers.models.Dense", "path": step.name})
    (folder / "modules.json").write_text(json.dumps(modules))
    return matrices


def test_layers_behind_the_pooling_that_end_in_another_size_are_refused(tmp_path: Path) -> None:
    saved(tmp_path / "c", ENCODERS["bert"], "Model")
    write_modules(tmp_path / "c", "mean_tokens", "Transformer", "Pooling", "Normalize")
    add_dense_steps(tmp_path / "c", (32, 64))
    with raises_saying(BadInputError, match="64 numbers"):
        imported(tmp_path)


@pytest.mark.parametrize("name", ["deberta", "modernbert", "mpnet"])
def test_the_computation_graph_of_every_kind_of_positions_is_drawn(
    tmp_path: Path, name: str
) -> None:
    saved(tmp_path / "c", ENCODERS[name], "Model")
    library, manifest = imported(tmp_path)
    graph = library.computation_graph(manifest)
    boundaries = [point for point in graph.cut_points if point.is_boundary]
    assert len(boundaries) == manifest.layer_count + 1


@pytest.mark.parametrize(("quantization", "least"), [("q8", 0.995), ("q4", 0.9)])
def test_quantised_encoders_point_the_same_way(
    tmp_path: Path, quantization: str, least: float
) -> None:
    saved(tmp_path / "c", ENCODERS["bert"], "Model")
    library, exact = imported(tmp_path)
    quantised = library.import_folder(tmp_path / "c", "small", quantization)
    vectors = [run_chain(chain_of(library, each), TEXT, 0) for each in (exact, quantised)]
    assert float(vectors[0] @ vectors[1]) >= least


def test_a_text_without_a_cache_comes_whole_or_not_at_all(tmp_path: Path) -> None:
    saved(tmp_path / "c", ENCODERS["bert"], "Model")
    library, manifest = imported(tmp_path)
    chain = chain_of(library, manifest)
    run_chain(chain, TEXT, 0)
    with pytest.raises(EngineError, match="in_parts_without_cache"):
        run_chain(chain, TEXT, len(TEXT))


@pytest.mark.parametrize(
    ("fields", "scoring"),
    [
        ({"problem_type": "multi_label_classification"}, Scoring.SIGMOID),
        ({"problem_type": "regression"}, Scoring.PLAIN),
        ({"num_labels": 1}, Scoring.SIGMOID),
    ],
)
def test_scoring_follows_the_configuration(
    tmp_path: Path, fields: dict[str, Any], scoring: Scoring
) -> None:
    kind = Kind("Llama", KINDS["llama"].fields | fields)
    saved(tmp_path / "c", kind, "ForSequenceClassification")
    assert imported(tmp_path)[1].scoring is scoring


def test_the_first_berts_names_of_norms_are_understood(tmp_path: Path) -> None:
    saved(tmp_path / "c", ENCODERS["bert"], "Model")
    library, manifest = imported(tmp_path)
    expected = run_chain(chain_of(library, manifest), TEXT, 0)
    rename_norms(tmp_path / "c")
    again = library.import_folder(tmp_path / "c", "old")
    assert np.array_equal(run_chain(chain_of(library, again), TEXT, 0), expected)


def rename_norms(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        tensors = {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"
            ): tensor
            for name, tensor in load_file(path).items()
        }
        save_file(tensors, path)


def test_the_computation_graph_of_an_encoder_is_drawn(tmp_path: Path) -> None:
    saved(tmp_path / "c", ENCODERS["bert"], "ForSequenceClassification")
    library, manifest = imported(tmp_path)
    graph = library.computation_graph(manifest)
    boundaries = [point for point in graph.cut_points if point.is_boundary]
    assert len(boundaries) == manifest.layer_count + 1
