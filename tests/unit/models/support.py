"""Small random checkpoints, and shards run by a plain session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from app.core.model import ModelManifest
from app.models.library import Library
from app.models.shards import Shard
from tests.assignments import blocks

CONFIGURATION: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 320,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "bos_token_id": 0,
    "eos_token_id": [1],
}
STORED_TYPES = {"bf16": ml_dtypes.bfloat16, "f16": np.float16, "f32": np.float32}
TEXT = ["In the beginning was the Word, and the light shone: über naïve façades. " * 4]


def tensor_shapes(configuration: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    hidden, inner = configuration["hidden_size"], configuration["intermediate_size"]
    keys = hidden * configuration["num_key_value_heads"] // configuration["num_attention_heads"]
    rows = {
        "self_attn.q_proj": (hidden, hidden),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.v_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, hidden),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
    }
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (configuration["vocab_size"], hidden),
        "model.norm.weight": (hidden,),
    }
    if not configuration["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (configuration["vocab_size"], hidden)
    for layer in range(configuration["num_hidden_layers"]):
        own = f"model.layers.{layer}."
        for name, shape in rows.items():
            shapes[f"{own}{name}.weight"] = shape
            if configuration.get("attention_bias" if "attn" in name else "mlp_bias"):
                shapes[f"{own}{name}.bias"] = shape[:1]
        for norm in ("input_layernorm", "post_attention_layernorm"):
            shapes[f"{own}{norm}.weight"] = (hidden,)
    return shapes


def random_tensors(
    configuration: Mapping[str, Any], stored_type: str = "f32", seed: int = 0
) -> dict[str, NDArray[Any]]:
    """Random weights; norms and biases too, or an exchange of two layers would go unseen."""
    generator = np.random.default_rng(seed)
    return {
        name: (
            generator.normal(float("norm" in name), 0.15, shape).astype(STORED_TYPES[stored_type])
        )
        for name, shape in tensor_shapes(configuration).items()
    }


def write_folder(
    folder: Path,
    configuration: Mapping[str, Any],
    tensors: Mapping[str, NDArray[Any]],
    files: int = 1,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(configuration))
    tokenizer().save(str(folder / "tokenizer.json"))
    if files == 1:
        save_file(dict(tensors), folder / "model.safetensors")
        return folder
    names = sorted(tensors)
    placed = {name: f"model-{index % files}.safetensors" for index, name in enumerate(names)}
    for file in set(placed.values()):
        save_file({name: tensors[name] for name in names if placed[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": placed}))
    return folder


def write_random(folder: Path, stored_type: str = "f32", files: int = 1, **changes: object) -> Path:
    configuration = {**CONFIGURATION, **changes}
    return write_folder(folder, configuration, random_tensors(configuration, stored_type), files)


def tokenizer() -> Tokenizer:
    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    built.train_from_iterator(TEXT, trainer)
    built.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    return built


class Stage:
    """One shard in its own session, the cache bound in place."""

    def __init__(
        self, library: Library, manifest: ModelManifest, shard: Shard, sequences: int = 1
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(library.store.path(shard.graph.sha256)), options, ["CPUExecutionProvider"]
        )
        self._main = "input_ids" if shard.has_embedding else "hidden_in"
        shape = (sequences, manifest.kv_heads, manifest.context_tokens, manifest.head_size)
        self._cache = {
            f"{layer}.{part}": np.zeros(shape, np.dtype(manifest.cache_rows.value))
            for layer in shard.blocks.blocks
            for part in ("key", "value")
        }

    def step(self, value: NDArray[Any], *positions: int) -> NDArray[np.float32]:
        """Run rows [batch, tokens] after `positions` cached ones, one position a sequence."""
        binding = self.session.io_binding()
        totals = [position + value.shape[1] for position in positions]
        binding.bind_cpu_input(self._main, np.ascontiguousarray(value))
        binding.bind_cpu_input("seqlens_k", np.array(totals, np.int32) - 1)
        binding.bind_cpu_input("total_len", np.array(max(totals), np.int32))
        for name, buffer in self._cache.items():
            shape = (len(positions), *buffer.shape[1:])
            place = ("cpu", 0, buffer.dtype.type, shape, buffer.ctypes.data)
            binding.bind_input(f"past.{name}", *place)
            binding.bind_output(f"present.{name}", *place)
        binding.bind_output(self.session.get_outputs()[0].name, "cpu")
        self.session.run_with_iobinding(binding)
        result: NDArray[np.float32] = binding.get_outputs()[-1].numpy()
        return result


def stages(library: Library, manifest: ModelManifest, count: int) -> list[Stage]:
    """Return the model cut into `count` shards."""
    size = manifest.layer_count // count
    spans = [(first, first + size - 1) for first in range(0, manifest.layer_count, size)]
    return [
        Stage(library, manifest, library.shard(manifest, blocks(manifest, *span))) for span in spans
    ]


def run_ring(ring: list[Stage], tokens: list[int], position: int) -> NDArray[np.float32]:
    """Return the logits [1, vocabulary] after passing the tokens through all stages."""
    value: NDArray[Any] = np.array([tokens], np.int64)
    for stage in ring:
        value = stage.step(value, position)
    return value


def manifests_of(library: Library) -> tuple[ModelManifest, ...]:
    """Return the usable models' manifests by name."""
    return tuple(model.manifest for model in library.models())
