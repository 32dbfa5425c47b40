"""The model whose sizes weigh as a real one's: weights and hidden states, but for the words."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from app.benchmarks.stages.random_model import LlamaSize, write_random_llama
from app.core.model import ModelManifest
from app.models.library import Library

MODEL: Final = "random-8-layers"
SIZE: Final = LlamaSize(
    layers=8, hidden_size=576, inner_size=1536, heads=9, kv_heads=3, vocabulary_size=4_096
)
"""Eight layers of SmolLM2-135M's sizes."""
CONTEXT: Final = 64
"""Tokens of the texts that it goes on from."""


def imported(library: Library, folder: Path) -> ModelManifest:
    """Import the model, whose checkpoint is written below a folder, in q8."""
    return library.import_folder(write_random_llama(folder / "checkpoint", SIZE), MODEL, "q8")


def text(seed: int) -> tuple[int, ...]:
    """Return the tokens of a text."""
    generator = np.random.default_rng(seed)
    return tuple(generator.integers(0, SIZE.vocabulary_size, CONTEXT).tolist())
