"""Stages with experts: near-ties of routers pass either way, and cheats are found all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.audit_outcome import AuditOutcome
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.proof.audit import audit
from app.proof.case import AuditCase
from app.proof.router_ties import CLOSE, margins, routers_of
from app.proof.stage_parts import StagePart
from tests.unit.models.families import write_family
from tests.unit.proof.rounding_support import Rounding, rounded
from tests.unit.proof.sharp.support import with_weights
from tests.unit.proof.support import Alteration, RingRun, RingShard, cut, run_ring

SPANS = ((0, 1), (2, 2))
COUNT = 8
FAMILIES = ("mixtral", "qwen3_moe", "olmoe", "granitemoe", "gpt_oss")
Change = Callable[[str, np.ndarray], np.ndarray | None]


def shards(folder: Path, family: str, quantization: Quantization) -> tuple[RingShard, ...]:
    library = Library(folder / "home")
    written = write_family(folder / "checkpoint", family)
    return cut(library, library.import_folder(written, "tiny", quantization), SPANS)


def on(ring: Sequence[RingShard], graphs: Callable[[Path], Path]) -> tuple[RingShard, ...]:
    """Return the ring with its phones running other graphs."""
    return tuple(
        replace(shard, runs=StagePart(graphs(shard.graph_path), shard.shape)) for shard in ring
    )


def tied(name: str, weights: np.ndarray) -> np.ndarray | None:
    """Let all experts of every router but the first score alike, to a last bit."""
    if not name.endswith("router"):
        return None
    changed = weights.copy()
    changed[2:] = changed[1]
    return changed


def outcomes(run: RingRun, other: bool = False) -> list[AuditOutcome]:  # noqa: FBT001, FBT002
    return [audit(_elsewhere(case) if other else case).outcome for case in run.cases]


def _elsewhere(case: AuditCase) -> AuditCase:
    return replace(case, host_class="another")


def turned(name: str, weights: np.ndarray) -> np.ndarray | None:
    """Move every router's scores by a last bit or two, as another order of additions does."""
    if not name.endswith("router"):
        return None
    generator = np.random.default_rng(3)
    moved: np.ndarray = weights * (1 + 3e-6 * generator.standard_normal(weights.shape))
    return moved.astype(np.float32)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_routers_of_every_family_are_found(tmp_path: Path, family: str) -> None:
    ring = shards(tmp_path, family, Quantization.F32)
    assert any(routers_of(shard.graph_path) for shard in ring)


def test_honest_phones_pass_where_a_last_bit_chose_other_experts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every router is tied here, so that experts are chosen by what is left of rounding."""
    plain = shards(tmp_path, "mixtral", Quantization.F32)
    ring = tuple(_of_graph(shard, with_weights(shard.graph_path, "tied", tied)) for shard in plain)
    noisy = on(ring, lambda path: with_weights(path, "turned", turned))
    run = run_ring(noisy, COUNT)
    margin = margins(run.cases[0])
    assert margin is not None
    assert (margin <= CLOSE).any()
    assert AuditOutcome.FAILED not in outcomes(run)
    monkeypatch.setattr("app.proof.audit.margins", lambda _case: None)
    assert AuditOutcome.FAILED in outcomes(run)


def test_without_ties_a_stage_is_held_to_every_bit_that_it_was_held_to(tmp_path: Path) -> None:
    ring = shards(tmp_path, "mixtral", Quantization.F32)

    def off(stage: int, step: int, output: np.ndarray) -> np.ndarray:
        return output * np.float32(1.01) if stage == 0 and step > 2 else output

    assert outcomes(run_ring(ring, COUNT, off))[0] is AuditOutcome.FAILED


@pytest.mark.parametrize("quantization", [Quantization.Q8, Quantization.Q4_PLAIN])
@pytest.mark.parametrize("rounding", [Rounding.NONE, Rounding.ROWS])
def test_honest_phones_of_other_processors_never_fail(
    tmp_path: Path, quantization: Quantization, rounding: Rounding
) -> None:
    ring = shards(tmp_path, "mixtral", quantization)
    run = run_ring(on(ring, lambda path: rounded(path, rounding)), COUNT)
    assert AuditOutcome.FAILED not in outcomes(run, other=True)


@pytest.mark.parametrize("other", [True, False])
def test_a_phone_that_always_lies_fails_with_experts_too(tmp_path: Path, *, other: bool) -> None:
    generator = np.random.default_rng(5)

    def noise(stage: int, _step: int, output: np.ndarray) -> np.ndarray:
        if stage:
            return output
        scale = np.linalg.norm(output, axis=-1, keepdims=True) / np.sqrt(output.shape[-1])
        lie: np.ndarray = output + 2 * scale * generator.standard_normal(output.shape)
        return lie.astype(np.float32)

    alteration: Alteration = noise
    ring = shards(tmp_path, "mixtral", Quantization.Q8 if other else Quantization.F32)
    assert outcomes(run_ring(ring, COUNT, alteration), other)[0] is AuditOutcome.FAILED


def _of_graph(shard: RingShard, path: Path) -> RingShard:
    graph = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(shard, graph=graph, graph_path=path)
