"""Tokens and logits against the reference implementation in torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.model import ModelManifest
from app.models.configuration import Configuration
from app.models.graphs.rotary import Rotary
from app.models.library import Library
from app.models.quality import perplexity
from app.models.whole import WholeModel, run_whole
from tests.integration.models.reference import LLAMA3_ROTARY

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: reference not compared"
)

DEMO = Path(__file__).parents[3] / "assets" / "demo_model"
LINEAR = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}
DEFAULT = {"rope_type": "default", "rope_theta": 10000.0}


def reference_logits(folder: Path, tokens: list[int]) -> NDArray[np.float32]:
    """Logits [tokens, vocabulary] of every position, in float32."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        logits: NDArray[np.float32] = model(torch.tensor([tokens])).logits[0].numpy()
    return logits


def reference_tokens(folder: Path, tokens: list[int], count: int) -> list[int]:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        generated = model.generate(
            torch.tensor([tokens]),
            attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
            max_new_tokens=count,
            do_sample=False,
            pad_token_id=0,
        )
    return [int(token) for token in generated[0, len(tokens) :]]


def random_llama(folder: Path, **changes: Any) -> Path:  # noqa: ANN401 - a configuration's fields
    """Save a small Llama whose norms and biases are random too, in several files."""
    torch.manual_seed(7)
    fields = {
        "hidden_size": 64,
        "intermediate_size": 160,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 500,
        "max_position_embeddings": 256,
        "bos_token_id": 0,
        "eos_token_id": None,
        "tie_word_embeddings": False,
        "rope_parameters": DEFAULT,
    }
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**{**fields, **changes}))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(mean=float("norm" in name), std=0.15)
    model.save_pretrained(folder, max_shard_size="200KB")
    return folder


def imported(tmp_path: Path, folder: Path) -> tuple[ModelManifest, Library]:
    library = Library(tmp_path / "home")
    return library.import_folder(folder, "m"), library


def assert_logits_agree(manifest: ModelManifest, library: Library, folder: Path) -> None:
    tokens = np.random.default_rng(0).integers(0, manifest.vocabulary_size, 150).tolist()
    expected = reference_logits(folder, tokens)
    whole = WholeModel(manifest, library)
    found = [whole.step(tokens[:100], 0)]
    found += [whole.step([token], 100 + index) for index, token in enumerate(tokens[100:])]
    difference = np.abs(np.stack(found) - expected[99:]).max()
    assert difference <= 1e-4 * np.abs(expected).max()


@pytest.mark.skipif(
    not (DEMO / "model.safetensors").exists(), reason="the demo model's weights are not here"
)
def test_the_demo_model_speaks_the_references_tokens(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.ensure_demo(DEMO)
    tokenizer = library.tokenizer(manifest)
    assert tokenizer is not None
    for prompt in ("In the beginning", "And the king said unto them"):
        tokens = tokenizer.encode(prompt)
        expected = reference_tokens(DEMO, tokens, 40)
        assert run_whole(manifest, library, tokens, 40) == expected
    assert_logits_agree(manifest, library, DEMO)


def test_perplexity_is_the_references(tmp_path: Path) -> None:
    folder = random_llama(tmp_path / "c")
    manifest, library = imported(tmp_path, folder)
    tokens = np.random.default_rng(3).integers(0, 500, 90).tolist()
    logits = torch.tensor(reference_logits(folder, tokens)[:-1])
    surprise = torch.nn.functional.cross_entropy(logits, torch.tensor(tokens[1:]))
    assert perplexity(library, manifest, tokens) == pytest.approx(float(surprise.exp()), rel=1e-3)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rope_parameters": LLAMA3_ROTARY},
        {"rope_parameters": LINEAR},
        {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True},
        {"num_key_value_heads": 4, "head_dim": 32},
    ],
    ids=["untied", "llama3-rotary", "linear-rotary", "biases-tied", "own-head-size"],
)
def test_random_llamas_agree_with_the_reference(tmp_path: Path, changes: dict[str, Any]) -> None:
    folder = random_llama(tmp_path / "c", **changes)
    assert (folder / "model.safetensors.index.json").exists()
    manifest, library = imported(tmp_path, folder)
    tokens = [0, 3, 77, 450, 12]
    assert run_whole(manifest, library, tokens, 40) == reference_tokens(folder, tokens, 40)
    assert_logits_agree(manifest, library, folder)


def test_llama3_frequencies_are_the_references(tmp_path: Path) -> None:
    folder = random_llama(tmp_path / "c", rope_parameters=LLAMA3_ROTARY)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    frequencies = model.model.rotary_emb.inv_freq.numpy()
    configuration = Configuration.from_file(folder / "config.json")
    cosines, sines = Rotary.from_configuration(configuration).tables(2, 16)
    assert np.allclose(np.arctan2(sines[1], cosines[1]), frequencies, rtol=1e-5)
