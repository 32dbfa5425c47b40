"""Mistral's own form: the same model as in transformers' form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from app.core.errors import BadInputError
from app.models.library import Library
from tests.saying import raises_saying
from tests.unit.models.families import write_family

NAMES = {
    "model.embed_tokens": "tok_embeddings",
    "model.norm": "norm",
    "lm_head": "output",
    "model.layers": "layers",
    "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attention.wq",
    "self_attn.k_proj": "attention.wk",
    "self_attn.v_proj": "attention.wv",
    "self_attn.o_proj": "attention.wo",
    "mlp.gate_proj": "feed_forward.w1",
    "mlp.down_proj": "feed_forward.w2",
    "mlp.up_proj": "feed_forward.w3",
    "block_sparse_moe.": "",
}
HEADS, HEAD = 4, 16


def consolidated(folder: Path, original: Path, **more: object) -> Path:
    """Write a checkpoint of transformers in Mistral's form."""
    folder.mkdir()
    tensors: dict[str, Any] = {}
    for name, values in load_file(original / "model.safetensors").items():
        own = name
        for theirs, ours in NAMES.items():
            own = own.replace(theirs, ours)
        if "q_proj" in name or "k_proj" in name:
            halves = values.reshape(-1, 2, HEAD // 2, values.shape[1])
            values = halves.transpose(0, 2, 1, 3).reshape(values.shape)  # noqa: PLW2901
        tensors[own] = np.ascontiguousarray(values)
    save_file(tensors, folder / "consolidated.safetensors")
    fields = json.loads((original / "config.json").read_text())
    parameters = {
        "dim": fields["hidden_size"],
        "n_layers": fields["num_hidden_layers"],
        "hidden_dim": fields["intermediate_size"],
        "n_heads": HEADS,
        "n_kv_heads": fields["num_key_value_heads"],
        "head_dim": HEAD,
        "norm_eps": fields.get("rms_norm_eps", 1e-6),
        "vocab_size": fields["vocab_size"],
        "rope_theta": fields.get("rope_theta", 10000.0),
        "max_seq_len": 64,
        "sliding_window": fields.get("sliding_window"),
        **more,
    }
    (folder / "params.json").write_text(json.dumps(parameters))
    return folder


@pytest.mark.parametrize(
    ("family", "more"),
    [("mistral", {}), ("mixtral", {"moe": {"num_experts": 4, "num_experts_per_tok": 2}})],
)
def test_it_is_the_same_model_as_in_the_form_of_transformers(
    tmp_path: Path, home: Path, family: str, more: dict[str, Any]
) -> None:
    library = Library(home)
    original = write_family(tmp_path / "c", family, tie_word_embeddings=False)
    expected = library.import_folder(original, "theirs")
    found = library.import_folder(consolidated(tmp_path / "d", original, **more), "ours")
    assert found.family == expected.family
    assert [each.sha256 for each in found.blobs] == [each.sha256 for each in expected.blobs]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"vision_encoder": {"hidden_size": 8}}, "sees or hears"),
        ({"quantization": {"qformat_weight": "fp8_e4m3"}}, "weights are quantised"),
        ({"n_layers": "many"}, "num_hidden_layers"),
    ],
)
def test_what_is_not_read_of_it_is_named(
    tmp_path: Path, home: Path, more: dict[str, Any], line: str
) -> None:
    original = write_family(tmp_path / "c", "mistral", tie_word_embeddings=False)
    library = Library(home)
    with raises_saying(BadInputError, match=line):
        library.import_folder(consolidated(tmp_path / "d", original, **more), "m")
    assert library.models() == ()
