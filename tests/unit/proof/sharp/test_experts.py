"""Stages with experts: all around them is recomputed, and nobody is cleared or blamed by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.models.quantization.block_wise import Quantization
from app.proof.case import AuditCase
from app.proof.router_ties import routers_of
from app.proof.sharp.classes import RoundingClass
from app.proof.sharp.graph import EXPERTS
from app.proof.sharp.verdict import SharpReason
from tests.soak import slice_of_several
from tests.unit.proof.sharp.support import looked_at, phone, with_weights
from tests.unit.proof.sharp.test_honest import COUNT, WITH_EXPERTS, shards
from tests.unit.proof.support import run_ring

CASES = [
    *((each, Quantization.F32) for each in WITH_EXPERTS),
    ("mixtral", Quantization.Q8),
    ("qwen3_moe", Quantization.Q4_PLAIN),
]
KEPT = [("phimoe", Quantization.F32), ("olmoe", Quantization.F32), ("mixtral", Quantization.Q8)]
"""One of each way to choose experts."""


def with_experts(cases: tuple[AuditCase, ...]) -> list[AuditCase]:
    found = [case for case in cases if routers_of(case.graph_path)]
    assert found
    return found


@pytest.mark.parametrize(("family", "quantization"), slice_of_several(CASES, *KEPT))
def test_all_around_experts_is_what_this_machine_computes_and_clears_nobody(
    tmp_path: Path, family: str, quantization: Quantization, own_class: RoundingClass
) -> None:
    for case in with_experts(run_ring(shards(tmp_path, family, quantization), COUNT).cases):
        found = phone(case, own_class)
        mixtures = [each for each in found.sharp.graph.operators if each.kind == EXPERTS]
        assert len(mixtures) == case.shape.layer_count
        verdict = looked_at(found)
        assert verdict.reason is SharpReason.NOT_COVERED, verdict
        assert verdict.operator.startswith(EXPERTS)
        assert verdict.deviation <= 1
        assert 0 < verdict.not_judged < verdict.looked_at


def test_rows_that_went_to_other_experts_near_a_tie_speak_against_nobody(
    tmp_path: Path, own_class: RoundingClass
) -> None:
    """The replay chooses others than the work did, whose rows end elsewhere."""
    case = with_experts(run_ring(shards(tmp_path, "mixtral", Quantization.F32), COUNT).cases)[0]
    others = with_weights(case.graph_path, "others", _turned_about)
    verdict = looked_at(phone(case, own_class, others))
    assert verdict.reason is SharpReason.NOT_COVERED, verdict


def _turned_about(name: str, weights: np.ndarray) -> np.ndarray | None:
    """Let what experts make be something else: as if rows had gone to others."""
    expert = ".experts." in name and weights.dtype == np.float32 and weights.ndim == 2
    return np.flip(weights, 0).copy() if expert else None


@pytest.mark.parametrize("part", ["router", "attention"])
def test_what_is_wrong_around_experts_is_named(
    tmp_path: Path, part: str, own_class: RoundingClass
) -> None:
    case = with_experts(run_ring(shards(tmp_path, "mixtral", Quantization.F32), COUNT).cases)[0]

    def halves(name: str, weights: np.ndarray) -> np.ndarray | None:
        around = name.startswith("layer.") and ".experts." not in name
        own = name.endswith("router") if part == "router" else around
        if not own or weights.ndim != 2 or weights.dtype != np.float32:
            return None
        return weights.astype(np.float16).astype(np.float32)

    runs = with_weights(case.graph_path, "halves", halves)
    verdict = looked_at(phone(case, own_class, runs))
    assert verdict.reason is SharpReason.OPERATOR
    assert verdict.operator.startswith("FusedMatMul")
