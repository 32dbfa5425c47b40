"""Every family against the reference implementation in torch: tokens, logits, shards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.model import ModelManifest
from app.models.library import Library
from app.models.whole import WholeModel, run_whole
from tests.integration.models.reference import (
    KINDS,
    chain_of,
    chain_tokens,
    random_model,
    reference_tokens,
    run_chain,
    transformers,
)

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")
from safetensors.torch import load_file  # noqa: E402 - needs torch

READ_IN_THEIR_OWN_WAYS = {
    "llama": "whole",
    "phi3": "some of the rows",
    "gpt2": "turned",
    "bloom": "rows taken apart",
}
ALIKE = {"q8": 0.98, "q4": 0.7}
ALIKE_WITH_EXPERTS = {"q8": 0.9, "q4": 0.3}
"""Where a score is off by little, a token goes to another expert: all or nothing."""
PROMPT = [5, 3, 77, 150, 12]
TOKENS = 24


@dataclass(frozen=True)
class Subject:
    folder: Path
    reference: Any
    library: Library
    manifest: ModelManifest


@pytest.fixture(scope="module", params=KINDS)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("family")
    model = random_model(KINDS[request.param])
    model.save_pretrained(folder / "c", max_shard_size="100KB")
    library = Library(folder / "home")
    return Subject(folder / "c", model, library, library.import_folder(folder / "c", "m"))


def test_the_whole_and_three_shards_generate_the_references_tokens(subject: Subject) -> None:
    expected = reference_tokens(subject.reference, PROMPT, TOKENS)
    assert len(set(expected)) > 2
    assert run_whole(subject.manifest, subject.library, PROMPT, TOKENS) == expected
    assert chain_tokens(chain_of(subject.library, subject.manifest), PROMPT, TOKENS) == expected


def test_logits_of_prefill_chunks_and_decoding_are_the_references(subject: Subject) -> None:
    tokens = np.random.default_rng(0).integers(0, 160, 60).tolist()
    with torch.no_grad():
        expected = subject.reference(torch.tensor([tokens])).logits[0].numpy()
    whole, chain = (
        WholeModel(subject.manifest, subject.library),
        chain_of(subject.library, subject.manifest),
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
    whole, chain = WholeModel(manifest, subject.library), chain_of(subject.library, manifest)
    tensors = next(each.tensors for each in subject.library.models() if each.manifest == manifest)
    found = whole.step(PROMPT, 0)
    assert np.array_equal(run_chain(chain, PROMPT, 0), found)
    assert np.isfinite(found).all()
    with torch.no_grad():
        expected = subject.reference(torch.tensor([PROMPT])).logits[0, -1].numpy()
    similarity = np.corrcoef(found, expected)[0, 1]
    least = ALIKE_WITH_EXPERTS if "experts.gate_up" in " ".join(tensors) else ALIKE
    assert similarity > least[quantization]
    assert chain_tokens(chain, PROMPT, TOKENS) == run_whole(
        manifest, subject.library, PROMPT, TOKENS
    )


@pytest.mark.parametrize("stored_type", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", READ_IN_THEIR_OWN_WAYS)
def test_a_checkpoint_in_half_precision_is_the_references_in_float32(
    tmp_path: Path, name: str, stored_type: str
) -> None:
    folder = tmp_path / "c"
    random_model(KINDS[name]).to(getattr(torch, stored_type)).save_pretrained(folder)
    (stored,) = {str(tensor.dtype) for tensor in load_file(folder / "model.safetensors").values()}
    assert stored == f"torch.{stored_type}"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    library = Library(tmp_path / "home")
    manifest = library.import_folder(folder, "m")
    assert run_whole(manifest, library, PROMPT, TOKENS) == reference_tokens(model, PROMPT, TOKENS)
    with torch.no_grad():
        expected = model(torch.tensor([PROMPT])).logits[0, -1].numpy()
    difference = np.abs(WholeModel(manifest, library).step(PROMPT, 0) - expected).max()
    assert difference <= 1e-4 * np.abs(expected).max()
