"""Stages with experts, and of models that answer with a vector, are convicted by a file too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.core.audit_outcome import SharpOutcome
from app.models.library import Library
from app.proof.convicting.judging import convicts
from app.proof.sharp.classes import RoundingClass
from tests.unit.models.families import write_family
from tests.unit.proof.convicting.support import worked


def halves_of_attention(name: str, weights: np.ndarray) -> np.ndarray | None:
    """Bring what attention multiplies with to 16 bits, and nothing that experts do."""
    if not name.startswith("layer.1.query") or weights.ndim != 2:
        return None
    return weights.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("family", ["mixtral", "qwen3-classifier"])
def test_cheaper_attention_convicts_by_the_file_alone(
    tmp_path: Path, family: str, own_class: RoundingClass
) -> None:
    library = Library(tmp_path / "home")
    written = write_family(tmp_path / "checkpoint", family, num_hidden_layers=4)
    model = library.import_folder(written, "tiny")
    work = worked(library, model, own_class, 1, halves_of_attention)
    found = work.convicted(work.looked_at())
    judgement = convicts(found.content())
    assert judgement.outcome is SharpOutcome.FAILED
    assert judgement.verdict.operator == "FusedMatMul layer.1.query_key_value"
