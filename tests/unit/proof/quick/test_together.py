"""All rows of a stage computed together let honest work pass, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.audit_outcome import AuditOutcome
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.proof.audit import audit
from app.proof.case import AuditMethod
from app.proof.quick.together import passes_together
from app.proof.stage_parts import open_shard
from tests.unit.models.support import write_random
from tests.unit.proof.support import RingRun, RingShard, cut, run_ring, with_token
from workers.identity.answer_leaf import chosen_token
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import Added, SamplingRule, Steering
from workers.protocol.wire import Tensor

COUNT = 6
SPANS = ((0, 0), (1, 2), (3, 3))
DRAWN = SamplingRule(1.0, top_p=0.9, seed=6)


@pytest.fixture(scope="module", params=list(Quantization))
def shards(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RingShard, ...]:
    folder: Path = tmp_path_factory.mktemp("together")
    library = Library(folder / "home")
    model = library.import_folder(write_random(folder / "checkpoint"), "tiny", request.param)
    return cut(library, model, SPANS)


@pytest.mark.parametrize("boundary", list(Boundary))
def test_honest_stages_pass_together_wherever_they_are(
    shards: tuple[RingShard, ...], boundary: Boundary
) -> None:
    for rule in (SamplingRule(), DRAWN):
        for case in run_ring(shards, COUNT, sampling=rule, boundary=boundary).cases:
            found = passes_together(case, open_shard)
            if found is None:  # only ever a reason to look at each step
                assert case.parts
                assert audit(case).passed
                continue
            assert (found.outcome, found.method) == (AuditOutcome.PASSED, AuditMethod.TOGETHER)
            assert found.deviation <= 1


def _wrong(stage: int, step: int, output: Tensor) -> Tensor:
    if stage == 2:
        return with_token(output, (chosen_token(output) + 1) % 9) if step == 3 else output
    return output * np.float32(1.2) if step == 3 else output


def run_of(shards: tuple[RingShard, ...]) -> RingRun:
    return run_ring(shards, COUNT, _wrong)


def test_one_wrong_step_never_passes_together(shards: tuple[RingShard, ...]) -> None:
    for case in run_of(shards).cases:
        assert passes_together(case, open_shard) is None
        assert not audit(case).passed


def test_what_is_not_signed_for_or_overwrote_rows_is_looked_at_by_steps(
    shards: tuple[RingShard, ...],
) -> None:
    case = run_ring(shards, COUNT).cases[1]
    other = replace(case, receipt=replace(case.receipt, output_root="0" * 64))
    back = replace(case, steps=(*case.steps[:-1], replace(case.steps[-1], position=1)))
    unknown = replace(case, steps=(*case.steps[:-1], replace(case.steps[-1], claimed=None)))
    for each in (other, back, unknown):
        assert passes_together(each, open_shard) is None


def test_a_token_is_held_to_what_steered_it(shards: tuple[RingShard, ...]) -> None:
    case = run_ring(shards, COUNT).cases[2]
    steered = replace(case.steps[2], steering=Steering(added=(Added(7, 1e3),)))
    said = replace(case, steps=(*case.steps[:2], steered, *case.steps[3:]))
    assert passes_together(said, open_shard) is None
