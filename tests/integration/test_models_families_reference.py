"""Every family against the reference implementation in torch: tokens, logits, shards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.model import ModelManifest
from app.models.library import Library
from app.models.whole import WholeModel, run_whole
from workers.engine import ShardEngine, SpanShape

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: reference not compared"
)

PROMPT = [5, 3, 77, 150, 12]
TOKENS = 24
COMMON = {"vocab_size": 160, "bos_token_id": 0, "eos_token_id": None, "pad_token_id": None}
ROTARY = {"rope_type": "default", "rope_theta": 10000.0}
GATED = COMMON | {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "rope_parameters": ROTARY,
}
NEOX = {name: value for name, value in GATED.items() if name != "num_key_value_heads"}
LONG_ROTARY = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0, 1.1, 1.3, 1.7, 2.0, 2.5, 3.1, 4.0],
    "long_factor": [2.0] * 8,
}


@dataclass(frozen=True)
class Kind:
    """A family's class in the reference implementation, and a small model of it."""

    name: str
    fields: dict[str, Any]


KINDS = {
    "qwen2": Kind("Qwen2", GATED),
    "qwen2-windows": Kind(
        "Qwen2",
        GATED | {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 1},
    ),
    "qwen3": Kind("Qwen3", GATED | {"head_dim": 32, "tie_word_embeddings": True}),
    "mistral": Kind("Mistral", GATED | {"sliding_window": 10, "head_dim": 16}),
    "phi3": Kind("Phi3", GATED | {"sliding_window": 12}),
    "phi3-partly-turning": Kind(
        "Phi3",
        GATED | {"head_dim": 32, "rope_parameters": ROTARY | {"partial_rotary_factor": 0.75}},
    ),
    "phi3-long": Kind(
        "Phi3",
        GATED
        | {
            "max_position_embeddings": 512,
            "original_max_position_embeddings": 128,
            "rope_parameters": LONG_ROTARY,
        },
    ),
    "gemma2": Kind(
        "Gemma2",
        GATED
        | {
            "head_dim": 32,
            "query_pre_attn_scalar": 20,
            "sliding_window": 11,
            "attn_logit_softcapping": 3.0,
            "final_logit_softcapping": 5.0,
        },
    ),
    "gpt2": Kind("GPT2", COMMON | {"n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 128}),
    "bloom": Kind("Bloom", COMMON | {"hidden_size": 96, "n_layer": 3, "n_head": 6}),
    "opt": Kind(
        "OPT",
        COMMON
        | {
            "hidden_size": 64,
            "word_embed_proj_dim": 64,
            "ffn_dim": 96,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "max_position_embeddings": 128,
        },
    ),
    "gpt_neox": Kind("GPTNeoX", NEOX | {"hidden_size": 128, "rope_parameters": ROTARY}),
    "gpt_neox-one-after-the-other": Kind(
        "GPTNeoX",
        NEOX
        | {"use_parallel_residual": False}
        | {"rope_parameters": ROTARY | {"partial_rotary_factor": 0.75}},
    ),
}


@dataclass(frozen=True)
class Subject:
    folder: Path
    reference: Any
    library: Library
    manifest: ModelManifest


def random_model(kind: Kind) -> Any:  # noqa: ANN401 - torch's types are not here
    """Random weights; norms and biases too, or an exchange of two layers would go unseen."""
    torch.manual_seed(11)
    configuration = getattr(transformers, kind.name + "Config")(**kind.fields)
    suffix = "LMHeadModel" if kind.name == "GPT2" else "ForCausalLM"
    model = getattr(transformers, kind.name + suffix)(configuration).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            near_table = "embed" in name
            centre = float(parameter.dim() == 1 and "bias" not in name and not near_table)
            parameter.normal_(mean=centre, std=0.05 if near_table else 0.3)
    return model


@pytest.fixture(scope="module", params=KINDS)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("family")
    model = random_model(KINDS[request.param])
    model.save_pretrained(folder / "c", max_shard_size="100KB")
    library = Library(folder / "home")
    return Subject(folder / "c", model, library, library.import_folder(folder / "c", "m"))


def reference_tokens(subject: Subject) -> list[int]:
    with torch.no_grad():
        generated = subject.reference.generate(
            torch.tensor([PROMPT]),
            attention_mask=torch.ones(1, len(PROMPT), dtype=torch.long),
            max_new_tokens=TOKENS,
            do_sample=False,
            pad_token_id=0,
        )
    return [int(token) for token in generated[0, len(PROMPT) :]]


def chain_of(subject: Subject, manifest: ModelManifest) -> list[ShardEngine]:
    """Return three shards as a phone runs them."""
    engines = []
    for layer in range(3):
        shard = subject.library.shard(manifest, layer, layer)
        shape = SpanShape(
            first_layer=layer,
            last_layer=layer,
            has_embedding=shard.has_embedding,
            has_head=shard.has_head,
            hidden_size=manifest.hidden_size,
            vocabulary_size=manifest.vocabulary_size,
            kv_heads=manifest.kv_heads,
            head_size=manifest.head_size,
            context_tokens=manifest.context_tokens,
            slots=2,
        )
        engines.append(ShardEngine(subject.library.store.path(shard.graph.sha256), shape, 1))
    return engines


def run_chain(chain: list[ShardEngine], tokens: list[int], position: int) -> NDArray[np.float32]:
    value: NDArray[Any] = np.array([tokens], np.int64)
    for engine in chain:
        value = engine.run(1, position, value)
    return value[0]


def chain_tokens(chain: list[ShardEngine]) -> list[int]:
    generated: list[int] = []
    pending, position = PROMPT, 0
    while len(generated) < TOKENS:
        generated.append(int(run_chain(chain, pending, position).argmax()))
        position += len(pending)
        pending = generated[-1:]
    return generated


def test_the_whole_and_three_shards_generate_the_references_tokens(subject: Subject) -> None:
    expected = reference_tokens(subject)
    assert len(set(expected)) > 2
    assert run_whole(subject.manifest, subject.library, PROMPT, TOKENS) == expected
    assert chain_tokens(chain_of(subject, subject.manifest)) == expected


def test_logits_of_prefill_chunks_and_decoding_are_the_references(subject: Subject) -> None:
    tokens = np.random.default_rng(0).integers(0, 160, 60).tolist()
    with torch.no_grad():
        expected = subject.reference(torch.tensor([tokens])).logits[0].numpy()
    whole, chain = (
        WholeModel(subject.manifest, subject.library),
        chain_of(subject, subject.manifest),
    )
    for start, after in [(0, 30), (30, 50), *((index, index + 1) for index in range(50, 60))]:
        found = whole.step(tokens[start:after], start)
        assert np.array_equal(run_chain(chain, tokens[start:after], start), found)
        difference = np.abs(found - expected[after - 1]).max()
        assert difference <= 1e-4 * np.abs(expected[after - 1]).max()


@pytest.mark.parametrize("quantization", ["q8", "q4"])
def test_quantised_shards_generate_what_the_quantised_whole_does(
    subject: Subject, quantization: str
) -> None:
    name = f"m-{quantization}"
    manifest = subject.library.import_folder(subject.folder, name, quantization)
    whole, chain = WholeModel(manifest, subject.library), chain_of(subject, manifest)
    found = whole.step(PROMPT, 0)
    assert np.array_equal(run_chain(chain, PROMPT, 0), found)
    assert np.isfinite(found).all()
    with torch.no_grad():
        expected = subject.reference(torch.tensor([PROMPT])).logits[0, -1].numpy()
    similarity = np.corrcoef(found, expected)[0, 1]
    assert similarity > {"q8": 0.98, "q4": 0.7}[quantization]
    assert chain_tokens(chain) == run_whole(manifest, subject.library, PROMPT, TOKENS)
