"""Models of two chains against the reference implementation in torch: tokens, logits, shards."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.model import ModelManifest
from app.models.library import Library
from app.models.shards import span_shape
from tests.integration.models.reference import Kind, random_model
from workers.engine.engine import ShardEngine
from workers.protocol.wire import Tensor

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")

T5 = {
    "vocab_size": 160,
    "d_model": 64,
    "d_kv": 24,
    "d_ff": 96,
    "num_layers": 3,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 20,
    "decoder_start_token_id": 0,
    "eos_token_id": None,
}
BART = {
    "vocab_size": 160,
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 96,
    "decoder_ffn_dim": 80,
    "max_position_embeddings": 128,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": None,
    "decoder_start_token_id": 2,
    "forced_eos_token_id": None,
}
PAIRS = {
    "t5": Kind("T5", T5),
    "flan": Kind("T5", T5 | {"feed_forward_proj": "gated-gelu"}),
    "bart": Kind("Bart", BART | {"forced_bos_token_id": 5}),
    "mbart": Kind("MBart", BART),
    "marian": Kind("Marian", BART | {"decoder_start_token_id": 1, "scale_embedding": True}),
    "pegasus": Kind("Pegasus", BART),
    "m2m100": Kind("M2M100", BART | {"scale_embedding": True}),
}
HEADS = {"marian": "MTModel"}
TEXT = [2, 77, 150, 12, 9, 30, 5, 5, 101, 3, 44, 90, 91, 92, 17, 60, 61, 8, 7, 31, 29, 28, 140]
TOKENS = 20


def saved(folder: Path, name: str) -> Any:  # noqa: ANN401 - torch's types are not here
    model = random_model(PAIRS[name], HEADS.get(name, "ForConditionalGeneration"))
    with torch.no_grad():
        for module in model.modules():
            if hasattr(module, "create_weight"):  # computed positions, which no file holds
                module.weight.copy_(module.create_weight())
        for each, parameter in model.named_parameters():
            if each.endswith("Attention.q.weight"):  # T5 keeps the scale of its scores there
                parameter.mul_(24**-0.5)
        if name == "marian":
            model.final_logits_bias.normal_(std=0.3)
    model.save_pretrained(folder, max_shard_size="100KB")
    return model


def engines(library: Library, manifest: ModelManifest, *sizes: int) -> list[ShardEngine]:
    """Return shards of so many layers each, both chains one after the other."""
    edges = np.cumsum([0, *sizes])
    made = []
    for first, end in pairwise(map(int, edges)):
        shard = library.shard(manifest, manifest.span_of(first, end))
        shape = span_shape(manifest, shard, manifest.context_tokens, 2)
        made.append(ShardEngine(library.store.path(shard.graph.sha256), shape, 1))
    return made


def stepped(chain: list[ShardEngine], tokens: list[int], position: int, slot: int = 1) -> Tensor:
    value: NDArray[Any] = np.array([tokens], np.int64)
    for engine in chain:
        value = engine.run(slot, position, value)
    return value


def written(chain: list[ShardEngine], text: list[int], begin: list[int], count: int) -> list[int]:
    stepped(chain, text, 0)
    pending, position, answer = begin, len(text), list[int]()
    while len(answer) < count:
        for token in pending:
            logits = stepped(chain, [token], position)[0]
            position += 1
        pending = [int(logits.argmax())]
        answer += pending
    return answer


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=[pytest.mark.soak] * (each not in ("t5", "marian")))
        for each in PAIRS
    ],
)
def test_shards_of_both_chains_write_the_references_tokens(tmp_path: Path, name: str) -> None:
    reference = saved(tmp_path / "c", name)
    library = Library(tmp_path / "home")
    manifest = library.import_folder(tmp_path / "c", "m")
    begin = list(manifest.answer_begins_with)
    with torch.no_grad():
        expected = reference.generate(
            torch.tensor([TEXT]),
            attention_mask=torch.ones(1, len(TEXT), dtype=torch.long),
            max_new_tokens=TOKENS + len(begin) - 1,
            do_sample=False,
            num_beams=1,
        )[0].tolist()
    assert expected[: len(begin)] == begin
    sizes = (1, manifest.encoder_layers - 1, 1, manifest.layer_count - manifest.encoder_layers - 1)
    assert (
        written(engines(library, manifest, *sizes), TEXT, begin, TOKENS) == expected[len(begin) :]
    )
    given = np.random.default_rng(3).integers(2, 160, 12).tolist()
    chain = engines(library, manifest, *sizes)
    stepped(chain, TEXT, 0)
    with torch.no_grad():
        scores = reference.double()(torch.tensor([TEXT]), decoder_input_ids=torch.tensor([given]))
    for index, (token, row) in enumerate(zip(given, scores.logits[0].numpy(), strict=True)):
        found = stepped(chain, [token], len(TEXT) + index)[0]
        assert np.abs(found - row).max() <= 1e-4 * np.abs(row).max()
